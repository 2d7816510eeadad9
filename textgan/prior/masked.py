"""A transformer that draws many codes at once."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from textgan.prior.base import Sampling
from textgan.prior.transformer import TransformerPrior
from textgan.types import TextFeatures


class MaskedPrior(TransformerPrior):
    """Draws the codes of an image in a few steps, many at a time (MaskGIT, Chang et al. 2022).

    A transformer whose positions all see each other predicts the codes of hidden positions from the
    caption and from the codes that are not hidden. In training, a random share of the positions is
    hidden, cos(u pi / 2) of them with u uniform in [0, 1). For a sample, all positions are hidden
    at first. Each step draws codes at all hidden positions, keeps those that the transformer is
    surest of, and hides the others again; after step t of T, the share cos(t / T pi / 2) of the
    positions is hidden.

    Args:
        codes_shape: (groups, h, w) of an image's codes.
        codebook_size: number of different codes.
        text_width: width of the text features.
        width: of the transformer.
        depth: number of blocks.
        num_heads: heads of each block.
        dropout: probability, on the input and in the blocks.
        choice_temperature: how much chance decides which codes are kept. It multiplies Gumbel noise
            that is added to the logarithm of a drawn code's probability, and falls to 0 over the
            steps; 4.5 in MaskGIT.
    """

    is_parallel = True

    def __init__(
        self,
        codes_shape: tuple[int, int, int],
        codebook_size: int,
        *,
        text_width: int,
        width: int = 192,
        depth: int = 6,
        num_heads: int = 3,
        dropout: float = 0.0,
        choice_temperature: float = 4.5,
    ):
        super().__init__(
            codes_shape,
            codebook_size,
            text_width=text_width,
            width=width,
            depth=depth,
            num_heads=num_heads,
            dropout=dropout,
        )
        if choice_temperature < 0:
            raise ValueError(f"choice_temperature must be at least 0, got {choice_temperature}")
        self.choice_temperature = choice_temperature

    def forward(self, codes: Tensor, text: TextFeatures, hidden: Tensor) -> Tensor:
        """The logits of each code.

        Args:
            codes: (B, groups, h, w) int64. Where `hidden` is True, only the logits of later groups
                at the same position depend on them.
            text: of B captions.
            hidden: (B, h, w) bool, the positions whose codes are to be predicted.

        Returns:
            (B, groups, h, w, K).
        """
        return self._logits(self._outputs(codes, text, hidden), codes)

    def loss(self, codes: Tensor, text: TextFeatures, uniform: Tensor) -> Tensor:
        """The mean over images of their mean cross-entropy at hidden positions.

        `uniform[:, 0]` chooses how many positions are hidden, and the others which.
        """
        self.check(codes)
        places = uniform.shape[1] - 1
        counts = (torch.cos(uniform[:, 0] * math.pi / 2) * places).ceil().clamp(min=1)
        hidden = _least(uniform[:, 1:], counts).unflatten(1, self.codes_shape[1:])
        logits = self(codes, text, hidden).float()
        losses = F.cross_entropy(logits.movedim(-1, 1), codes, reduction="none").sum(1)
        return ((losses * hidden).flatten(1).sum(1) / counts).mean()

    def numbers_shape(self, sampling: Sampling) -> tuple[int, ...]:
        groups, height, width = self.codes_shape
        return (sampling.num_inference_steps, groups + 1, height, width)

    @torch.no_grad()
    def sample(
        self,
        text: TextFeatures,
        uniform: Tensor,
        sampling: Sampling,
        *,
        empty: TextFeatures | None = None,
        known: Tensor | None = None,
        kept: Tensor | None = None,
        on_step: Callable[[Tensor], None] | None = None,
    ) -> Tensor:
        text = self._guided_text(text, sampling, empty)
        needed = self.numbers_shape(sampling)
        if tuple(uniform.shape[1:]) != needed:
            raise ValueError(
                f"uniform must have the shape {needed}, got {tuple(uniform.shape[1:])}"
            )
        size, steps, shape = len(uniform), sampling.num_inference_steps, self.codes_shape
        places, numbers = shape[1] * shape[2], uniform.flatten(3)  # (B, T, groups + 1, P)
        fixed = self._fixed(known, kept, size)
        if fixed is None:
            codes = torch.zeros(size, shape[0], places, dtype=torch.int64, device=uniform.device)
            hidden = torch.ones(size, places, dtype=torch.bool, device=uniform.device)
        else:
            codes, hidden = known.flatten(2).clone(), ~fixed
        counts = hidden.sum(1)
        for step in range(1, steps + 1):
            drawn, sureness = self._draw(
                codes, text, hidden, numbers[:, step - 1], sampling, step / steps
            )
            codes = torch.where(hidden[:, None], drawn, codes)
            if on_step is not None:
                on_step(codes.unflatten(2, shape[1:]))
            if sampling.temperature:
                gumbel = -(-numbers[:, step - 1, -1].clamp(1e-6, 1 - 1e-6).log()).log()
                sureness = sureness + self.choice_temperature * (1 - step / steps) * gumbel
            left = (counts * math.cos(step / steps * math.pi / 2)).floor()
            left = torch.minimum(left, (hidden.sum(1) - 1).clamp(min=0))  # each step keeps one
            hidden = _least(sureness.masked_fill(~hidden, torch.inf), left)
            if not hidden.any():
                break
        return codes.unflatten(2, shape[1:])

    def _draw(
        self,
        codes: Tensor,
        text: TextFeatures,
        hidden: Tensor,
        numbers: Tensor,
        sampling: Sampling,
        progress: float,
    ) -> tuple[Tensor, Tensor]:
        """Draw a code of each group at each position.

        Args:
            codes: (B, groups, P) so far.
            text: of B captions, and of as many empty ones after them for guidance.
            hidden: (B, P).
            numbers: (B, at least groups, P) in [0, 1).
            sampling: how they are drawn.
            progress: share of the steps, in (0, 1].

        Returns:
            The codes (B, groups, P), and the logarithm of the probability of each position's codes,
            (B, P).
        """
        copies, shape = 2 if sampling.is_guided else 1, self.codes_shape
        outputs = self._outputs(
            codes.unflatten(2, shape[1:]).repeat(copies, 1, 1, 1),
            text,
            hidden.unflatten(1, shape[1:]).repeat(copies, 1, 1),
        )
        drawn, sureness = [], torch.zeros(hidden.shape, device=codes.device)
        for group, head in enumerate(self.heads):
            logits = head(outputs)
            if sampling.is_guided:
                logits = sampling.guided(logits, progress)
            flat = sampling.draw(logits.flatten(0, 1), numbers[:, group].flatten())
            drawn.append(flat.unflatten(0, hidden.shape))
            chosen = logits.float().log_softmax(-1).gather(-1, drawn[-1][..., None])
            sureness = sureness + chosen.squeeze(-1)
            if group + 1 < len(self.heads):
                outputs = outputs + self.siblings[group](drawn[-1].repeat(copies, 1))
        return torch.stack(drawn, 1), sureness

    def _outputs(self, codes: Tensor, text: TextFeatures, hidden: Tensor) -> Tensor:
        """Codes (B, groups, h, w), text, hidden positions (B, h, w) -> outputs (B, P, D)."""
        self.check(codes)
        prefix, prefix_mask = self._prefix(text)
        seen = torch.where(
            hidden.flatten(1)[..., None], self.start, self._embedded(codes.flatten(2))
        )
        x = torch.cat([prefix, seen + self._positions()], 1)
        keys = F.pad(prefix_mask, (0, seen.shape[1]), value=True)[:, None]  # (B, 1, L + P)
        return self._blocks(x, keys)[:, prefix.shape[1] :]


def _least(numbers: Tensor, counts: Tensor) -> Tensor:
    """Where the least numbers of each row are: (B, P) and how many of each (B,) -> (B, P) bool."""
    return numbers.argsort(stable=True).argsort() < counts[:, None]
