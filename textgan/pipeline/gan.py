"""Sampling from a GAN in one forward pass, and editing in two."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan.autoencoder.base import Autoencoder, latents_of
from textgan.caption.prompt import parse
from textgan.caption.request import Key
from textgan.generator.base import Generator
from textgan.pipeline import prompt
from textgan.pipeline.base import (
    OutputType,
    PipelineOutput,
    TextToImagePipeline,
    converted,
    tracked,
)
from textgan.pipeline.given import given_image
from textgan.pipeline.option import Option
from textgan.pipeline.path import between_noises, between_texts
from textgan.posterior.base import PosteriorEncoder
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


@dataclass(frozen=True)
class WordAttention:
    """The generator's attention to a word.

    Attributes:
        word: as in the caption without weights.
        start, end: its characters in the caption without weights.
        map: (H, W) in [0, 1], of the image's size; 1 at the greatest attention.
    """

    word: str
    start: int
    end: int
    map: Tensor


_TRUNCATION = Option(
    "truncation",
    float,
    1.0,
    "0 gives the likeliest image, 1 the full variety.",
    minimum=0,
    maximum=1,
    also=frozenset({"interpolate", "attention", "edit"}),
)
_GUIDANCE = Option(
    "guidance_scale",
    float,
    1.0,
    "Values above 1 exaggerate the caption.",
    also=frozenset({"interpolate", "edit"}),
)


class GANPipeline(TextToImagePipeline):
    """Captions -> text encoder -> generator -> images.

    Args:
        generator: generates images from noise and text.
        text_encoder: encodes the captions.
        autoencoder: decodes the generator's latents; None if it generates pixels.
        posterior: finds the noise of given images, which `invert` and `edit` need; or None.
        trained_against: as in the base.

    Raises:
        ValueError: posterior and generator have different noise shapes.
    """

    abilities = frozenset(
        {"sample", "weighted_words", "interpolate", "attention", "one_graph", "edit"}
    )
    options = (_TRUNCATION, _GUIDANCE)

    def __init__(
        self,
        generator: Generator,
        text_encoder: TextEncoder,
        *,
        autoencoder: Autoencoder | None = None,
        posterior: PosteriorEncoder | None = None,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        check_noise(posterior, generator)
        self.generator, self.text_encoder = generator, text_encoder
        self.autoencoder, self.posterior = autoencoder, posterior
        self.trained_against = list(trained_against)
        if not generator.attends_words:
            self.abilities = self.abilities - {"attention"}
        if posterior is None:
            self.abilities = self.abilities - {"edit"}

    @classmethod
    def abilities_of(cls, config: dict[str, Any], trust: Sequence[str] = ()) -> frozenset[str]:
        return cls.abilities if config.get("posterior") else cls.abilities - {"edit"}

    def for_sampling(self) -> "GANPipeline":
        if self.posterior is None:
            return self
        return GANPipeline(self.generator, self.text_encoder, autoencoder=self.autoencoder)

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    @property
    def image_size(self) -> int:
        return (self.autoencoder or self.generator).image_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return (self.autoencoder or self.generator).channels

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """The shape of the noise of one image."""
        return self.generator.noise_shape

    def generate(
        self,
        captions: list[str],
        keys: list[Key],
        *,
        guidance_scale: float = 1.0,
        truncation: float = 1.0,
        weighted_words: bool = False,
    ) -> Tensor:
        """As in the base; equal captions are encoded once."""
        rows = {caption: row for row, caption in enumerate(dict.fromkeys(captions))}
        text = self.encode([*rows]) if weighted_words else self.text_encoder([*rows])
        if len(rows) < len(captions):
            text = text[torch.tensor([rows[c] for c in captions], device=text.mask.device)]
        return self.generate_from(self.noise(keys, truncation), text, guidance_scale)

    def generate_prompts(self, prompts: list[str], keys: list[Key], **options: float) -> Tensor:
        return self.generate(prompts, keys, **{"weighted_words": True, **options})

    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        guidance_scale: float = 1.0,
        truncation: float = 1.0,
        weighted_words: bool = True,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """Sample images of captions, as `TextToImagePipeline` does, with three options more.

        - `guidance_scale` extrapolates from the image of the empty caption (0) through the
          caption's own (1).
        - `truncation`, in [0, 1], is a factor on the noise. Smaller values give likelier images
          that differ less; at 0 all images of a caption are equal.
        - `weighted_words` tells whether "a (red:1.5) circle" gives a word more weight. If it is
          false, the caption is read literally, as those of data sets.
        """
        options = {"guidance_scale": guidance_scale, "truncation": truncation}
        return self._run(
            captions,
            partial(self.generate, weighted_words=weighted_words, **options),
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    def encode(self, captions: list[str]) -> TextFeatures:
        """Encode B captions, which may have weighted words."""
        return prompt.encode(self.text_encoder, captions)

    def noise(self, keys: list[Key], truncation: float = 1.0) -> Tensor:
        """The noise of B keys (seed, index of the caption, number of the image).

        Its shape is (B, *noise_shape).

        Raises:
            ValueError: truncation is not in [0, 1].
        """
        _TRUNCATION.check(truncation)
        noise = truncation * keyed_randn(keys, self.noise_shape)
        return noise.to(self.device, self.dtype)

    def generate_from(
        self, noise: Tensor, text: TextFeatures, guidance_scale: float = 1.0
    ) -> Tensor:
        """Noise (B, *noise_shape) and the features of B captions -> (B, C, H, W) in [-1, 1].

        Guidance extrapolates pixels (or latents) from those that the empty caption gives with the
        same z.
        """
        images = self.generator(noise, text)
        if guidance_scale == 1:
            return images if self.autoencoder is None else self.autoencoder.decode(images)
        nothing = self.text_encoder([""] * len(text))
        z = self.generator.prior(text).sample(noise)
        empty = self.generator(self.generator.prior(nothing).standardise(z), nothing)
        guided = empty + guidance_scale * (images - empty)
        return guided.clamp(-1, 1) if self.autoencoder is None else self.autoencoder.decode(guided)

    @torch.no_grad()
    def interpolate(
        self,
        start: str,
        end: str | None = None,
        *,
        frames: int = 16,
        seed: int = 0,
        end_seed: int | None = None,
        truncation: float = 1.0,
        guidance_scale: float = 1.0,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """Interpolate from one caption to another, from one noise to another, or both.

        The first of `frames` images has the caption `start`, and the noise of `pipe(start,
        seed=seed)`. The last one has the caption `end` and the noise of `end_seed`; None keeps
        those of the first. The other arguments are as in a call.

        Raises:
            ValueError: both `end` and `end_seed` are None, or a number is out of range.
        """
        if end is None and end_seed is None:
            raise ValueError("end or end_seed must be given, or both")
        if frames < 2 or batch_size < 1:
            rule = "frames must be at least 2, and batch_size at least 1"
            raise ValueError(f"{rule}, got {frames} and {batch_size}")
        seeds = [seed, seed if end_seed is None else end_seed]
        noise = self.noise([(one, 0, 0) for one in seeds], truncation)
        text = self.encode([start, start if end is None else end])
        shares = torch.linspace(0, 1, frames, device=self.device).split(batch_size)
        images = [
            self.generate_from(
                between_noises(noise, some), between_texts(text, some), guidance_scale
            ).float()
            for some in tracked(shares, frames, shown=progress)
        ]
        return PipelineOutput(converted(torch.cat(images), output_type))

    @torch.no_grad()
    def invert(self, image: Image.Image | Tensor, caption: str) -> Tensor:
        """The noise from which the generator makes an image for a caption -> (1, *noise_shape).

        It is the mean of the posterior q(z | image, text), as the noise from which the prior makes
        this z, and takes one forward pass of the posterior. `generate_from(invert(image, caption),
        encode([caption]))` is the reconstruction of the image.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            caption: of the image; it may have weighted words.

        Raises:
            TypeError: the pipeline was saved without its posterior, or the image is neither a PIL
                image nor a tensor.
            ValueError: the image has another shape, or the caption is too long.
        """
        return self._inverted(image, self.encode([caption]))

    @torch.no_grad()
    def edit(
        self,
        image: Image.Image | Tensor,
        from_caption: str,
        to_caption: str,
        *,
        truncation: float = 1.0,
        guidance_scale: float = 1.0,
        output_type: OutputType = "pil",
    ) -> PipelineOutput:
        """Change an image by the difference of two captions, in two forward passes -> one image.

        The posterior finds the noise of the image for its own caption (`invert`), and the generator
        makes an image of this noise for the other caption. What neither the noise nor the captions
        hold, such as fine texture, is lost.

        Args:
            image: a PIL image, whose middle square is taken, or (C, H, W) in [-1, 1].
            from_caption: of the image as it is.
            to_caption: of the image as it is to be.
            truncation: factor of the noise, in [0, 1]: below 1 the result is likelier, and keeps
                less of the image.
            guidance_scale: as in a call.
            output_type: "pil", "pt" or "np".

        Raises:
            TypeError: the pipeline was saved without its posterior, or the image is neither a PIL
                image nor a tensor.
            ValueError: the image has another shape, a caption is too long, or a number is out of
                range.
        """
        _TRUNCATION.check(truncation)
        text = self.encode([from_caption, to_caption])
        noise = truncation * self._inverted(image, text[:1])
        edited = self.generate_from(noise, text[1:], guidance_scale)
        return PipelineOutput(converted(edited.float(), output_type))

    def _inverted(self, image: Image.Image | Tensor, text: TextFeatures) -> Tensor:
        """The noise (1, *noise_shape) of an image and the features of its caption."""
        if self.posterior is None:
            raise TypeError(
                "the model must be trained with model.save_posterior=true to invert images"
            )
        square = given_image(image, self.image_size, self.channels)[None]
        sample = square.to(self.device, self.dtype)
        if self.autoencoder is not None:
            sample = latents_of(self.autoencoder, sample).to(self.dtype)
        return self.generator.prior(text).standardise(self.posterior(sample, text).mean)

    def unread_words(self, caption: str) -> int:
        return super().unread_words(parse(caption).text)

    def words(self, caption: str) -> list[str]:
        """List the words of a caption that the text encoder reads, without weights.

        They are those of `attention`; no image is generated.
        """
        return [word[0] for word, _ in self._words(caption)]

    def attention(
        self, caption: str, *, seed: int = 0, index: int = 0, truncation: float = 1.0
    ) -> list[WordAttention]:
        """The attention to each word of a caption in `pipe(caption, seed=seed, indices=[index])`.

        The attention of all heads and resolutions is enlarged and averaged (DAAM, Tang et al.
        2022), summed over the tokens of a word, and scaled to a maximum of 1. Words that the text
        encoder cuts off are left out. The features of a word contain its neighbours, so the
        attention to "circle" may show the effect of "red".

        Raises:
            ValueError: the generator attends to no single words.
        """
        return self.attentions(caption, seed=seed, indices=[index], truncation=truncation)[0]

    @torch.no_grad()
    def attentions(
        self, caption: str, *, seed: int = 0, indices: Sequence[int], truncation: float = 1.0
    ) -> list[list[WordAttention]]:
        """As `attention`, for several images of one caption, computed in one batch.

        Raises:
            ValueError: the generator attends to no single words, or there are no indices.
        """
        if not indices:
            raise ValueError("indices must hold at least one, got none")
        noise = self.noise([(seed, int(index), 0) for index in indices], truncation)
        text = self.encode([caption]).repeat_interleave(len(indices))
        maps = self.generator.word_attention(noise, text)  # (B, L, H, W)
        if self.autoencoder is not None:
            size = (self.image_size, self.image_size)
            maps = F.interpolate(maps, size, mode="bilinear", align_corners=False)
        words = self._words(caption)
        return [[_of_word(word, rows[indices]) for word, indices in words] for rows in maps]

    def _words(self, caption: str) -> list[tuple[re.Match[str], list[int]]]:
        """Each word of a caption that is read, and the indices of its tokens."""
        text = parse(caption).text
        spans = self.text_encoder.spans([text])[0]
        found = [
            (word, prompt.token_indices(spans, word.start(), word.end()))
            for word in re.finditer(r"\S+", text)
        ]
        return [(word, indices) for word, indices in found if indices]


def check_noise(posterior: PosteriorEncoder | None, generator: Generator) -> None:
    """Raise a ValueError if the posterior's z and the generator's noise differ in shape."""
    if posterior is not None and tuple(posterior.noise_shape) != tuple(generator.noise_shape):
        raise ValueError(
            "posterior and generator must have one noise shape, "
            f"got {posterior.noise_shape} and {generator.noise_shape}"
        )


def _of_word(word: re.Match[str], maps: Tensor) -> WordAttention:
    """Sum the attention (T, H, W) to a word's T tokens, and scale its maximum to 1."""
    total = maps.sum(0)
    return WordAttention(word[0], word.start(), word.end(), (total / total.max()).float().cpu())
