"""Whether draws have as much fine detail as real pictures."""

import torch
from torch import Tensor

from textgan.image import to_unit
from textgan.metric.base import Metric
from textgan.metric.interval import moments, ratio
from textgan.types import Evaluation


class Sharpness(Metric):
    """The power of fine detail in the first draws, over that in the real pictures of the captions.

    Fine detail is what the discrete Fourier transform of a picture's channels, in [0, 1], has at
    more than a quarter cycle per pixel in radius: above half the Nyquist frequency, so without
    the mean. Its power is the sum of squared magnitudes. `sharpness` is 1 for draws as sharp as
    the data, less for blurred ones, more for noisy ones.
    """

    def __init__(self):
        super().__init__()
        self.add_state("sums", torch.zeros(6, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, evaluation: Evaluation) -> None:
        """Take in real pictures (B, C, H, W) and draws (B, k, C, H, W).

        Raises:
            ValueError: there are no real pictures.
        """
        if evaluation.real is None:
            raise ValueError("sharpness compares draws with real pictures, and got none")
        draws, real = (fine_power(x) for x in (evaluation.draws[:, 0], evaluation.real))
        self.sums += moments(draws, real)

    def compute(self) -> dict[str, float]:
        """`sharpness`, and `n` pictures; a ValueError where the real pictures are flat."""
        n, _, real, *_ = self.sums.tolist()
        if real == 0:
            raise ValueError(f"sharpness needs real pictures with detail, got {int(n)} flat ones")
        return {"sharpness": ratio(self.sums), "n": n}


def fine_power(images: Tensor) -> Tensor:
    """(B, C, H, W), clamped to [-1, 1] -> (B,): the power above a quarter cycle per pixel."""
    spectrum = torch.fft.fft2(to_unit(images.double()).clamp(0, 1))  # (B, C, H, W)
    down, right = (
        torch.fft.fftfreq(n, device=images.device, dtype=torch.float64) for n in images.shape[-2:]
    )
    fine = down[:, None].square() + right.square() > 0.25**2
    return (spectrum.abs().square() * fine).sum((1, 2, 3))
