"""Cascades: a pipeline that generates small images, and an upsampler after it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from textgan.caption.prompt import parse
from textgan.caption.request import Key
from textgan.pipeline.base import OutputType, Pipeline, PipelineOutput, TextToImagePipeline
from textgan.pipeline.option import Option
from textgan.pipeline.upsampler import UpsamplerPipeline
from textgan.text_encoder.base import TextEncoder


class CascadePipeline(TextToImagePipeline):
    """A pipeline that generates small images, and an upsampler that draws larger ones.

    It generates images as the small pipeline does, with its options. Those of the upsampler begin
    with the size of its images, such as `upsampler_64_noise_level` for 64 pixels. A cascade can be
    the small pipeline of another one.

    Args:
        small: generates images of the upsampler's small size.
        upsampler: draws larger ones.

    Raises:
        ValueError: sizes or channels of the images differ.
    """

    def __init__(self, small: TextToImagePipeline, upsampler: UpsamplerPipeline):
        super().__init__()
        own = (small.channels, small.image_size)
        needed = (upsampler.channels, upsampler.small_size)
        if own != needed:
            raise ValueError(
                f"upsampler must take images of {own[0]} channels and {own[1]} pixels, got "
                f"{needed[0]} and {needed[1]}"
            )
        self.small, self.upsampler = small, upsampler
        self._prefix = f"upsampler_{upsampler.image_size}_"
        self._own = [self._renamed(option) for option in upsampler.options]
        self.options = (*small.options, *self._own)
        self.abilities = small.abilities & {"sample", "negative_prompt", "weighted_words"}
        self.trained_against = sorted({*small.trained_against, *upsampler.trained_against})

    @property
    def stages(self) -> list[Pipeline]:
        """The pipeline of small images, or its stages, and the upsampler."""
        return [*self.small.stages, self.upsampler]

    @property
    def text_encoder(self) -> TextEncoder:
        """That of the pipeline of small images."""
        return self.small.text_encoder

    @property
    def is_fitted(self) -> bool:
        return self.small.is_fitted and self.upsampler.is_fitted

    @property
    def image_size(self) -> int:
        return self.upsampler.image_size

    @property
    def channels(self) -> int:
        """1 (gray), 3 (RGB) or 4 (RGBA)."""
        return self.upsampler.channels

    def generate(self, captions: list[str], keys: list[Key], **options: Any) -> Tensor:
        """As in the base.

        Args:
            captions: B captions.
            keys: of the noise of each.
            options: those of the pipeline of small images, and those of the upsampler with
                `upsampler_` and the size of its images before their names.

        Raises:
            TypeError: there is no such option.
            ValueError: a number is out of range.
        """
        of_small, of_upsampler = self._apart(options)
        images = self.small.generate(captions, keys, **of_small)
        return self.upsampler.generate(images.float(), captions, keys, **of_upsampler)

    def generate_prompts(self, prompts: list[str], keys: list[Key], **options: Any) -> Tensor:
        of_small, of_upsampler = self._apart(options)
        images = self.small.generate_prompts(prompts, keys, **of_small)
        if "weighted_words" in self.small.abilities:
            prompts = [parse(prompt).text for prompt in prompts]
        return self.upsampler.generate(images.float(), prompts, keys, **of_upsampler)

    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
        **options: Any,
    ) -> PipelineOutput:
        """Sample images of captions; `options` are those of `generate`."""
        return self._run(
            captions,
            partial(self.generate_prompts, **options),
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    def _renamed(self, option: Option) -> Option:
        """An option of the upsampler, as the cascade names it."""
        text = f"{option.help} It is of the upsampler to {self.image_size} pixels."
        return replace(option, name=f"{self._prefix}{option.name}", help=text, also=frozenset())

    def _apart(self, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The options of the pipeline of small images, and those of the upsampler, checked."""
        of_small, of_upsampler = dict(options), {}
        for option in self._own:
            if option.name in of_small:
                value = of_small.pop(option.name)
                option.check(value)
                of_upsampler[option.name.removeprefix(self._prefix)] = value
        return of_small, of_upsampler
