"""Sampling from a GAN: one forward pass."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

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
from textgan.pipeline.option import Option
from textgan.pipeline.path import between_noises, between_texts
from textgan.seed import keyed_randn
from textgan.text_encoder.base import TextEncoder
from textgan.types import TextFeatures


@dataclass(frozen=True)
class WordAttention:
    """Where the generator looked at a word.

    Attributes:
        word: as the caption has it, weights left out.
        start, end: its characters in the caption without weights.
        map: (H, W) in [0, 1], of the picture's size; 1 where it was looked at most.
    """

    word: str
    start: int
    end: int
    map: Tensor


_TRUNCATION = Option(
    "truncation",
    float,
    1.0,
    "0 draws the likeliest picture, 1 all variety.",
    minimum=0,
    maximum=1,
    also=frozenset({"interpolate", "attention"}),
)
_GUIDANCE = Option(
    "guidance_scale",
    float,
    1.0,
    "Above 1 it exaggerates what the caption says.",
    also=frozenset({"interpolate"}),
)


class GANPipeline(TextToImagePipeline):
    """Captions -> text encoder -> generator -> pictures.

    Args:
        generator: draws from noise and text.
        text_encoder: reads the captions.
        trained_against: as the base says.
    """

    abilities = frozenset({"draw", "weighted_words", "interpolate", "attention", "one_graph"})
    options = (_TRUNCATION, _GUIDANCE)

    def __init__(
        self,
        generator: Generator,
        text_encoder: TextEncoder,
        *,
        trained_against: Sequence[str] = (),
    ):
        super().__init__()
        self.generator, self.text_encoder = generator, text_encoder
        self.trained_against = list(trained_against)
        if not generator.attends_words:
            self.abilities = self.abilities - {"attention"}

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    @property
    def image_size(self) -> int:
        return self.generator.image_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return self.generator.channels

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one image."""
        return self.generator.noise_shape

    def draw(
        self,
        captions: list[str],
        keys: list[Key],
        *,
        guidance_scale: float = 1.0,
        truncation: float = 1.0,
        weighted_words: bool = False,
    ) -> Tensor:
        """As the base says; equal captions are encoded once."""
        rows = {caption: row for row, caption in enumerate(dict.fromkeys(captions))}
        text = self.encode([*rows]) if weighted_words else self.text_encoder([*rows])
        if len(rows) < len(captions):
            text = text[torch.tensor([rows[c] for c in captions], device=text.mask.device)]
        return self.draw_from(self.noise(keys, truncation), text, guidance_scale)

    def draw_prompts(self, prompts: list[str], keys: list[Key], **options: float) -> Tensor:
        return self.draw(prompts, keys, **{"weighted_words": True, **options})

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
        """Draw, as `TextToImagePipeline` does.

        Args:
            captions: as in the base, and so are all arguments but the next three.
            num_images_per_prompt: draws of each caption.
            seed: of the noise.
            generator: gives the seed.
            indices: a number for each caption that its noise is keyed by.
            guidance_scale: how far beyond the drawing of the empty caption towards that of the
                caption; 1 is the caption's own.
            truncation: in [0, 1], what the noise is multiplied by: less of it gives likelier
                pictures that are more alike, none of it one picture a caption.
            weighted_words: whether in "a (red:1.5) circle" a word counts for more, which is how
                people write captions and data sets do not; otherwise that is read as it stands.
            batch_size: pictures drawn at a time.
            output_type: "pil", "pt" or "np".
            progress: whether a terminal shows a bar with the time left.

        Raises:
            TypeError, ValueError, FloatingPointError: as in the base.
        """
        draw = partial(
            self.draw,
            guidance_scale=guidance_scale,
            truncation=truncation,
            weighted_words=weighted_words,
        )
        return self._run(
            captions,
            draw,
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    def encode(self, captions: list[str]) -> TextFeatures:
        """B captions, some perhaps with weighted words -> their features."""
        return prompt.encode(self.text_encoder, captions)

    def noise(self, keys: list[Key], truncation: float = 1.0) -> Tensor:
        """The noise of each key (seed, the caption's index, draw) -> (B, *noise_shape).

        Raises:
            ValueError: truncation is not in [0, 1].
        """
        _TRUNCATION.check(truncation)
        noise = truncation * keyed_randn(keys, self.noise_shape)
        return noise.to(self.device, self.dtype)

    def draw_from(self, noise: Tensor, text: TextFeatures, guidance_scale: float = 1.0) -> Tensor:
        """Noise (B, *noise_shape) and the features of B captions -> (B, C, H, W) in [-1, 1].

        Guidance extrapolates in pixels, from what the empty caption draws of the same z.
        """
        images = self.generator(noise, text)
        if guidance_scale == 1:
            return images
        nothing = self.text_encoder([""] * len(text))
        z = self.generator.prior(text).sample(noise)
        empty = self.generator(self.generator.prior(nothing).standardise(z), nothing)
        return (empty + guidance_scale * (images - empty)).clamp(-1, 1)

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
        """Pictures on the way from one caption to another, from one noise to another, or both.

        Args:
            start: the first picture's caption.
            end: the last picture's; None stays with the first.
            frames: pictures, both ends included.
            seed: of the first picture's noise, which is that of `pipe(start, seed=seed)`.
            end_seed: of the last picture's; None stays with the first.
            truncation: as in a call, and so are the next four.
            guidance_scale: as in a call.
            batch_size: as in a call.
            output_type: as in a call.
            progress: as in a call.

        Raises:
            ValueError: there is no way to go, or a number is out of range.
        """
        if end is None and end_seed is None:
            raise ValueError("end or end_seed must be given, or both: what is there to go to?")
        if frames < 2 or batch_size < 1:
            rule = "frames must be at least 2, and batch_size at least 1"
            raise ValueError(f"{rule}, got {frames} and {batch_size}")
        seeds = [seed, seed if end_seed is None else end_seed]
        noise = self.noise([(one, 0, 0) for one in seeds], truncation)
        text = self.encode([start, start if end is None else end])
        shares = torch.linspace(0, 1, frames, device=self.device).split(batch_size)
        images = [
            self.draw_from(
                between_noises(noise, some), between_texts(text, some), guidance_scale
            ).float()
            for some in tracked(shares, frames, shown=progress)
        ]
        return PipelineOutput(converted(torch.cat(images), output_type))

    def unread_words(self, caption: str) -> int:
        text = parse(caption).text
        read = max(end for _, end in self.text_encoder.spans([text])[0])
        return len(text[read:].split())

    def words(self, caption: str) -> list[str]:
        """The words of a caption that the text encoder reads, in their order, without weights.

        They are those of `attention`, and nothing is drawn to find them.
        """
        return [word[0] for word, _ in self._words(caption)]

    def attention(
        self, caption: str, *, seed: int = 0, index: int = 0, truncation: float = 1.0
    ) -> list[WordAttention]:
        """For each word of a caption, where `pipe(caption, seed=seed)` looked at it.

        The attention of all heads and resolutions, enlarged and averaged (DAAM, Tang et al. 2022),
        summed over a word's tokens, brought to 1 at its greatest. A word that the text encoder cut
        off is left out. Words know of their neighbours, so that what "red" says may be looked up
        at "circle".

        Args:
            caption: what is drawn.
            seed: as in a call.
            index: as one of the call's `indices`; it is the caption's first draw.
            truncation: as in a call.

        Raises:
            ValueError: the generator looks at no single words.
        """
        return self.attentions(caption, seed=seed, indices=[index], truncation=truncation)[0]

    @torch.no_grad()
    def attentions(
        self, caption: str, *, seed: int = 0, indices: Sequence[int], truncation: float = 1.0
    ) -> list[list[WordAttention]]:
        """The attention of several pictures of one caption, computed in one batch.

        Args:
            caption: as in `attention`, and so are `seed` and `truncation`.
            seed: of the noise.
            indices: as in a call, one for each picture.
            truncation: what the noise is multiplied by.

        Returns:
            For each index what `attention` returns.

        Raises:
            ValueError: the generator looks at no single words, or there are no indices.
        """
        if not indices:
            raise ValueError("indices must hold at least one, got none")
        noise = self.noise([(seed, int(index), 0) for index in indices], truncation)
        text = self.encode([caption]).repeat_interleave(len(indices))
        looked = self.generator.word_attention(noise, text)  # (B, L, H, W)
        words = self._words(caption)
        return [[_of_word(word, rows[places]) for word, places in words] for rows in looked]

    def _words(self, caption: str) -> list[tuple[re.Match[str], list[int]]]:
        """Each word of a caption that is read, and its places among the tokens."""
        text = parse(caption).text
        spans = self.text_encoder.spans([text])[0]
        found = [
            (word, prompt.places(spans, word.start(), word.end()))
            for word in re.finditer(r"\S+", text)
        ]
        return [(word, places) for word, places in found if places]


def _of_word(word: re.Match[str], looked: Tensor) -> WordAttention:
    """The attention (T, H, W) to a word's T tokens, as one map whose greatest value is 1."""
    total = looked.sum(0)
    return WordAttention(word[0], word.start(), word.end(), (total / total.max()).float().cpu())
