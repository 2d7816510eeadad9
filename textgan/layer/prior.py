"""The text-conditional prior p(z given text)."""

from torch import Tensor, nn

from textgan.layer.clamp import clamp_passing_gradient


class TextPrior(nn.Module):
    """Pooled text -> mean and log variance of z, both 0 at initialisation (standard normal).

    Args:
        text_width: length of the pooled text.
        noise_width: length of z.
        hidden_width: width of the hidden layer.
    """

    def __init__(self, text_width: int, noise_width: int, hidden_width: int = 64):
        super().__init__()
        self.hidden = nn.Linear(text_width, hidden_width)
        self.last = nn.Linear(hidden_width, 2 * noise_width)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) -> mean and log variance, each (B, Z); the latter is kept within [-6, 6]."""
        mean, log_variance = self.last(nn.functional.silu(self.hidden(text))).chunk(2, 1)
        return mean, 6 * clamp_passing_gradient(log_variance / 6)
