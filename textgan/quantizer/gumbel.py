"""The relaxed quantizer of DALL-E 1."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textgan.quantizer.base import Quantizer
from textgan.schedule import Schedule, check_schedule, value_at
from textgan.types import Quantized


class GumbelQuantizer(Quantizer):
    """Categorical codes by the Gumbel-softmax relaxation, as in DALL-E 1 (Ramesh et al. 2021).

    The latents are logits over the codes of each group. In training, a value is the mean of the
    code vectors by softmax((logits + Gumbel noise) / temperature); the temperature falls, so that
    one code dominates more and more. In evaluation it is the vector of the most probable code. The
    loss is KL(q || uniform) in nats, a sum over the groups and a mean over images and positions.

    Args:
        channels: of the quantised values, divided among the groups.
        codebook_size: number of codes of a group.
        groups: codes at each position.
        temperature: schedule over the training.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        channels: int = 64,
        codebook_size: int = 512,
        groups: int = 1,
        temperature: Schedule = ((0.0, 1.0), (0.25, 0.5), (0.5, 0.125), (0.6, 0.0625)),
    ):
        super().__init__()
        if groups < 1 or channels < 1 or channels % groups:
            rule = "channels must be a positive multiple of groups"
            raise ValueError(f"{rule}, got {channels} and {groups}")
        if codebook_size < 2:
            raise ValueError(f"codebook_size must be at least 2, got {codebook_size}")
        constant = isinstance(temperature, int | float)
        lowest = temperature if constant else min(value for _, value in temperature)
        if lowest <= 0:
            raise ValueError(f"temperature must be above 0, got {lowest}")
        self.temperature = check_schedule("temperature", temperature)
        self.groups, self.codebook_size = groups, codebook_size
        self.in_channels, self.channels = groups * codebook_size, channels
        self.codebook = nn.Parameter(torch.randn(groups, codebook_size, channels // groups))

    def forward(self, latents: Tensor, progress: float = 1.0) -> Quantized:
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.to(torch.promote_types(latents.dtype, torch.float32))
            logits = latents.unflatten(1, (self.groups, -1)).movedim(2, -1)  # (B, G, H, W, K)
            codes = logits.argmax(-1)
            log_shares = logits.log_softmax(-1)
            kl = (log_shares.exp() * (log_shares + math.log(self.codebook_size))).sum(-1)
            if self.training:
                temperature = value_at(self.temperature, progress)
                weights = F.gumbel_softmax(logits, tau=temperature, dim=-1)
                values = self._joined(torch.einsum("bghwk,gkd->bghwd", weights, self.codebook))
            else:
                values = self.decode(codes)
        return Quantized(values, codes, kl.sum(1).mean())

    def decode(self, codes: Tensor) -> Tensor:
        self.check(codes)
        groups = torch.arange(self.groups, device=codes.device)[:, None, None]
        return self._joined(self.codebook[groups, codes])

    def _joined(self, vectors: Tensor) -> Tensor:
        """(B, G, H, W, width) -> (B, G * width, H, W)."""
        return vectors.movedim(-1, 2).flatten(1, 2)
