"""Differentiable augmentation, on kornia."""

import kornia.augmentation as K
import torch
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.image import from_unit, to_unit


class DiffAugment(Augmentation):
    """Random colour, translation and cutout of the discriminator's images (Zhao et al. 2020).

    The real and the fake image of a pair get the same transformation, so they stay comparable for a
    relativistic loss. Gradients pass through to the fakes. Leave out policies that change what the
    captions name, such as colours or positions. Colour does not change alpha, and gray images get
    no change of saturation.

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
        if not policies or set(policies) - {"color", "translation", "cutout"}:
            raise ValueError(
                f"policies must be among color, translation and cutout, got {list(policies)}"
            )
        colours: list[nn.Module] = []
        if "color" in policies:
            factors = (1 - color, 1 + color)
            colours = [
                # It comes first, since it converts to HSV, which needs values in [0, 1].
                K.RandomSaturation(factors, p=1.0),
                K.RandomBrightness(factors, clip_output=False, p=1.0),
                K.RandomContrast(factors, clip_output=False, p=1.0),
            ]
        geometric: list[nn.Module] = []
        if "translation" in policies:
            shift = (translation, translation)
            geometric.append(K.RandomAffine(0.0, translate=shift, padding_mode="zeros", p=1.0))
        if "cutout" in policies:
            area = (cutout**2, cutout**2)
            geometric.append(K.RandomErasing(area, ratio=(1.0, 1.0), value=0.5, p=1.0))
        self.colours, self.geometric = nn.ModuleList(colours), nn.ModuleList(geometric)

    def forward(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Batches (B, C, H, W) in about [-1, 1] -> the same shapes, each row transformed alike."""
        units = [to_unit(batch).float() for batch in images]
        colours = [unit[:, :3] for unit in units]  # (B, 1 or 3, H, W): all but alpha
        gray = colours[0].shape[1] == 1
        for step in self.colours[1:] if gray else self.colours:
            colours = _together(step, colours)
        units = [torch.cat([c, unit[:, 3:]], 1) for c, unit in zip(colours, units, strict=True)]
        for step in self.geometric:
            units = _together(step, units)
        return tuple(from_unit(batch) for batch in units)


def _together(step: nn.Module, batches: list[Tensor]) -> list[Tensor]:
    """Apply one augmentation of kornia to all batches, with the same random parameters.

    It reads kornia's private `_params`; tests/augmentation/test_contract.py fails if that changes.
    """
    first = step(batches[0])
    parameters = step._params
    return [first, *(step(batch, params=parameters) for batch in batches[1:])]
