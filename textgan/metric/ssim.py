"""Structural similarity of reconstructions."""

import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from textgan.metric.base import Metric
from textgan.metric.interval import mean_of_sums
from textgan.types import Evaluation


class SSIM(Metric):
    """Structural similarity (Wang et al. 2004) of each first sample and its real image, a mean.

    1 for equal images. It compares an image with its reconstruction; for samples of captions it has
    no meaning. The window is a Gaussian of deviation 1.5.
    """

    compares_reconstructions = True

    def __init__(self):
        super().__init__()
        self.add_state("sums", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Add real images (B, C, H, W) and their reconstructions (B, 1, C, H, W)."""
        values = structural_similarity_index_measure(
            evaluation.draws[:, 0].float(),
            evaluation.real.float(),
            data_range=(-1.0, 1.0),
            reduction="none",
        ).double()
        values = torch.atleast_1d(values)
        self.sums += torch.stack(
            [values.sum(), values.square().sum(), values.new_tensor(len(values))]
        )

    def compute(self) -> dict[str, float]:
        """`ssim`."""
        total, squares, count = self.sums.tolist()
        if count == 0:
            raise ValueError("ssim needs images, got none")
        return {"ssim": mean_of_sums(count, total, squares)}
