"""The Frechet distance between the features of real pictures and of draws."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from textgan import image
from textgan.metric.base import Metric
from textgan.types import Evaluation


class FID(Metric, FrechetInceptionDistance):
    """Frechet distance of two Gaussians (Heusel et al., NeurIPS 2017, eq. 6), by torchmetrics.

    Looks at the first draw of each caption. Its value depends on n, so compare at equal n only.
    Features are computed in float32 whatever the autocast around it, their sums and the distance in
    float64. Rounding can take equal sets a little below 0; the value is clamped at 0.

    Args:
        extractor: pictures (B, 3, H, W) uint8 -> features (B, d). It may state d as `num_features`;
            otherwise it is shown a black picture of 64 x 64. It is set to eval mode, and stays out
            of `state_dict()` and `parameters()`; `to(device)` moves it.
        name: what the value is called. Keep "fid" for the 2048 features of Inception's last pooling
            layer: any other is on another scale, as fid_768 or, for another net, fd_clip.
    """

    reference = True

    def __init__(self, extractor: nn.Module, *, name: str = "fid"):
        super().__init__(feature=_Hidden(extractor))
        self.name = name
        self.orig_dtype = torch.float64  # what torchmetrics rounds its result to

    def update(self, evaluation: Evaluation) -> None:
        """Take in real pictures and the first draws, both (B, C, H, W) with C 1, 3 or 4.

        Raises:
            ValueError: there are no real pictures, or a picture has NaN or infinite pixels.
        """
        if evaluation.real is None:
            raise ValueError(f"{self.name} compares draws with real pictures, and got none")
        for images, is_real in ((evaluation.real, True), (evaluation.draws[:, 0], False)):
            if not images.isfinite().all():
                kind = "real pictures" if is_real else "draws"
                raise ValueError(f"{self.name} needs finite pixels, and got NaN or inf in {kind}")
            FrechetInceptionDistance.update(self, _rgb(images), real=is_real)

    def compute(self) -> dict[str, float]:
        """`name` -> the distance, "n" -> how many draws it is of, over all processes.

        Raises:
            ValueError: there are fewer than two pictures, so no variance.
        """
        n = int(min(self.real_features_num_samples, self.fake_features_num_samples))
        if n < 2:
            raise ValueError(f"{self.name} needs at least 2 pictures of each kind, got {n}")
        distance = FrechetInceptionDistance.compute(self).clamp(min=0)
        return {self.name: float(distance), "n": float(n)}


class _Hidden(nn.Module):
    """An extractor that is no submodule, so that no state dict, optimizer or DDP ever sees it."""

    def __init__(self, extractor: nn.Module):
        super().__init__()
        self._extractor = (extractor.eval(),)
        stated = getattr(extractor, "num_features", None)
        black = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
        self.num_features = int(stated) if stated else self(black).shape[1]

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) uint8 -> (B, d) float64."""
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            features = self._extractor[0](images)
        if features.ndim != 2:
            shape = tuple(features.shape)
            raise ValueError(f"extractor must return (B, d) features, got the shape {shape}")
        return features.double()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "_Hidden":
        self._extractor[0]._apply(fn, recurse)
        return super()._apply(fn, recurse)


def _rgb(images: Tensor) -> Tensor:
    """(B, C, H, W) in [-1, 1] -> (B, 3, H, W) uint8: gray repeated, transparency on white."""
    if images.shape[1] == 4:
        opacity = image.to_unit(images[:, 3:].float()).clamp(0, 1)
        images = images[:, :3] * opacity + (1 - opacity)  # white is 1
    return image.to_uint8(images).expand(-1, 3, -1, -1)
