"""The one way to sample: captions in, pictures out."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeVar

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
    """images: k pictures for the first caption, then k for the second, and so on.

    A list of PIL images ("pil"), a tensor (B * k, C, H, W) in [-1, 1] ("pt"), or an array (B * k,
    H, W, C) in [0, 1] ("np").
    """

    images: list[Image.Image] | Tensor | np.ndarray


class Pipeline(Part):
    """Base of all inference without Lightning.

    What a pipeline can do is declared, and read by the command line, the page and the export, which
    know no class by name. Its abilities are of these:

    - "draw": it is a `TextToImagePipeline`.
    - "weighted_words": its prompts may say "a (red:1.5) circle".
    - "interpolate": `interpolate(start, end, frames=, seed=, end_seed=, progress=)` generates what
      lies between two captions.
    - "attention": `words(caption)`, `attention` and `attentions(caption, seed=, indices=)` show
      where it looked at each word.
    - "one_graph": `noise_shape`, `channels`, `text_encoder` and `draw_from(noise, text)` are all
      that drawing takes.
    - "compare": `similarity(images, captions)`, `search` and `classify`.

    Attributes:
        abilities: what it can do.
        options: numbers that `draw` and a call take by name; where such a method does, the other
            abilities that an option names too.
        trained_against: SHA-256 of the weights of each frozen net whose opinion of the samples was
            trained on, and of those nets' ancestors: none of them may judge the samples.
    """

    abilities: frozenset[str] = frozenset()
    options: tuple[Option, ...] = ()
    trained_against: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights, in which it computes; what it returns is float32 whatever it is."""
        return next(self.parameters()).dtype

    @property
    def is_fitted(self) -> bool:
        """Whether it can read captions: a text encoder has no vocabulary before its training."""
        return True


class TextToImagePipeline(Pipeline):
    """Base of what generates images from captions; a subclass implements `draw`.

    A subclass with options declares them, and writes a `__call__` that names them and ends in
    `self._run(captions, partial(self.draw_prompts, ...), ...)`.

    Attributes:
        image_size: height and width of its images, in pixels.
    """

    abilities = frozenset({"draw"})
    image_size: int

    @abstractmethod
    def draw(self, captions: list[str], keys: list[Key]) -> Tensor:
        """An image for each caption, its noise keyed by keys[i] -> (B, C, H, W) in [-1, 1].

        Captions are read as they stand, as those of a data set. A subclass gives each of its
        options a keyword argument with a default.
        """

    def draw_prompts(self, prompts: list[str], keys: list[Key], **options: float) -> Tensor:
        """As `draw`, of captions that somebody typed, in which a pipeline may know a notation."""
        return self.draw(prompts, keys, **options)

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
        """Draw.

        The same seed draws the same picture whatever stands beside it in the batch (to 1 of 255:
        batched kernels are not bitwise).

        Args:
            captions: what to draw.
            num_images_per_prompt: draws of each caption, each with a noise of its own.
            seed: with the caption's index and the draw's number it decides the noise; 0 unless
                there is a generator.
            generator: gives the seed, another one with each call.
            indices: a number for each caption that its noise is keyed by; its place in the list by
                default. Captions of one number are drawn with the same noise.
            batch_size: pictures drawn at a time.
            output_type: "pil", "pt" or "np".
            progress: whether a terminal shows a bar with the time left.

        Raises:
            TypeError: a caption is no string, or the generator none of torch's.
            ValueError: a caption has more than 10,000 characters, a number is out of range, there
                is no caption, there are both a seed and a generator, or not as many indices as
                captions.
            FloatingPointError: the model drew something else than numbers.
        """
        return self._run(
            captions,
            self.draw_prompts,
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
        """Images of a data set's captions, read as they stand, by the default options.

        Args:
            captions: B of them.
            num_images_per_prompt: images of each caption, which follow one another.
            seed: as in a call.
            indices: as in a call.

        Returns:
            (B * num_images_per_prompt, C, H, W) float32 in [-1, 1].
        """
        return self._run(
            captions,
            self.draw,
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            indices=indices,
            output_type="pt",
        ).images

    def unread_words(self, caption: str) -> int:
        """How many words at the end of a caption are cut off before it is read."""
        return 0

    @torch.no_grad()
    def _run(
        self,
        captions: str | Sequence[str],
        draw: Callable[[list[str], list[Key]], Tensor],
        *,
        num_images_per_prompt: int = 1,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        indices: Sequence[int] | None = None,
        batch_size: int = 64,
        output_type: OutputType = "pil",
        progress: bool = False,
    ) -> PipelineOutput:
        """What a call does, with `draw` for each batch: captions, keys -> (B, C, H, W)."""
        if output_type not in ("pil", "pt", "np"):
            raise ValueError(f'output_type must be "pil", "pt" or "np", got {output_type!r}')
        batches = keyed(
            captions,
            num_images_per_prompt=num_images_per_prompt,
            seed=_seed(seed, generator),
            indices=indices,
            batch_size=batch_size,
        )
        shown = tracked(batches, sum(map(len, batches)), shown=progress)
        images = torch.cat([draw(*map(list, zip(*batch, strict=True))).float() for batch in shown])
        return PipelineOutput(converted(images, output_type))

    def save_card(self, folder: str | Path, card: Card) -> Path:
        """Write a model card, `README.md` and `grid.png`, into the folder of a saved pipeline.

        Args:
            folder: where `save_pretrained` wrote.
            card: what it says.

        Returns:
            The path of `README.md`.

        Raises:
            ConfigError: the card's evaluation cannot be read.
            ValueError: the evaluation is of other weights, or there are no captions.
        """
        images = self(card.captions, seed=card.seed, output_type="pt").images
        return card.write(Path(folder), self, images)

    def push_to_hub(
        self, repo_id: str, card: Card, *, private: bool = False, commit_message: str | None = None
    ) -> str:
        """Publish the pipeline with its model card on the Hugging Face Hub.

        Whoever runs it must be logged in there (`hf auth login`).

        Args:
            repo_id: `owner/name`, made if need be.
            card: what the model card says.
            private: whether only its owner may see it.
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
    """(B, C, H, W) in [-1, 1] -> what `PipelineOutput` holds.

    Raises:
        FloatingPointError: there are values that are no finite numbers.
    """
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


def tracked(batches: Sequence[_Batch], total: int, *, shown: bool) -> Iterable[_Batch]:
    """The same batches, with a bar on a terminal's error output where it is to be shown.

    Args:
        batches: what is drawn, a batch after the other.
        total: pictures in all of them.
        shown: whether a bar is wanted.
    """
    console = Console(stderr=True)
    hidden = not shown or len(batches) < 2 or not console.is_terminal
    description = f"drawing {total:,} pictures"
    return track(batches, description, transient=True, disable=hidden, console=console)


def _seed(seed: int | None, generator: torch.Generator | None) -> int:
    if generator is None:
        return 0 if seed is None else seed
    if not isinstance(generator, torch.Generator):
        kind = type(generator).__name__
        raise TypeError(f"generator must be one torch.Generator for all captions, got {kind}")
    if seed is not None:
        raise ValueError(f"seed must be left out where a generator is given, got {seed}")
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))
