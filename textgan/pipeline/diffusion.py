"""Sampling from a diffusion model, and images that start from another image."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.caption.request import Key
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion, times_of
from textgan.pipeline.base import OutputType, PipelineOutput, TextToImagePipeline, converted
from textgan.pipeline.given import given_image, given_mask
from textgan.pipeline.option import Option
from textgan.pipeline.unfinished import Unfinished
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures

_STEPS = Option(
    "num_inference_steps", int, 25, "More steps are slower and more exact.", minimum=1, maximum=100
)
_GUIDANCE = Option(
    "guidance_scale",
    float,
    3.0,
    "Values above 1 follow the caption more.",
    minimum=0,
    maximum=15,
)
_RESCALE = Option(
    "guidance_rescale",
    float,
    0.0,
    "1 gives a strongly guided image the contrast of one without guidance.",
    minimum=0,
    maximum=1,
)


class DiffusionPipeline(TextToImagePipeline):
    """Captions -> text encoder -> many steps of the denoiser -> images.

    Args:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes the captions.
        diffusion: that the denoiser was trained with; it makes the scheduler.
        autoencoder: decodes the samples, if they are latents; None if they are images.
        trained_against: as in the base.

    Raises:
        ValueError: the denoiser's samples are neither images nor the autoencoder's latents.
    """

    abilities = frozenset({"sample", "unfinished_images", "image_to_image", "inpaint"})
    options = (_STEPS, _GUIDANCE, _RESCALE)

    def __init__(
        self,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        diffusion: Diffusion,
        *,
        autoencoder: Autoencoder | None = None,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        self.check(denoiser, autoencoder)
        self.denoiser, self.text_encoder = denoiser, text_encoder
        self.diffusion, self.autoencoder = diffusion, autoencoder
        self.trained_against = list(trained_against)

    @staticmethod
    def check(denoiser: Denoiser, autoencoder: Autoencoder | None) -> None:
        """Raise a ValueError unless the denoiser's samples are images or the given latents."""
        own = tuple(denoiser.sample_shape)
        if autoencoder is None and denoiser.channels not in (1, 3, 4):
            rule = "channels of the denoiser must be 1, 3 or 4 without an autoencoder"
            raise ValueError(f"{rule}, got {denoiser.channels}")
        if autoencoder is not None and own != tuple(autoencoder.latent_shape):
            raise ValueError(
                "denoiser must have the shape of the autoencoder's latents, "
                f"{tuple(autoencoder.latent_shape)}, got {own}: choose one whose name ends in "
                "_latent"
            )

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    @property
    def image_size(self) -> int:
        return (self.autoencoder or self.denoiser).image_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return (self.autoencoder or self.denoiser).channels

    @torch.no_grad()
    def generate(
        self,
        captions: list[str],
        keys: list[Key],
        *,
        num_inference_steps: int = 25,
        guidance_scale: float = 3.0,
        guidance_rescale: float = 0.0,
        negative_prompt: str = "",
        sampler: str | None = None,
        callback: Callable[[Tensor], None] | None = None,
        callback_seconds: float = 0.0,
        start: Tensor | None = None,
        strength: float = 1.0,
        redrawn: Tensor | None = None,
    ) -> Tensor:
        """As in the base.

        Args:
            captions: B captions.
            keys: of the noise of each.
            num_inference_steps: steps of the scheduler.
            guidance_scale: s of classifier-free guidance, u + s (c - u); 1 leaves it out.
            guidance_rescale: how much of the contrast that guidance adds is taken back (Lin et al.
                2024), in [0, 1].
            negative_prompt: what u is predicted for: the empty caption, or what the images shall
                not show.
            sampler: name of the scheduler, one of `diffusion.samplers`; by default that of the
                model.
            callback: called with the images that each step predicts, (B, C, H, W).
            callback_seconds: the least time between two calls of `callback`.
            start: (B, *sample_shape), from which the images start, with noise; None is noise alone.
            strength: share of the steps that is done from there, in (0, 1].
            redrawn: (1 or B, 1, h, w) bool, the positions that are drawn; the others follow
                `start`. None draws all.

        Raises:
            ValueError: a number is out of range, there is no such sampler, or `strength` or
                `redrawn` is given without `start`.
        """
        given = (num_inference_steps, guidance_scale, guidance_rescale)
        for option, value in zip(self.options, given, strict=True):
            option.check(value)
        if not 0 < strength <= 1:
            raise ValueError(f"strength must be in (0, 1], got {strength}")
        if start is None and (strength != 1 or redrawn is not None):
            raise ValueError("strength and redrawn must be left out without start")
        scheduler = self.diffusion.scheduler(num_inference_steps, sampler)
        text = self.text_encoder(captions)
        if guidance_scale != 1:
            text = TextFeatures.cat([text, self.text_encoder([negative_prompt] * len(captions))])
        predict = partial(self._predict, text=text, scale=guidance_scale, rescale=guidance_rescale)
        noise = keyed_randn(keys, tuple(self.denoiser.sample_shape)).to(self.device).float()
        unfinished = Unfinished(callback, callback_seconds)
        steps = times_of(scheduler, self.device)
        if start is None:
            x = noise * getattr(scheduler, "init_noise_sigma", 1.0)
        else:
            start = start.float().expand_as(noise)
            # Heun has two entries for each step but the last.
            kept_steps = max(1, round(num_inference_steps * strength))
            begin = (num_inference_steps - kept_steps) * scheduler.order
            scheduler.set_begin_index(begin)
            steps = steps[begin:]
            x = _noisy(scheduler, start, noise, steps[0][0])
        for number, (step, time) in enumerate(steps):
            seen = scheduler.scale_model_input(x, step) if _scales(scheduler) else x
            times = time.expand(len(seen))
            prediction = predict(seen, times)
            unfinished(partial(self._predicted, prediction, seen, times))
            x = scheduler.step(prediction, step, x, return_dict=False)[0]
            if redrawn is not None:
                is_last = number + 1 == len(steps)
                kept = start if is_last else _noisy(scheduler, start, noise, steps[number + 1][0])
                x = torch.where(redrawn, x, kept)
        return self._images(x)

    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        num_inference_steps: int = 25,
        guidance_scale: float = 3.0,
        guidance_rescale: float = 0.0,
        negative_prompt: str = "",
        sampler: str | None = None,
        callback: Callable[[Tensor], None] | None = None,
        callback_seconds: float = 0.0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """Sample images of captions, as `TextToImagePipeline` does.

        The other arguments are those of `generate`; `callback` gets the images of a batch.
        """
        return self._run(
            captions,
            partial(
                self.generate,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                guidance_rescale=guidance_rescale,
                negative_prompt=negative_prompt,
                sampler=sampler,
                callback=callback,
                callback_seconds=callback_seconds,
            ),
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    @torch.no_grad()
    def image_to_image(
        self,
        image: Image.Image | Tensor,
        caption: str,
        *,
        strength: float = 0.6,
        number: int = 1,
        seed: int = 0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: Any,
    ) -> PipelineOutput:
        """Draw an image anew for a caption, starting from its noisy version (SDEdit, Meng et al.).

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the new image.
            strength: share of the steps that is done, in (0, 1]: 1 keeps next to nothing.
            number: of images.
            seed: of their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            ValueError: the image has another shape, or a number is out of range.
        """
        start = self._start(self._square(image))
        return self._run(
            [caption],
            partial(self.generate, start=start, strength=strength, **options),
            num_images_per_prompt=number,
            indices=None,
            seed=seed,
            batch_size=batch_size,
            output_type=output_type,
        )

    @torch.no_grad()
    def inpaint(
        self,
        image: Image.Image | Tensor,
        mask: Image.Image | Tensor,
        caption: str,
        *,
        number: int = 1,
        seed: int = 0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: Any,
    ) -> PipelineOutput:
        """Draw a part of an image anew; all other pixels stay as they are.

        After each step, the positions outside of the mask are replaced by those of the image with
        the noise of that step (RePaint, Lugmayr et al. 2022, without its repetitions).

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            mask: what is drawn anew: (H, W) bool, or a PIL image of the same size as `image`, white
                where it is drawn.
            caption: of the whole new image.
            number: of images.
            seed: of their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            ValueError: image or mask have another shape, the mask is empty, or a number is out of
                range.
        """
        square = self._square(image)
        mask = given_mask(mask, image, self.image_size).to(self.device)
        shape = self.denoiser.sample_shape[1:]
        redrawn = F.adaptive_max_pool2d(mask[None, None].float(), shape) > 0  # (1, 1, h, w)
        images = self._run(
            [caption],
            partial(self.generate, start=self._start(square), redrawn=redrawn, **options),
            num_images_per_prompt=number,
            indices=None,
            seed=seed,
            batch_size=batch_size,
            output_type="pt",
        ).images
        whole = torch.where(mask.to(images.device), images, square.to(images))
        return PipelineOutput(converted(whole, output_type))

    def _predict(
        self, seen: Tensor, times: Tensor, *, text: TextFeatures, scale: float, rescale: float
    ) -> Tensor:
        """The prediction for noisy samples (B, C, H, W), with guidance -> the same shape, float32.

        `text` is that of B captions, and with guidance of B negative prompts after them.
        """
        if scale == 1:
            return self.denoiser(seen.to(self.dtype), times, text).float()
        both = self.denoiser(seen.to(self.dtype).repeat(2, 1, 1, 1), times.repeat(2), text)
        with_text, without = both.float().chunk(2)
        guided = without + scale * (with_text - without)
        if not rescale:
            return guided
        contrast = [p.flatten(1).std(1)[:, None, None, None] for p in (with_text, guided)]
        ratio = contrast[0] / contrast[1].clamp(min=1e-6)
        return guided * (rescale * ratio + 1 - rescale)

    def _predicted(self, prediction: Tensor, seen: Tensor, times: Tensor) -> Tensor:
        """The images that predictions stand for."""
        return self._images(self.diffusion.clean(prediction, seen, times))

    def _images(self, samples: Tensor) -> Tensor:
        """Samples -> images (B, C, H, W) in [-1, 1], float32."""
        if self.autoencoder is None:
            return samples.clamp(-1, 1)
        return self.autoencoder.decode(samples.to(self.dtype)).float()

    def _square(self, image: Image.Image | Tensor) -> Tensor:
        """An image as (C, H, W) in [-1, 1] of the model's size, on its device."""
        return given_image(image, self.image_size, self.channels).to(self.device)

    def _start(self, square: Tensor) -> Tensor:
        """An image (C, H, W) -> the sample (1, *sample_shape) that stands for it."""
        if self.autoencoder is None:
            return square[None]
        return self.autoencoder.encode(square[None].to(self.dtype)).values.float()


def _scales(scheduler: Any) -> bool:
    return hasattr(scheduler, "scale_model_input")


def _noisy(scheduler: Any, samples: Tensor, noise: Tensor, step: Tensor) -> Tensor:
    """Samples with the noise of a scheduler's timestep."""
    steps = step[None].expand(len(samples))
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(samples, steps, noise)
    return scheduler.add_noise(samples, noise, steps)
