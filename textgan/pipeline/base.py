"""Pipelines: inference without Lightning, from captions to images."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.progress import track
from torch import Tensor

from textgan.caption.request import Key, keyed
from textgan.image import to_pil, to_unit
from textgan.pipeline.card import Card
from textgan.pipeline.option import Option
from textgan.pretrained.hub import upload
from textgan.pretrained.part import Part

OutputType = Literal["pil", "pt", "np"]
_Batch = TypeVar("_Batch")


@dataclass
class PipelineOutput:
    """The images of B captions: k of the first caption, then k of the second, and so on.

    Attributes:
        images: a list of PIL images ("pil"), a tensor (B * k, C, H, W) in [-1, 1] ("pt"), or an
            array (B * k, H, W, C) in [0, 1] ("np").
    """

    images: list[Image.Image] | Tensor | np.ndarray


class Pipeline(Part):
    """Base of all inference without Lightning.

    The command line, the page and the export know no pipeline class by name. They read its declared
    abilities:

    - "sample": it is a `TextToImagePipeline`.
    - "weighted_words": its prompts may be written as "a (red:1.5) circle".
    - "interpolate": `interpolate(start, end, frames=, seed=, end_seed=, progress=)` generates
      images between two captions.
    - "attention": `words(caption)`, `attention` and `attentions(caption, seed=, indices=)` return
      the attention to each word.
    - "one_graph": sampling needs only `noise_shape`, `channels`, `text_encoder` and
      `generate_from(noise, text)` of what `for_sampling()` returns.
    - "compare": `similarity(images, captions)`, `search` and `classify`.
    - "rank": `score(images, caption)` tells how well each image fits a caption.
    - "unfinished_images": `generate` takes `callback`, and calls it with the images so far, at
      most once in `callback_seconds`.
    - "image_to_image": `image_to_image(image, caption, strength=, number=, seed=, **options)` draws
      an image anew.
    - "inpaint": `inpaint(image, mask, caption, number=, seed=, **options)` draws a part of an image
      anew.
    - "edit": `edit(image, from_caption, to_caption, **options)` changes an image by the difference
      of two captions.
    - "variations": `variations(image, caption, strength=, number=, seed=, **options)` draws images
      that mean the same as an image.
    - "negative_prompt": `generate` and a call take `negative_prompt`, what images shall not show.
    - "upsample": `upsample(images, captions, seed=, **options)` draws larger images.
    - "describe": `describe(images)` and `describe_folder(folder)` make captions.
    - "encode": `encode(images)`, `decode(latents)`, `reconstruct`, and for a discrete autoencoder
      `encode_to_codes` and `decode_codes`.

    Attributes:
        abilities: some of the above.
        options: numbers that `generate` and a call take by name, and the methods of the abilities
            in `Option.also` too.
        trained_against: SHA-256 of the weights of each frozen network that the samples were trained
            against, and of its ancestors. None of them may evaluate the samples.
    """

    abilities: frozenset[str] = frozenset()
    options: tuple[Option, ...] = ()
    trained_against: Sequence[str] = ()

    @classmethod
    def abilities_of(cls, config: dict[str, Any], trust: Sequence[str] = ()) -> frozenset[str]:
        """The abilities of a saved pipeline of this class, without its weights.

        Args:
            config: what `Part.config` returned.
            trust: packages beside textgan whose parts may be named.
        """
        return cls.abilities

    def for_sampling(self) -> "Pipeline":
        """A pipeline that only samples, which shares its parts and has no others; or itself."""
        return self

    @property
    def stages(self) -> "list[Pipeline]":
        """The pipelines that draw an image one after the other: itself, unless it is a cascade."""
        return [self]

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of its weights and computations; results are always float32."""
        return next(self.parameters()).dtype

    @property
    def is_fitted(self) -> bool:
        """False before training, while the text encoder has no vocabulary."""
        return True


class TextToImagePipeline(Pipeline):
    """Base of pipelines that generate images from captions; a subclass implements `generate`.

    A subclass with options declares them, and writes a `__call__` that names them and ends in
    `self._run(captions, partial(self.generate_prompts, ...), ...)`.

    Attributes:
        image_size: height and width of its images, in pixels.
    """

    abilities = frozenset({"sample"})
    image_size: int

    @abstractmethod
    def generate(self, captions: list[str], keys: list[Key]) -> Tensor:
        """Generate an image for each caption -> (B, C, H, W) in [-1, 1].

        Captions are read literally, as those of a data set. The noise of image i is keyed by
        keys[i]. A subclass gives each of its options a keyword argument with a default.
        """

    def generate_prompts(self, prompts: list[str], keys: list[Key], **options: float) -> Tensor:
        """As `generate`, for typed captions, which may have a notation such as weighted words."""
        return self.generate(prompts, keys, **options)

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
    ) -> PipelineOutput:
        """Sample images of captions.

        The same seed gives the same image whatever else is in its batch, to 1 of 255, since batched
        kernels are not bitwise equal.

        Args:
            captions: one caption, or several.
            num_images_per_prompt: images of each caption, each with noise of its own.
            seed: the noise of an image is keyed by the seed, the caption's index and the image's
                number; 0 unless there is a generator.
            generator: gives the seed, another one with each call.
            indices: the index of each caption, by default its place in the list. Captions with
                equal indices share their noise.
            batch_size: images generated at a time.
            output_type: "pil", "pt" or "np".
            progress: whether a terminal shows a bar with the time left.

        Raises:
            TypeError: a caption is no string, or the generator is no torch.Generator.
            ValueError: a caption has more than 10,000 characters, a number is out of range, there
                is no caption, there are both a seed and a generator, or the numbers of indices and
                captions differ.
            FloatingPointError: an image has values that are not finite.
        """
        return self._run(
            captions,
            self.generate_prompts,
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            generator=generator,
            indices=indices,
            batch_size=batch_size,
            output_type=output_type,
            progress=progress,
        )

    def sample(
        self,
        captions: Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int = 0,
        indices: Sequence[int] | None = None,
    ) -> Tensor:
        """Sample images of B captions of a data set, read literally, with the default options.

        The arguments are as in a call. Returns (B * num_images_per_prompt, C, H, W) float32 in
        [-1, 1].
        """
        return self._run(
            captions,
            self.generate,
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            indices=indices,
            output_type="pt",
        ).images

    def unread_words(self, caption: str) -> int:
        """The number of words at the end of a caption that its text encoder cuts off.

        It is 0 for a pipeline without a `text_encoder`.
        """
        encoder = getattr(self, "text_encoder", None)
        if encoder is None:
            return 0
        read = max(end for _, end in encoder.spans([caption])[0])
        return len(caption[read:].split())

    @torch.no_grad()
    def _run(
        self,
        captions: str | Sequence[str],
        generate: Callable[[list[str], list[Key]], Tensor],
        *,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        output_type: OutputType = "pil",
        progress: bool = False,
        **others: Any,
    ) -> PipelineOutput:
        """Call `generate` for each batch of `keyed`: captions, keys -> (B, C, H, W) in [-1, 1]."""
        if output_type not in ("pil", "pt", "np"):
            raise ValueError(f'output_type must be "pil", "pt" or "np", got {output_type!r}')
        batches = keyed(captions, seed=_seed(seed, generator), **others)
        images = [
            generate(*map(list, zip(*batch, strict=True))).float()
            for batch in tracked(batches, sum(map(len, batches)), shown=progress)
        ]
        return PipelineOutput(converted(torch.cat(images), output_type))

    def save_card(self, folder: str | Path, card: Card) -> Path:
        """Write a model card, `README.md` and `grid.png`, into the folder of a saved pipeline.

        Returns the path of `README.md`.

        Raises:
            ConfigError: the card's evaluation cannot be read.
            ValueError: the evaluation has other weights, or the card has no captions.
        """
        images = self(card.captions, seed=card.seed, output_type="pt").images
        return card.write(Path(folder), self, images)

    def push_to_hub(
        self, repo_id: str, card: Card, *, private: bool = False, commit_message: str | None = None
    ) -> str:
        """Publish the pipeline with its model card on the Hugging Face Hub.

        The user must be logged in there (`hf auth login`).

        Args:
            repo_id: `owner/name`, created if necessary.
            card: the content of the model card.
            private: whether only the owner may see it.
            commit_message: None names this version of textgan.

        Returns:
            The repository's address.

        Raises:
            ConfigError, ValueError: as in `save_card` and `textgan.pretrained.hub.upload`.
            ConnectionError: the hub cannot be reached, or refuses.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            self.save_card(folder, replace(card, name=card.name or repo_id))
            return upload(folder, repo_id, private=private, commit_message=commit_message)


def converted(images: Tensor, kind: OutputType) -> list[Image.Image] | Tensor | np.ndarray:
    """Convert images (B, C, H, W) in [-1, 1] to the `images` of a `PipelineOutput`.

    Raises:
        FloatingPointError: a value is not finite.
    """
    bad = int((~images.isfinite()).flatten(1).any(1).sum())
    if bad:
        raise FloatingPointError(
            f"{bad} of {len(images)} images hold values that are not finite numbers"
        )
    if kind == "pt":
        return images
    if kind == "np":
        return to_unit(images).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    return [to_pil(image) for image in images]


def tracked(
    batches: Sequence[_Batch], total: int, *, shown: bool, verb: str = "sampling"
) -> Iterable[_Batch]:
    """Yield the same batches of `total` images; if `shown`, a terminal shows a bar on stderr."""
    console = Console(stderr=True)
    hidden = not shown or len(batches) < 2 or not console.is_terminal
    title = f"{verb} {total:,} images"
    return track(batches, title, transient=True, disable=hidden, console=console)


def _seed(seed: int | None, generator: torch.Generator | None) -> int:
    if generator is None:
        return 0 if seed is None else seed
    if not isinstance(generator, torch.Generator):
        kind = type(generator).__name__
        raise TypeError(f"generator must be one torch.Generator for all captions, got {kind}")
    if seed is not None:
        raise ValueError(f"seed must be left out if a generator is given, got {seed}")
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))
