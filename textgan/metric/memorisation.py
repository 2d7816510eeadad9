"""Search for samples that are copies of training images."""

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
    """Distance of samples to the nearest training image, compared with held-out images.

    The distance is Euclidean, in features, and is taken for the first sample of each caption and
    for each held-out real image.

    - `nearer`: probability that the distance of a random sample is smaller than that of a random
      held-out image (statistic of Mann and Whitney, as the test of Meehan et al., AISTATS 2020);
      ties count half. 0.5: samples are like held-out images. More: samples are closer to the
      training images than the data are. Less: samples lie off the data, and their blur or noise can
      hide copies.
    - `copies`: share of samples that are nearer than 99 % of held-out images, about 0.01 for
      samples that are like held-out images.
    - `distance`, `distance_held_out`: medians; their scale is the extractor's.

    Held-out images that are in the training set too have distance 0. They count: each makes
    `nearer` smaller, and if they are 1 % or more, no sample can be a copy. So a leak hides copies;
    compare the smallest distances of both in the histogram.

    Args:
        extractor: as in `FeatureMetric`.
        training_pictures: number of training images to compare with, spread evenly over the train
            split; all of them if it has no more. Copies of other training images are not found.

    Raises:
        ValueError: `training_pictures` is less than 1.
    """

    test_only = True

    def __init__(self, extractor: nn.Module, *, training_pictures: int = 5_000):
        super().__init__(extractor)
        if training_pictures < 1:
            raise ValueError(f"training_pictures must be at least 1, got {training_pictures}")
        self.training_pictures = training_pictures
        self.add_lists("known", "known_thumbnails", "first", "first_thumbnails")
        self.add_lists("held_out", "index")
        self._distances: dict[str, Tensor] = {}
        self._closest: tuple[Tensor, list[str]] | None = None

    def update_training(self, evaluation: Evaluation) -> None:
        """Add training images `real` (B, C, H, W)."""
        self.known.append(self.features(evaluation, "real"))
        self.known_thumbnails.append(_thumbnails(evaluation.real))

    def update(self, evaluation: Evaluation) -> None:
        """Add held-out images (B, C, H, W) and the first samples."""
        self.held_out.append(self.features(evaluation, "real"))
        self.first.append(self.features(evaluation, "draws")[:, 0])
        self.first_thumbnails.append(_thumbnails(evaluation.draws[:, 0]))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`nearer`, `copies`, `distance`, `distance_held_out`, "n" samples, "n_training" images.

        The interval of `copies` is Wilson's, with the held-out images as given; those of the
        medians are from their ranks; the function `nearer` describes that of `nearer`.

        Raises:
            TooFewError: there are no training images, no samples or no held-out images.
        """
        if not len(self.known) or not len(self.first) or not len(self.held_out):
            kinds = [len(dim_zero_cat(x)) if len(x) else 0 for x in (self.known, self.first)]
            raise TooFewError(
                "Memorisation needs training images (update_training), samples and held-out "
                f"images, got {kinds[0]} training images and {kinds[1]} samples"
            )
        known, first = dim_zero_cat(self.known), by_index(self.index, self.first)[0]
        draws, rows = nearest(first, known)
        held_out, _ = nearest(dim_zero_cat(self.held_out), known)
        self._distances = {"samples": draws.cpu(), "held-out images": held_out.cpu()}
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

    def images(self) -> dict[str, Image.Image]:
        """The ten samples nearest to a training image, each beside it, with their distance."""
        if self._closest is None:
            return {}
        pairs, distances = self._closest
        grid = captioned_grid(pairs, distances, columns=5, image_width=256)
        return {"Samples beside the nearest training image": grid}

    def histograms(self) -> dict[str, dict[str, Tensor]]:
        """The distances of samples and of held-out images."""
        if not self._distances:
            return {}
        return {"Distance to the nearest training image": self._distances}

    def reset(self) -> None:
        super().reset()
        self._distances, self._closest = {}, None

    def _pairs(self, distances: Tensor, rows: Tensor) -> tuple[Tensor, list[str]]:
        """Pairs (10, 3, H, 2 W) in [-1, 1], nearest first, and their distances as text."""
        order = distances.argsort(stable=True)[:_SHOWN]
        (thumbnails,) = by_index(self.index, self.first_thumbnails)
        draws = from_uint8(thumbnails[order])
        known = from_uint8(dim_zero_cat(self.known_thumbnails)[rows[order]])
        known = nn.functional.interpolate(known, draws.shape[-2:])
        texts = [f"distance {distance:.4g}" for distance in distances[order].tolist()]
        return torch.cat([draws, known], -1).cpu(), texts


def nearer(draws: Tensor, held_out: Tensor) -> Measurement:
    """Distances (m,) and (n,) -> share of pairs in which the sample's is smaller, ties half.

    The interval is Wilson's for min(m, n) pairs. The estimate is the mean over all ways to pair
    min(m, n) of the samples with held-out images, and each way gives a share of independent pairs.
    A mean varies no more than its terms, so the interval is wide enough (about a fifth too wide at
    0.5); it has a width at 0 and 1 too.
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
