"""Differentiable augmentation, on kornia."""

import kornia.augmentation as K
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.image import from_unit, to_unit


class DiffAugment(Augmentation):
    """Colour, translation and cutout on what the critic sees, one draw for the (real, fake) pair (Zhao et al. 2020).

    One draw, so that the two pictures of a relativistic pair stay comparable. Gradients reach the fakes through it. Captions that name colours,
    places or sides argue against the policies that change them: choose accordingly.

    Args:
        policies: any of "color", "translation", "cutout".
        translation: greatest shift, as a share of the size.
        cutout: side of the blanked square, as a share of the size.
        color: half-width of the brightness (additive), saturation and contrast (factors) ranges.
    """

    def __init__(
        self,
        *,
        policies: tuple[str, ...] = ("translation", "cutout"),
        translation: float = 0.125,
        cutout: float = 0.5,
        color: float = 0.5,
    ):
        super().__init__()
        unknown = [policy for policy in policies if policy not in ("color", "translation", "cutout")]
        if unknown or not policies:
            raise ValueError(f"policies must be among color, translation and cutout, got {list(policies)}")
        steps: list[nn.Module] = []
        if "color" in policies:
            factors = (1 - color, 1 + color)
            steps += [
                K.RandomBrightness(factors, clip_output=False, p=1.0),
                K.RandomSaturation(factors, p=1.0),
                K.RandomContrast(factors, clip_output=False, p=1.0),
            ]
        if "translation" in policies:
            shift = (translation, translation)
            steps.append(K.RandomAffine(0.0, translate=shift, padding_mode="zeros", p=1.0))
        if "cutout" in policies:
            steps.append(K.RandomErasing((cutout**2, cutout**2), ratio=(1.0, 1.0), value=0.5, p=1.0))
        self.steps = nn.ModuleList(steps)

    def forward(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Batches of the same shape (B, C, H, W) in about [-1, 1] -> the same, each row i under the same draw."""
        units = [to_unit(batch).float() for batch in images]
        for step in self.steps:
            first = step(units[0])
            parameters = step._params
            units = [first, *(step(batch, params=parameters) for batch in units[1:])]
        return tuple(from_unit(batch) for batch in units)
