"""The one way to sample: captions in, pictures out."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
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

from textgan.caption.text import check_caption
from textgan.image import to_pil, to_unit
from textgan.pipeline.card import Card
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

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights, in which it computes; pictures are float32 whatever it is."""
        return next(self.parameters()).dtype

    @abstractmethod
    def draw(
        self,
        captions: list[str],
        keys: list[tuple[int, ...]],
        *,
        guidance_scale: float,
        truncation: float,
        weighted_words: bool,
    ) -> Tensor:
        """A picture for each caption, its noise keyed by keys[i] -> (B, C, H, W) in [-1, 1].

        The options are those of a call.
        """

    @torch.no_grad()
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
            TypeError: a caption is no string, or the generator none of torch's.
            ValueError: a caption has more than 10,000 characters, a number is out of range, there
                is no caption, there are both a seed and a generator, or not as many indices as
                captions.
            FloatingPointError: the model drew something else than numbers.
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        indices = list(range(len(captions)) if indices is None else indices)
        _check(captions, indices, num_images_per_prompt, batch_size, output_type)
        check_truncation(truncation)
        seed = _seed(seed, generator)
        wanted = [
            (caption, (seed, int(index), draw))
            for caption, index in zip(captions, indices, strict=True)
            for draw in range(num_images_per_prompt)
        ]
        batches = [wanted[i : i + batch_size] for i in range(0, len(wanted), batch_size)]
        images = [
            self.draw(
                [caption for caption, _ in batch],
                [key for _, key in batch],
                guidance_scale=guidance_scale,
                truncation=truncation,
                weighted_words=weighted_words,
            ).float()
            for batch in tracked(batches, len(wanted), shown=progress)
        ]
        return PipelineOutput(converted(torch.cat(images), output_type))

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


def check_truncation(truncation: float) -> None:
    """Raise ValueError unless it is in [0, 1]."""
    if not 0 <= truncation <= 1:
        raise ValueError(f"truncation must be in [0, 1], got {truncation}")


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


def _check(
    captions: list[str], indices: list[int], number: int, batch_size: int, kind: OutputType
) -> None:
    if not captions:
        raise ValueError("captions must hold at least one caption, got none")
    for caption in captions:
        if not isinstance(caption, str):
            raise TypeError(f"captions must be strings, got {type(caption).__name__}")
        check_caption(caption)
    if len(indices) != len(captions):
        rule = "indices must be one for each caption"
        raise ValueError(f"{rule}, got {len(indices)} for {len(captions)}")
    if number < 1 or batch_size < 1:
        rule = "num_images_per_prompt and batch_size must be at least 1"
        raise ValueError(f"{rule}, got {number} and {batch_size}")
    if kind not in ("pil", "pt", "np"):
        raise ValueError(f'output_type must be "pil", "pt" or "np", got {kind!r}')


def _seed(seed: int | None, generator: torch.Generator | None) -> int:
    if generator is None:
        return 0 if seed is None else seed
    if not isinstance(generator, torch.Generator):
        kind = type(generator).__name__
        raise TypeError(f"generator must be one torch.Generator for all captions, got {kind}")
    if seed is not None:
        raise ValueError(f"seed must be left out where a generator is given, got {seed}")
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))
