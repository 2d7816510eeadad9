"""What metrics over the features of pictures share."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from textgan.errors import TooFewError
from textgan.image import to_rgb_uint8
from textgan.metric.net import PICTURES, NetMetric
from textgan.metric.order import index_of
from textgan.types import Evaluation


class FeatureMetric(NetMetric):
    """A metric over the features of pictures, computed in float32 whatever the autocast around it.

    Args:
        extractor: pictures (B, 3, H, W) uint8 -> features (B, D), as those of
            `textgan.image_encoder`.
    """

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)

    @property
    def extractor(self) -> nn.Module:
        """The net."""
        return self.net

    def extractors(self) -> list[nn.Module]:
        return [self.extractor]

    def features(self, evaluation: Evaluation, kind: str) -> Tensor:
        """The features of "real", "draws" (the first `draws_per_caption`) or "edited".

        Returns:
            (B, D) float32; of draws (B, draws_per_caption, D).

        Raises:
            ValueError: there are no such pictures, or some have NaN or infinite pixels.
        """
        images = getattr(evaluation, kind)
        if images is None:
            raise ValueError(f"{type(self).__name__} looks at {PICTURES[kind]}, and got none")
        images = images[:, : self.draws_per_caption] if kind == "draws" else images[:, None]
        self.check_finite(images, kind)
        if evaluation.bank is not None:
            features = evaluation.bank(self.extractor, kind)[:, : images.shape[1]]
        else:
            features = extract(self.extractor, images)  # (B, k, D)
        return features if kind == "draws" else features[:, 0]


class TwoSamples(FeatureMetric):
    """A metric that compares the features of the first draws with those of the real pictures."""

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)
        self.add_state("real", [], dist_reduce_fx="cat")
        self.add_state("draws", [], dist_reduce_fx="cat")
        self.add_state("index", [], dist_reduce_fx="cat")

    def update(self, evaluation: Evaluation) -> None:
        """Take in real pictures (B, C, H, W) and the first draws, C 1, 3 or 4."""
        self.real.append(self.features(evaluation, "real"))
        self.draws.append(self.features(evaluation, "draws")[:, 0])
        self.index.append(index_of(evaluation))

    def samples(self, at_least: int) -> tuple[Tensor, Tensor]:
        """All features of real pictures (n, D) and of draws (m, D), float64.

        Both are in the order of the data set, where there is one of the other for each.

        Raises:
            TooFewError: there are fewer than `at_least` of a kind.
        """
        real, draws = (dim_zero_cat(x).double() if len(x) else [] for x in (self.real, self.draws))
        if min(len(real), len(draws)) < at_least:
            raise TooFewError(
                f"{type(self).__name__} needs at least {at_least} pictures of each kind, "
                f"got {len(real)} real ones and {len(draws)} draws"
            )
        index = dim_zero_cat(self.index)
        if len(index) == len(real) == len(draws):
            order = index.argsort(stable=True)
            real, draws = real[order], draws[order]
        return real, draws


def distance_name(extractor: nn.Module, name: str | None, *, standard: str, other: str) -> str:
    """What a distance between these features is called, so that none is mistaken for another.

    Args:
        extractor: the net.
        name: the name asked for, or None for the proper one: `standard` with the extractor's
            `standard_suffix` where it has one, else `other` with its class, as fd_pixels.
        standard: "fid" or "kid".
        other: "fd" or "kd".

    Raises:
        ValueError: the name begins like a standard one that it is not.
    """
    suffix = getattr(extractor, "standard_suffix", None)
    if suffix is None:
        proper = f"{other}_{type(extractor).__name__.lower().lstrip('_')}"
    else:
        proper = standard + suffix
    if name is not None and name.startswith(standard) and name != proper:
        rule = f"name must not begin with {standard} unless it is {proper!r}"
        raise ValueError(f"{rule}, as these features call for, got {name!r}")
    return name or proper


@torch.no_grad()
def extract(extractor: nn.Module, images: Tensor) -> Tensor:
    """Pictures (B, k, C, H, W) in [-1, 1] -> features (B, k, D) float32."""
    pixels = to_rgb_uint8(images.flatten(0, 1))  # (B * k, 3, H, W)
    with full_precision(images.device):
        return checked(extractor(pixels)).unflatten(0, images.shape[:2])


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Float32 is float32 in here: no autocast, and on a GPU no TF32 in convolutions."""
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
        raise ValueError("extractor must return finite features, and returned NaN or inf")
    return features.float()
