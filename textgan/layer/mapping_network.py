"""Mapping network: noise and text in one style vector."""

import torch
from torch import Tensor, nn


class MappingNetwork(nn.Module):
    """Noise and pooled text -> the style vector that modulates a generator's blocks.

    Each is embedded on its own first: a low-dimensional noise concatenated with a wide text
    embedding would have little effect.

    Args:
        noise_width: length of the noise.
        text_width: length of the pooled text.
        width: length of the style vector.
    """

    def __init__(self, noise_width: int, text_width: int, width: int):
        super().__init__()
        self.noise = nn.Sequential(
            nn.Linear(noise_width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.text = nn.Sequential(nn.Linear(text_width, width), nn.SiLU())
        self.joint = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU())
        for linear in (self.noise[0], self.noise[2], self.text[0], self.joint[0]):
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)
        # The hidden units have their kinks at different values of the noise.
        nn.init.normal_(self.noise[0].bias)

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Noise (B, Z), pooled text (B, D) -> (B, width)."""
        noise = self.noise(noise)  # (B, S)
        return self.joint(torch.cat([noise, self.text(text)], 1)) + noise
