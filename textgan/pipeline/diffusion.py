"""Sampling from a diffusion model."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from textgan.autoencoder.base import Autoencoder
from textgan.caption.request import Key
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion
from textgan.diffusion.sampling import guided, resumed, sampled
from textgan.pipeline.base import OutputType, PipelineOutput
from textgan.pipeline.redrawing import GUIDANCE, RESCALE, STEPS, RedrawingPipeline
from textgan.pipeline.unfinished import Unfinished
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


class DiffusionPipeline(RedrawingPipeline):
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

    abilities = frozenset(
        {"sample", "unfinished_images", "negative_prompt", "image_to_image", "inpaint", "edit"}
    )
    options = (STEPS, GUIDANCE, RESCALE)

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
        noisy: Tensor | None = None,
        text: TextFeatures | None = None,
        negative: TextFeatures | None = None,
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
                not show. It needs guidance.
            sampler: name of the scheduler, one of `diffusion.samplers`; by default that of the
                model.
            callback: called with the images that each step predicts, (B, C, H, W).
            callback_seconds: the least time between two calls of `callback`.
            start: (1 or B, *sample_shape), from which the images start, with noise; None is noise
                alone.
            strength: share of the steps that is done from `start` or `noisy`, in (0, 1].
            redrawn: (1 or B, 1, h, w) bool, the positions that are drawn; the others follow
                `start`. None draws all.
            noisy: (B, *sample_shape), what `invert` returned for the same steps and strength, in
                the place of noise and of `start`. The sampler is then "euler".
            text: features of the captions, in the place of those of the text encoder.
            negative: features that u is predicted for, in the place of those of `negative_prompt`.

        Raises:
            ValueError: a number is out of range, there is no such sampler, or an argument would
                have no effect: `strength` or `redrawn` without an image to start from,
                `negative_prompt` without guidance, or `sampler`, `start` or `redrawn` with `noisy`.
        """
        STEPS.check(num_inference_steps)
        GUIDANCE.check(guidance_scale)
        RESCALE.check(guidance_rescale)
        if negative_prompt and guidance_scale == 1:
            rule = "negative_prompt has no effect with a guidance_scale of 1"
            raise ValueError(f"{rule}, got {negative_prompt!r:.80}")
        if noisy is not None and not (sampler is None and start is None and redrawn is None):
            raise ValueError("sampler, start and redrawn must be left out with noisy")
        text = self.text_encoder(captions) if text is None else text
        if guidance_scale != 1:
            if negative is None:
                negative = self._negative(negative_prompt, len(captions))
            text = TextFeatures.cat([text, negative])
        predict = partial(self._predict, text=text, scale=guidance_scale, rescale=guidance_rescale)
        unfinished = Unfinished(callback, callback_seconds)

        def on_step(prediction: Tensor, seen: Tensor, times: Tensor) -> None:
            unfinished(partial(self._predicted, prediction, seen, times))

        drawn = {"steps": num_inference_steps, "strength": strength, "on_step": on_step}
        if noisy is not None:
            return self._images(resumed(self.diffusion, predict, noisy, **drawn))
        noise = keyed_randn(keys, tuple(self.denoiser.sample_shape)).to(self.device).float()
        start = None if start is None else start.float().expand_as(noise)
        samples = sampled(
            self.diffusion,
            predict,
            noise,
            sampler=sampler,
            start=start,
            redrawn=redrawn,
            **drawn,
        )
        return self._images(samples)

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

    def _predict(
        self, seen: Tensor, times: Tensor, *, text: TextFeatures, scale: float, rescale: float
    ) -> Tensor:
        if scale == 1:
            return self.denoiser(seen.to(self.dtype), times, text).float()
        both = self.denoiser(seen.to(self.dtype).repeat(2, 1, 1, 1), times.repeat(2), text)
        with_text, without = both.float().chunk(2)
        return guided(with_text, without, scale=scale, rescale=rescale)

    def _negative(self, prompt: str, count: int) -> TextFeatures:
        """What guidance leads away from: the features of a prompt, `count` times."""
        return self.text_encoder([prompt]).repeat_interleave(count)

    def _predicted(self, prediction: Tensor, seen: Tensor, times: Tensor) -> Tensor:
        """The images that predictions stand for."""
        return self._images(self.diffusion.clean(prediction, seen, times))

    def _images(self, samples: Tensor) -> Tensor:
        """Samples -> images (B, C, H, W) in [-1, 1], float32."""
        if self.autoencoder is None:
            return samples.clamp(-1, 1)
        return self.autoencoder.decode(samples.to(self.dtype)).float()
