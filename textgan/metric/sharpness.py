"""Amount of fine detail in samples, relative to real images."""

import torch
from torch import Tensor

from textgan.image import to_unit
from textgan.metric.base import Metric
from textgan.metric.interval import Moments, moments, ratio
from textgan.types import Evaluation


class Sharpness(Metric):
    """The power of fine detail in the first samples, divided by that in the real images.

    Fine detail is the part of the discrete Fourier transform of an image's channels, in [0, 1],
    above a quarter cycle per pixel in radius: above half the Nyquist frequency, so without the
    mean. Its power is the sum of squared magnitudes. `sharpness` is 1 for samples as sharp as the
    data, less for blurred samples, more for noisy ones.
    """

    def __init__(self):
        super().__init__()
        self.add_state("sums", torch.zeros(6, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Add real images (B, C, H, W) and samples (B, k, C, H, W).

        Raises:
            ValueError: there are no real images.
        """
        if evaluation.real is None:
            raise ValueError("sharpness needs real images, got none")
        draws, real = (fine_power(x) for x in (evaluation.draws[:, 0], evaluation.real))
        self.sums += moments(draws, real)

    def compute(self) -> dict[str, float]:
        """`sharpness`, and `n` images; a ValueError where no real image has fine detail."""
        sums = Moments(*self.sums.tolist())
        if sums.b == 0:
            raise ValueError(
                f"sharpness needs real images with detail, got {int(sums.n)} flat ones"
            )
        return {"sharpness": ratio(sums), "n": sums.n}


def fine_power(images: Tensor) -> Tensor:
    """(B, C, H, W), clamped to [-1, 1] -> (B,): the power above a quarter cycle per pixel."""
    spectrum = torch.fft.fft2(to_unit(images.double()).clamp(0, 1))  # (B, C, H, W)
    down, right = (
        torch.fft.fftfreq(n, device=images.device, dtype=torch.float64) for n in images.shape[-2:]
    )
    fine = down[:, None].square() + right.square() > 0.25**2
    return (spectrum.abs().square() * fine).sum((1, 2, 3))
