"""Base class of metrics that score by a judge whether an image fits its caption."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from textgan.metric.net import NetMetric
from textgan.types import Evaluation


class JudgedMetric(NetMetric):
    """A metric over a judge's encodings, computed in float32 also inside an autocast.

    Args:
        judge: a `textgan.judge.base.Judge`, or anything with its `encode_images` and
            `encode_texts`.
    """

    def __init__(self, judge: nn.Module):
        super().__init__(judge)

    @property
    def judge(self) -> nn.Module:
        return self.net

    def encode_images(self, evaluation: Evaluation, kind: str) -> Tensor | None:
        """Unit encodings (B, D) float32 of "real", or of the first of each caption's "draws".

        None where there are no real images; a ValueError where some have NaN or infinite pixels.
        """
        images = evaluation.draws[:, 0] if kind == "draws" else evaluation.real
        if images is None:
            return None
        self.check_finite(images, kind)
        return self._unit(self.judge.encode_images, images, images.device)

    def encode_captions(self, evaluation: Evaluation) -> Tensor:
        """Unit encodings (B, D) float32 of the captions."""
        return self._unit(self.judge.encode_texts, evaluation.captions, evaluation.draws.device)

    @torch.no_grad()
    def _unit(
        self, encode: Callable[..., Tensor], given: Tensor | list[str], device: torch.device
    ) -> Tensor:
        """Encodings divided by their length; those of length 0 stay 0, and match nothing."""
        with torch.autocast(device.type, enabled=False):
            encodings = encode(given).to(device)
        if encodings.ndim != 2 or len(encodings) != len(given):
            rule = f"judge must encode {len(given)} images or captions as ({len(given)}, D)"
            raise ValueError(f"{rule}, got the shape {tuple(encodings.shape)}")
        if not encodings.isfinite().all():
            raise ValueError("judge must return finite encodings, got NaN or inf")
        return nn.functional.normalize(encodings.double()).float()
