"""Base classes of metrics over the features of images."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from textgan.errors import TooFewError
from textgan.image import to_rgb_uint8
from textgan.metric.net import IMAGES, NetMetric
from textgan.metric.order import index_of
from textgan.types import Evaluation


class FeatureMetric(NetMetric):
    """A metric over the features of images, computed in float32 also inside an autocast.

    Args:
        extractor: images (B, 3, H, W) uint8 -> features (B, D), as those of `textgan.extractor`.
    """

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)

    @property
    def extractor(self) -> nn.Module:
        return self.net

    def extractors(self) -> list[nn.Module]:
        return [self.extractor]

    def features(self, evaluation: Evaluation, kind: str) -> Tensor:
        """The features of "real", "draws" (the first `draws_per_caption`) or "edited".

        Returns:
            (B, D) float32; of draws (B, draws_per_caption, D).

        Raises:
            ValueError: there are no such images, or some have NaN or infinite pixels.
        """
        images = getattr(evaluation, kind)
        if images is None:
            raise ValueError(f"{type(self).__name__} needs {IMAGES[kind]}, got none")
        images = images[:, : self.draws_per_caption] if kind == "draws" else images[:, None]
        self.check_finite(images, kind)
        features = evaluation.bank and evaluation.bank(self.extractor, kind)
        if features is None:
            features = extract(self.extractor, images)
        features = features[:, : images.shape[1]]  # (B, k, D)
        return features if kind == "draws" else features[:, 0]


class TwoSamples(FeatureMetric):
    """A metric that compares the features of the first samples with those of the real images."""

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)
        self.add_lists("real", "draws", "index")

    def update(self, evaluation: Evaluation) -> None:
        """Add real images (B, C, H, W) and the first samples, C 1, 3 or 4."""
        self.real.append(self.features(evaluation, "real"))
        self.draws.append(self.features(evaluation, "draws")[:, 0])
        self.index.append(index_of(evaluation))

    def samples(self, at_least: int) -> tuple[Tensor, Tensor]:
        """All features of real images (n, D) and of samples (m, D), float64.

        Both are in the order of the data set if n = m.

        Raises:
            TooFewError: there are fewer than `at_least` of a kind.
        """
        real, draws = (dim_zero_cat(x).double() if len(x) else [] for x in (self.real, self.draws))
        if min(len(real), len(draws)) < at_least:
            raise TooFewError(
                f"{type(self).__name__} needs at least {at_least} images of each kind, "
                f"got {len(real)} real images and {len(draws)} samples"
            )
        index = dim_zero_cat(self.index)
        if len(index) == len(real) == len(draws):
            order = index.argsort(stable=True)
            real, draws = real[order], draws[order]
        return real, draws


@torch.no_grad()
def extract(extractor: nn.Module, images: Tensor) -> Tensor:
    """Images (B, k, C, H, W) in [-1, 1] -> features (B, k, D) float32."""
    pixels = to_rgb_uint8(images.flatten(0, 1))  # (B * k, 3, H, W)
    with full_precision(images.device):
        return checked(extractor(pixels)).unflatten(0, images.shape[:2])


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Turn off autocast and, on a GPU, TF32 in convolutions: float32 is float32."""
    cudnn = torch.backends.cudnn
    with (
        torch.autocast(device.type, enabled=False),
        cudnn.flags(enabled=cudnn.enabled, benchmark=cudnn.benchmark, allow_tf32=False),
    ):
        yield


def checked(features: Tensor) -> Tensor:
    """The same features as float32; a ValueError unless they are (N, D) and finite."""
    if features.ndim != 2:
        shape = tuple(features.shape)
        raise ValueError(f"extractor must return (N, D) features, got the shape {shape}")
    if not features.isfinite().all():
        raise ValueError("extractor must return finite features, got NaN or inf")
    return features.float()
