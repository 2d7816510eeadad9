"""Peak signal-to-noise ratio of reconstructions."""

import torch
from torchmetrics.image import PeakSignalNoiseRatio

from textgan.metric.base import Metric
from textgan.metric.interval import mean_of_sums
from textgan.types import Evaluation


class PSNR(Metric):
    """Peak signal-to-noise ratio of each first sample and its real image, a mean over images.

    10 log10(1 / mean squared error) in decibels, of channels in [0, 1]: 20 dB is an error of a
    tenth of the range, 40 dB one of a hundredth. It compares an image with its reconstruction; for
    samples of captions it has no meaning.
    """

    compares_reconstructions = True

    def __init__(self):
        super().__init__()
        self.add_state("sums", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")
        self._one = PeakSignalNoiseRatio(data_range=2.0, reduction="none", dim=(1, 2, 3))

    def update(self, evaluation: Evaluation) -> None:
        """Add real images (B, C, H, W) and their reconstructions (B, 1, C, H, W)."""
        values = self._one(evaluation.draws[:, 0].float(), evaluation.real.float()).double()
        self._one.reset()
        values = torch.atleast_1d(values).clamp(max=100.0)  # of equal images it is infinite
        self.sums += torch.stack(
            [values.sum(), values.square().sum(), values.new_tensor(len(values))]
        )

    def compute(self) -> dict[str, float]:
        """`psnr` in decibels."""
        total, squares, count = self.sums.tolist()
        if count == 0:
            raise ValueError("psnr needs images, got none")
        return {"psnr": mean_of_sums(count, total, squares)}
