"""The one way to sample: captions in, pictures out."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from textgan.image import to_pil, to_unit
from textgan.pretrained import Part


@dataclass
class PipelineOutput:
    """images: k pictures for the first caption, then k for the second, and so on.

    A list of PIL images ("pil"), a tensor (B * k, C, H, W) in [-1, 1] ("pt"), or an array (B * k,
    H, W, C) in [0, 1] ("np").
    """

    images: list[Image.Image] | Tensor | np.ndarray


class TextToImagePipeline(Part):
    """Base of what turns captions into pictures; a subclass implements `draw`.

    Attributes:
        next_command: what to try with it, of the command line.
        trained_against: SHA-256 of the weights of each frozen net whose opinion of the draws was
            trained on, and of those nets' ancestors: none of them may judge the draws.
    """

    next_command = 'sample "a caption"'
    trained_against: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @abstractmethod
    def draw(
        self, captions: list[str], keys: list[tuple[int, ...]], *, guidance_scale: float
    ) -> Tensor:
        """A picture for each caption, its noise keyed by keys[i] -> (B, C, H, W) in [-1, 1]."""

    @torch.no_grad()
    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int = 0,
        indices: Sequence[int] | None = None,
        guidance_scale: float = 1.0,
        batch_size: int = 64,
        output_type: Literal["pil", "pt", "np"] = "pil",
    ) -> PipelineOutput:
        """Draw.

        The same seed draws the same picture whatever stands beside it in the batch (to 1 of 255:
        batched kernels are not bitwise).

        Args:
            captions: what to draw.
            num_images_per_prompt: draws of each caption, each with a noise of its own.
            seed: with the caption's index and the draw's number it decides the noise.
            indices: a number for each caption that its noise is keyed by; its place in the list by
                default.
            guidance_scale: how far beyond the drawing of the empty caption towards that of the
                caption; 1 is the caption's own.
            batch_size: pictures drawn at a time.
            output_type: "pil", "pt" or "np".
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        _check(captions, num_images_per_prompt, batch_size, output_type)
        indices = range(len(captions)) if indices is None else indices
        wanted = [
            (caption, (seed, int(index), draw))
            for caption, index in zip(captions, indices, strict=True)
            for draw in range(num_images_per_prompt)
        ]
        images = torch.cat(
            [
                self.draw(
                    [caption for caption, _ in wanted[i : i + batch_size]],
                    [key for _, key in wanted[i : i + batch_size]],
                    guidance_scale=guidance_scale,
                ).float()
                for i in range(0, len(wanted), batch_size)
            ]
        )
        return PipelineOutput(_converted(images, output_type))


def _check(captions: list[str], num_images_per_prompt: int, batch_size: int, kind: str) -> None:
    if not captions:
        raise ValueError("captions must hold at least one caption, got none")
    if num_images_per_prompt < 1 or batch_size < 1:
        raise ValueError(
            "num_images_per_prompt and batch_size must be at least 1, "
            f"got {num_images_per_prompt} and {batch_size}"
        )
    if kind not in ("pil", "pt", "np"):
        raise ValueError(f'output_type must be "pil", "pt" or "np", got {kind!r}')


def _converted(images: Tensor, kind: str) -> list[Image.Image] | Tensor | np.ndarray:
    if not torch.isfinite(images).all():
        bad = int((~torch.isfinite(images)).flatten(1).any(1).sum())
        raise FloatingPointError(
            f"{bad} of {len(images)} pictures hold values that are not finite numbers"
        )
    if kind == "pt":
        return images
    if kind == "np":
        return to_unit(images).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    return [to_pil(image) for image in images]
