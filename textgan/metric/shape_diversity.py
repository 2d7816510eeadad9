"""Variation of the samples of a caption of shapes, relative to the scenes that it describes."""

from zlib import crc32

import torch
from torch import Tensor

from textgan.image import to_unit
from textgan.metric.base import Metric
from textgan.metric.interval import Moments, mean_of_sums, moments, ratio
from textgan.scene import parse
from textgan.scene.layout import place
from textgan.scene.render import render
from textgan.scene.sampling import keys
from textgan.types import Evaluation

_STREAM = 255  # the data module's splits use the first ones


class ShapeDiversity(Metric):
    """Variation over ten samples of a caption, divided by that over ten real scenes of it.

    The deviation of a caption is the standard deviation of each pixel and channel in [0, 1] over
    its ten images (variance: sum over ten), averaged over pixels and channels. `deviation_draws`
    and `deviation_real` average it over captions. `diversity` is their ratio: 0 where the noise is
    ignored, 1 as in the data, more where samples differ in attributes that the caption fixes.

    Args:
        hard: whether the real scenes are turned.
        spread: how far their objects are scattered, as in `textgan.data.shapes.Shapes`.
        seed: keys the real scenes, with the caption.
    """

    draws_per_caption = 10

    def __init__(self, *, hard: bool = False, spread: float = 1.0, seed: int = 0):
        super().__init__()
        self.hard, self.spread, self.seed = hard, spread, seed
        self.add_state("sums", torch.zeros(6, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Add ten samples (B, 10, 3, H, H); a ValueError for a caption outside the grammar."""
        draws = evaluation.draws[:, : self.draws_per_caption]
        real = [_deviation(self._real(text, draws.shape[-1])[None]) for text in evaluation.captions]
        self.sums += moments(_deviation(draws), torch.cat(real).to(draws.device))

    def compute(self) -> dict[str, float]:
        """`diversity`, `deviation_draws`, `deviation_real`, and `n` captions."""
        sums = Moments(*self.sums.tolist())
        return {
            "diversity": ratio(sums),
            "deviation_draws": mean_of_sums(sums.n, sums.a, sums.aa),
            "deviation_real": mean_of_sums(sums.n, sums.b, sums.bb),
            "n": sums.n,
        }

    def _real(self, text: str, image_size: int) -> Tensor:
        """Ten scenes that the caption describes, (10, 3, H, W)."""
        scenes = [parse(text)] * self.draws_per_caption
        first = crc32(text.encode()) * self.draws_per_caption
        key = keys(self.seed, _STREAM, range(first, first + self.draws_per_caption))
        layout = place(scenes, key, rotate=self.hard, spread=self.spread)
        return render(scenes, layout, image_size)


def _deviation(images: Tensor) -> Tensor:
    """(B, k, C, H, W) in [-1, 1] -> (B,): the mean deviation over k, in [0, 1] units."""
    units = to_unit(images.double()).clamp(0, 1)
    return units.std(1, correction=0).flatten(1).mean(1)
