"""Larger images from small ones, by a diffusion model."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from textgan.caption.request import Key, keyed
from textgan.denoiser.base import Denoiser
from textgan.denoiser.low_resolution import LowResolutionCondition
from textgan.diffusion.base import Diffusion
from textgan.diffusion.sampling import guided, sampled
from textgan.pipeline.base import OutputType, Pipeline, PipelineOutput, converted
from textgan.pipeline.given import given_image
from textgan.pipeline.option import Option
from textgan.pipeline.redrawing import STEPS
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures

_NOISE = Option(
    "noise_level",
    float,
    0.1,
    "More noise lets the details of the small image differ more.",
    minimum=0,
    maximum=1,
)
_GUIDANCE = Option(
    "guidance_scale",
    float,
    1.0,
    "Values above 1 follow the caption more.",
    minimum=0,
    maximum=15,
)


class UpsamplerPipeline(Pipeline):
    """Small images and their captions -> text encoder, denoiser -> large images.

    Args:
        denoiser: predicts from noisy large images and small ones, time and text.
        text_encoder: encodes the captions.
        diffusion: that the denoiser was trained with.
        condition: shows the small image to the denoiser.
        trained_against: as in the base.

    Raises:
        ValueError: the denoiser has no channels for the small image.
    """

    abilities = frozenset({"upsample"})
    options = (STEPS, _GUIDANCE, _NOISE)

    def __init__(
        self,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        diffusion: Diffusion,
        condition: LowResolutionCondition,
        *,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        self.check(denoiser, condition)
        self.denoiser, self.text_encoder = denoiser, text_encoder
        self.diffusion, self.condition = diffusion, condition
        self.trained_against = list(trained_against)

    @staticmethod
    def check(denoiser: Denoiser, condition: LowResolutionCondition) -> None:
        """Raise a ValueError unless the denoiser sees small images of the condition."""
        if denoiser.channels not in (1, 3, 4):
            raise ValueError(f"channels of the denoiser must be 1, 3 or 4, got {denoiser.channels}")
        if denoiser.extra_channels != denoiser.channels:
            rule = f"extra_channels of the denoiser must be {denoiser.channels}, for small images"
            raise ValueError(f"{rule}, got {denoiser.extra_channels}")
        if denoiser.image_size != condition.image_size:
            raise ValueError(
                f"image_size of the condition must be the denoiser's, {denoiser.image_size}, got "
                f"{condition.image_size}"
            )

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    @property
    def image_size(self) -> int:
        """Side of the large images."""
        return self.denoiser.image_size

    @property
    def small_size(self) -> int:
        """Side of the small images."""
        return self.condition.small_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return self.denoiser.channels

    @torch.no_grad()
    def generate(
        self,
        images: Tensor,
        captions: list[str],
        keys: list[Key],
        *,
        num_inference_steps: int = 25,
        guidance_scale: float = 1.0,
        noise_level: float = 0.1,
    ) -> Tensor:
        """Draw a large image for each of B small ones -> (B, C, H, W) in [-1, 1].

        Args:
            images: (B, C, h, h) in [-1, 1].
            captions: of the images.
            keys: of the noise of each.
            num_inference_steps: steps of the scheduler.
            guidance_scale: of classifier-free guidance; 1 leaves it out.
            noise_level: share of noise in the small image that the denoiser sees, in [0, 1].

        Raises:
            ValueError: the images have another shape, or a number is out of range.
        """
        STEPS.check(num_inference_steps)
        _GUIDANCE.check(guidance_scale)
        _NOISE.check(noise_level)
        shape = (self.channels, self.small_size, self.small_size)
        if tuple(images.shape[1:]) != shape:
            raise ValueError(f"images must have the shape {shape}, got {tuple(images.shape[1:])}")
        images = images.to(self.device)
        text = self.text_encoder(captions)
        if guidance_scale != 1:
            nothing = self.text_encoder([""]).repeat_interleave(len(captions))
            text = TextFeatures.cat([text, nothing])
        large = (self.channels, self.image_size, self.image_size)
        # Neither the noise of the small image, nor that of another stage of a cascade.
        own_keys = [(*key, "upsampler", self.image_size) for key in keys]
        noise, added = keyed_randn(own_keys, (2, *large)).to(self.device).unbind(1)
        level = torch.full((len(images),), noise_level, device=self.device)

        def predict(seen: Tensor, times: Tensor) -> Tensor:
            if guidance_scale == 1:
                return self._predict(seen, times, text, images, added, level)
            twice = [t.repeat(2, *[1] * (t.ndim - 1)) for t in (seen, times, images, added, level)]
            both = self._predict(twice[0], twice[1], text, *twice[2:])
            return guided(*both.chunk(2), scale=guidance_scale)

        drawn = sampled(self.diffusion, predict, noise.float(), steps=num_inference_steps)
        return drawn.clamp(-1, 1)

    def upsample(
        self,
        images: Tensor | Image.Image | Sequence[Image.Image],
        captions: str | Sequence[str] = "",
        *,
        seed: int = 0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: float,
    ) -> PipelineOutput:
        """Draw larger versions of images.

        Args:
            images: (B, C, h, h) in [-1, 1], or B PIL images, whose middle squares are taken and
                resized to the small size; or one image alone.
            captions: one for all images, or one for each.
            seed: of the noise, with each image's place.
            batch_size: images at a time.
            output_type: "pil", "pt" or "np".
            options: of `generate`.

        Raises:
            TypeError: an image is neither a PIL image nor a tensor, or a caption is no string.
            ValueError: there is no image, the images have another shape or range, there is not one
                caption for each, or a number is out of range.
        """
        images = self._given(images)
        drawn = self._drawn(images, captions, options=options, seed=seed, batch_size=batch_size)
        return PipelineOutput(converted(drawn, output_type))

    def reconstruct(
        self,
        images: Tensor,
        captions: Sequence[str] | None = None,
        *,
        number: int = 1,
        seed: int = 0,
        indices: Sequence[int] | None = None,
    ) -> Tensor:
        """Draw large images of the small versions of large ones.

        The result is (B * number, C, H, W) float32 in [-1, 1], those of one image together.

        Args:
            images: (B, C, H, W) in [-1, 1].
            captions: of the images; None stands for empty ones.
            number: of results of each image.
            seed: of the noise, with each image's index and the number of the result.
            indices: the index of each image, by default its place.

        Raises:
            ValueError: there is not one caption or index for each image, or `number` is below 1.
        """
        small = self.condition.reduced(images.to(self.device).float())
        texts = "" if captions is None else captions
        return self._drawn(small, texts, number=number, options={}, seed=seed, indices=indices)

    def _drawn(
        self,
        images: Tensor,
        captions: str | Sequence[str],
        *,
        number: int = 1,
        options: dict[str, float],
        indices: Sequence[int] | None = None,
        **others: int,
    ) -> Tensor:
        """Draw `number` large images, float32, of each small one; `others` are those of `keyed`."""
        texts = [captions] * len(images) if isinstance(captions, str) else list(captions)
        if len(texts) != len(images):
            rule = "captions must be one for all images or one for each"
            raise ValueError(f"{rule}, got {len(texts)} for {len(images)}")
        batches = keyed(texts, num_images_per_prompt=number, indices=indices, **others)
        each = images.repeat_interleave(number, 0).split([len(batch) for batch in batches])
        found = [
            self.generate(some, *map(list, zip(*batch, strict=True)), **options).float()
            for some, batch in zip(each, batches, strict=True)
        ]
        return torch.cat(found)

    def _given(self, images: Tensor | Image.Image | Sequence[Image.Image]) -> Tensor:
        """The images that `upsample` takes -> (B, C, h, h) in [-1, 1]."""
        is_alone = isinstance(images, Image.Image) or (
            isinstance(images, Tensor) and images.ndim == 3
        )
        images = [images] if is_alone else images
        if len(images) == 0:
            raise ValueError("images must hold at least one image, got none")
        if not isinstance(images, Tensor):
            return torch.stack(
                [given_image(image, self.small_size, self.channels) for image in images]
            )
        if not images.is_floating_point() or not images.abs().max() <= 1:
            raise ValueError("images must have numbers in [-1, 1]")
        return images

    def _predict(
        self,
        seen: Tensor,
        times: Tensor,
        text: TextFeatures,
        small: Tensor,
        noise: Tensor,
        level: Tensor,
    ) -> Tensor:
        """The prediction for noisy large images (B, C, H, W) -> the same shape, float32."""
        values, told = self.condition(seen.to(self.dtype), text, small, noise, level)
        return self.denoiser(values, times, told).float()
