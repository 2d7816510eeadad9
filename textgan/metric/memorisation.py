"""Whether draws are copies of training pictures."""

import torch
from PIL import Image
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from textgan.errors import TooFewError
from textgan.image import captioned_grid, from_uint8, to_rgb_uint8, to_uint8
from textgan.metric.feature import FeatureMetric
from textgan.metric.interval import median, share, wilson
from textgan.metric.neighbour import nearest
from textgan.metric.order import by_index, index_of
from textgan.types import Evaluation, Measurement

_SIDE = 64
_SHOWN = 10


class Memorisation(FeatureMetric):
    """Whether the first draws lie nearer to training pictures than held-out pictures do.

    For each draw and each held-out real picture, the Euclidean distance to its nearest training
    picture, in features.

    - `nearer`: the probability that a random draw's is smaller than a random held-out picture's
      (the statistic of Mann and Whitney, as the test of Meehan et al., AISTATS 2020); ties count
      half. 0.5: as the held-out pictures. More: draws keep closer to the training pictures than
      the data do. Less: they lie off the data, whose blur or noise can hide copies among them.
    - `copies`: the share of draws nearer than 99 % of held-out pictures are, about 0.01 of draws
      that are as the held-out pictures.
    - `distance`, `distance_held_out`: the medians; their scale is the extractor's.

    Held-out pictures that are in the training set too lie at distance 0. They count: each makes
    `nearer` smaller, and from 1 % of them on no draw can be a copy, so a leak hides copies. Look at
    the smallest distances of both in the histogram.

    Args:
        extractor: as in `FeatureMetric`.
        training_pictures: how many training pictures are looked at, spread evenly over the train
            split; all where it has no more. A copy of another one is not found.

    Raises:
        ValueError: `training_pictures` is less than 1.
    """

    test_only = True

    def __init__(self, extractor: nn.Module, *, training_pictures: int = 5_000):
        super().__init__(extractor)
        if training_pictures < 1:
            raise ValueError(f"training_pictures must be at least 1, got {training_pictures}")
        self.training_pictures = training_pictures
        names = ("known", "known_thumbnails", "first", "first_thumbnails", "held_out", "index")
        for name in names:
            self.add_state(name, [], dist_reduce_fx="cat")
        self._distances: dict[str, Tensor] = {}
        self._closest: tuple[Tensor, list[str]] | None = None

    def update_training(self, evaluation: Evaluation) -> None:
        """Take in training pictures `real` (B, C, H, W)."""
        self.known.append(self.features(evaluation, "real"))
        self.known_thumbnails.append(_thumbnails(evaluation.real))

    def update(self, evaluation: Evaluation) -> None:
        """Take in held-out pictures (B, C, H, W) and the first draws."""
        self.held_out.append(self.features(evaluation, "real"))
        self.first.append(self.features(evaluation, "draws")[:, 0])
        self.first_thumbnails.append(_thumbnails(evaluation.draws[:, 0]))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`nearer`, `copies`, `distance`, `distance_held_out`, "n" draws and "n_training" pictures.

        The interval of `copies` is Wilson's, with the held-out pictures as given; those of the
        medians are from their ranks; for that of `nearer` see `nearer`.

        Raises:
            TooFewError: there are no training pictures, no draws or no held-out pictures.
        """
        if not len(self.known) or not len(self.first) or not len(self.held_out):
            kinds = [len(dim_zero_cat(x)) if len(x) else 0 for x in (self.known, self.first)]
            raise TooFewError(
                "Memorisation needs training pictures (update_training), draws and held-out "
                f"pictures, got {kinds[0]} training pictures and {kinds[1]} draws"
            )
        known, first = dim_zero_cat(self.known), by_index(self.index, self.first)[0]
        draws, rows = nearest(first, known)
        held_out, _ = nearest(dim_zero_cat(self.held_out), known)
        self._distances = {"draws": draws.cpu(), "held-out pictures": held_out.cpu()}
        self._closest = self._pairs(draws, rows)
        limit = held_out.sort().values[(len(held_out) - 1) // 100]  # their 1 % quantile
        return {
            "nearer": nearer(draws, held_out),
            "copies": share(draws < limit),
            "distance": median(draws),
            "distance_held_out": median(held_out),
            "n": float(len(draws)),
            "n_training": float(len(known)),
        }

    def pictures(self) -> dict[str, Image.Image]:
        """The ten draws nearest to a training picture, each beside it, with their distance."""
        if self._closest is None:
            return {}
        pairs, distances = self._closest
        grid = captioned_grid(pairs, distances, columns=5, image_width=256)
        return {"Draws beside the training picture nearest to them": grid}

    def histograms(self) -> dict[str, dict[str, Tensor]]:
        """The distances of draws and of held-out pictures."""
        if not self._distances:
            return {}
        return {"Distance to the nearest training picture": self._distances}

    def reset(self) -> None:
        """Forget all pictures."""
        super().reset()
        self._distances, self._closest = {}, None

    def _pairs(self, distances: Tensor, rows: Tensor) -> tuple[Tensor, list[str]]:
        """Pictures (10, 3, H, 2 W) in [-1, 1], nearest first, and their distances in words."""
        order = distances.argsort(stable=True)[:_SHOWN]
        (thumbnails,) = by_index(self.index, self.first_thumbnails)
        draws = from_uint8(thumbnails[order])
        known = from_uint8(dim_zero_cat(self.known_thumbnails)[rows[order]])
        known = nn.functional.interpolate(known, draws.shape[-2:])
        words = [f"distance {distance:.4g}" for distance in distances[order].tolist()]
        return torch.cat([draws, known], -1).cpu(), words


def nearer(draws: Tensor, held_out: Tensor) -> Measurement:
    """Distances (m,) and (n,) -> the share of pairs in which the draw's is smaller, ties half.

    The interval is Wilson's for min(m, n) pairs. The estimate is the mean over all ways to put
    min(m, n) of the draws and of the held-out pictures into pairs, each of which would be a share
    of independent pairs; a mean varies no more than what it is over, so the interval is wide
    enough (by about a fifth too wide at 0.5), and has a width at 0 and 1 too.
    """
    m, n = len(draws), len(held_out)
    ranked = held_out.sort().values
    not_larger = torch.searchsorted(ranked, draws, right=True)  # (m,) held-out ones
    smaller = torch.searchsorted(ranked, draws)
    value = float((n - (smaller + not_larger).double() / 2).mean() / n)
    low, high = wilson(value * min(m, n), min(m, n))
    return Measurement(value, n=m, low=low, high=high)


def _thumbnails(images: Tensor) -> Tensor:
    """(B, C, H, W) in [-1, 1] -> uint8 RGB, averaged over areas where a side is above 64 pixels."""
    pixels = to_rgb_uint8(images)  # (B, 3, H, W)
    height, width = pixels.shape[-2:]
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return pixels.contiguous()
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return to_uint8(nn.functional.interpolate(from_uint8(pixels), size, mode="area"))
