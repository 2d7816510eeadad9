"""Sampling from a diffusion model that sees the embedding of an image, as in DALL-E 2."""

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
from textgan.denoiser.embedding import EmbeddingCondition
from textgan.diffusion.base import Diffusion
from textgan.pipeline.base import OutputType, PipelineOutput, converted
from textgan.pipeline.contrastive import ContrastivePipeline
from textgan.pipeline.diffusion import DiffusionPipeline
from textgan.pipeline.option import Option
from textgan.pipeline.path import between_noises
from textgan.pipeline.prior import check_width, embeddings_of
from textgan.prior.diffusion import DiffusionPrior
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures

_PRIOR_STEPS = 25
_SHIFT = 0.3  # share of the way to the difference of two captions, as in the paper's figures
_PRIOR_GUIDANCE = Option(
    "prior_guidance_scale",
    float,
    1.0,
    "Values above 1 let the image embedding follow the caption more.",
    minimum=0,
    maximum=15,
    also=frozenset({"image_to_image", "inpaint"}),
)


class UnclipPipeline(DiffusionPipeline):
    """Captions -> prior -> image embeddings; with the captions -> denoiser -> images.

    The system of DALL-E 2 (Ramesh et al. 2022). The denoiser always sees the words too, because an
    embedding alone does not tell which object has which colour.

    Args:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes the captions for the denoiser.
        diffusion: that the denoiser was trained with.
        condition: adds an embedding to the text.
        embedder: the contrastive model, which embeds images and captions.
        prior: draws image embeddings; without one, images of captions are drawn by words alone, and
            there is no option `prior_guidance_scale`.
        autoencoder: decodes the samples, if they are latents; None if they are images.
        trained_against: as in the base.

    Raises:
        ValueError: the parts do not fit each other.
    """

    abilities = DiffusionPipeline.abilities | {"variations"}
    options = (*DiffusionPipeline.options, _PRIOR_GUIDANCE)

    def __init__(
        self,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        diffusion: Diffusion,
        condition: EmbeddingCondition,
        embedder: ContrastivePipeline,
        *,
        prior: DiffusionPrior | None = None,
        autoencoder: Autoencoder | None = None,
        trained_against: Sequence[str] = (),
    ):
        super().__init__(
            denoiser,
            text_encoder,
            diffusion,
            autoencoder=autoencoder,
            trained_against=trained_against,
        )
        self.check_channels(embedder, self.channels)
        if prior is not None:
            check_width(prior, embedder)
        self.condition, self.embedder, self.prior = condition, embedder, prior
        if prior is None:
            self.options = DiffusionPipeline.options

    @staticmethod
    def check_channels(embedder: ContrastivePipeline, channels: int) -> None:
        """Raise a ValueError unless the contrastive model sees images of these channels."""
        if embedder.image_encoder.channels != channels:
            raise ValueError(
                f"channels must be those of the contrastive model, "
                f"{embedder.image_encoder.channels}, got {channels}"
            )

    @torch.no_grad()
    def generate(
        self,
        captions: list[str],
        keys: list[Key],
        *,
        embeddings: Tensor | None = None,
        prior_guidance_scale: float = 1.0,
        text: TextFeatures | None = None,
        **options: Any,
    ) -> Tensor:
        """As in the base.

        Args:
            captions: B captions.
            keys: of the noise of each.
            embeddings: (1 or B, E), of images, in the place of those that the prior draws.
            prior_guidance_scale: of classifier-free guidance in the prior; 1 leaves it out.
            text: features of the captions and the embeddings, in the place of both.
            options: as in the base.

        Raises:
            ValueError: as in the base, or there is guidance of the prior where no prior draws
                embeddings.
        """
        is_given = embeddings is not None or text is not None
        self._check_prior_guidance(prior_guidance_scale, is_given)
        if text is None:
            if embeddings is None and self.prior is not None:
                embeddings = embeddings_of(
                    self.prior,
                    self.embedder,
                    captions,
                    keys,
                    num_inference_steps=_PRIOR_STEPS,
                    guidance_scale=prior_guidance_scale,
                )
            text = self._told(captions, embeddings)
        return super().generate(captions, keys, text=text, **options)

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
        prior_guidance_scale: float = 1.0,
        negative_prompt: str = "",
        sampler: str | None = None,
        callback: Callable[[Tensor], None] | None = None,
        callback_seconds: float = 0.0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """Sample images of captions, as `DiffusionPipeline` does, with the option of the prior."""
        return self._run(
            captions,
            partial(
                self.generate,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                guidance_rescale=guidance_rescale,
                prior_guidance_scale=prior_guidance_scale,
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
    def variations(
        self,
        image: Image.Image | Tensor,
        caption: str = "",
        *,
        strength: float = 1.0,
        number: int = 1,
        seed: int = 0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        **options: Any,
    ) -> PipelineOutput:
        """Draw images that have the embedding of an image.

        What the embedding tells stays, such as the kinds and colours of objects. What it does not
        tell changes, such as places.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the image, which the denoiser sees beside the embedding.
            strength: share of the steps that is done from the noisy image, in (0, 1]; at 1, the
                embedding alone tells what the image was.
            number: of variations.
            seed: of their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            options: of the sampling, as in a call.

        Raises:
            TypeError: the image is neither a PIL image nor a tensor.
            ValueError: the image has another shape, or a number is out of range.
        """
        square = self._given(image)
        start = {} if strength == 1 else {"start": self._start(square), "strength": strength}
        given = {"embeddings": self._embedded(square), **start, **options}
        images = self._drawn(caption, (number, seed, batch_size), **given)
        return PipelineOutput(converted(images, output_type))

    @torch.no_grad()
    def interpolate_images(
        self,
        first: Image.Image | Tensor,
        second: Image.Image | Tensor,
        caption: str = "",
        *,
        frames: int = 8,
        num_inference_steps: int = 25,
        guidance_scale: float = 1.0,
        guidance_rescale: float = 0.0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
    ) -> PipelineOutput:
        """Draw images between two images.

        Both the embeddings and the noises from which the images are drawn (`invert`) are
        interpolated spherically. Without guidance, the first and the last frame are the images as
        far as the inversion is exact.

        Args:
            first: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            second: as `first`.
            caption: of both images, which the denoiser sees beside the embedding.
            frames: number of images, at least 2.
            num_inference_steps: at least 2; otherwise as in a call, as are the following.
            guidance_scale: 1 leaves guidance out.
            guidance_rescale: takes back the contrast that guidance adds.
            batch_size: images drawn at a time.
            output_type: "pil", "pt" or "np".

        Raises:
            TypeError: an image is neither a PIL image nor a tensor.
            ValueError: an image has another shape, or a number is out of range.
        """
        if frames < 2 or batch_size < 1:
            rule = "frames must be at least 2, and batch_size at least 1"
            raise ValueError(f"{rule}, got {frames} and {batch_size}")
        squares = [self._given(image) for image in (first, second)]
        ends = torch.cat([self._embedded(square) for square in squares])
        inverted = [
            self.invert(
                square,
                num_inference_steps=num_inference_steps,
                text=self._told([caption], end[None]),
            )
            for square, end in zip(squares, ends, strict=True)
        ]
        noises = torch.cat(inverted)
        images = [
            self.generate(
                [caption] * len(shares),
                [(0, 0, 0)] * len(shares),
                embeddings=between_noises(ends, shares),
                noisy=between_noises(noises, shares),
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                guidance_rescale=guidance_rescale,
            )
            for shares in torch.linspace(0, 1, frames, device=self.device).split(batch_size)
        ]
        return PipelineOutput(converted(torch.cat(images), output_type))

    def _check_prior_guidance(self, scale: float, is_given: bool) -> None:
        """Raise a ValueError if a scale is out of range, or if it would have no effect.

        `is_given` tells whether the embeddings are given, so that the prior draws none.
        """
        _PRIOR_GUIDANCE.check(scale)
        if scale != 1 and (self.prior is None or is_given):
            why = "the model has no prior" if self.prior is None else "the embeddings are given"
            raise ValueError(f"prior_guidance_scale must be 1, because {why}, got {scale}")

    def _pair(
        self, square: Tensor, from_caption: str, to_caption: str
    ) -> tuple[TextFeatures, TextFeatures]:
        """As in the base; the embedding turns towards the difference of the captions'."""
        embedding = self._embedded(square)  # (1, E)
        before, after = self.embedder.encode_texts([from_caption, to_caption])
        turned = embedding
        if from_caption != to_caption:
            difference = F.normalize(after - before, dim=0)[None]
            share = torch.full((1,), _SHIFT, device=self.device)
            turned = between_noises(torch.cat([embedding, difference]), share)
        return self._told([from_caption], embedding), self._told([to_caption], turned)

    def _embedded(self, square: Tensor) -> Tensor:
        """An image (C, H, W) -> its embedding (1, E)."""
        return self.embedder.encode_images(square[None])

    def _told(self, captions: list[str], embeddings: Tensor | None) -> TextFeatures:
        """What the denoiser sees of captions and embeddings (1 or B, E)."""
        if embeddings is not None:
            embeddings = embeddings.expand(len(captions), -1)
        return self.condition(self.text_encoder(captions), embeddings)

    def _negative(self, prompt: str, count: int) -> TextFeatures:
        return self._told([prompt], None).repeat_interleave(count)
