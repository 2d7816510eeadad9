"""Sampling from a folder by `export_pipeline`, without torch where the graph is ONNX."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from textgan.caption.prompt import first_weighted
from textgan.caption.request import Key, keyed
from textgan.export.files import GRAPHS, TOKENIZER, ExportInfo
from textgan.export.noise import keyed_normal
from textgan.export.session import open_session
from textgan.export.tokens import CaptionReader


@dataclass
class ExportedOutput:
    """images: k pictures for the first caption, then k for the second, and so on.

    A list of PIL images ("pil"), or an array (B * k, H, W, C) in [0, 1] ("np").
    """

    images: list[Image.Image] | np.ndarray


class ExportedPipeline:
    """Draws as the pipeline did that was exported, to 1 of 255 where its weights are float32.

    The same seed gives the same picture. There is no guidance, and no weights of words.

    Args:
        folder: what `export_pipeline` wrote.
        format: what the folder must hold. "onnx" runs no code of whoever wrote it. "torch" opens
            `model.pt2` by `torch.export.load`, which unpickles and so runs any code that the file
            brings: choose it only where you trust who wrote the folder.
        threads: of onnxruntime; None leaves the number to it.

    Attributes:
        info: what the folder's `export.json` says.

    Raises:
        FileNotFoundError, ValueError: the folder is not whole, holds another format or what
            `export_pipeline` does not write, or an argument is out of range.
        ConfigError: onnx or onnxruntime is not installed.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        format: Literal["onnx", "torch"] = "onnx",
        threads: int | None = None,
    ):
        folder = Path(folder)
        if format not in GRAPHS:
            raise ValueError(f'format must be "onnx" or "torch", got {format!r:.80}')
        self.info = ExportInfo.read(folder)
        _check_format(folder, self.info.format, format)
        self._read = CaptionReader(folder / TOKENIZER, self.info.pad_id)
        self._session = open_session(folder, format, threads=threads)

    def __call__(
        self,
        captions: str | Sequence[str],
        *,
        num_images_per_prompt: int = 1,
        seed: int = 0,
        indices: Sequence[int] | None = None,
        truncation: float = 1.0,
        batch_size: int = 64,
        output_type: Literal["pil", "np"] = "pil",
    ) -> ExportedOutput:
        """Draw, as the pipeline does.

        Args:
            captions: what to draw.
            num_images_per_prompt: draws of each caption, each with a noise of its own.
            seed: with the caption's index and the draw's number it decides the noise.
            indices: a number for each caption that its noise is keyed by; its place in the list by
                default.
            truncation: in [0, 1], what the noise is multiplied by.
            batch_size: pictures drawn at a time.
            output_type: "pil" or "np".

        Raises:
            TypeError: a caption is no string.
            ValueError: a number is out of range, a word has a weight, or there is no caption.
            FloatingPointError: a picture holds values that are not finite numbers.
        """
        if output_type not in ("pil", "np"):
            raise ValueError(f'output_type must be "pil" or "np", got {output_type!r}')
        if not 0 <= truncation <= 1:
            raise ValueError(f"truncation must be in [0, 1], got {truncation}")
        parts = keyed(
            captions,
            num_images_per_prompt=num_images_per_prompt,
            seed=seed,
            indices=indices,
            batch_size=batch_size,
        )
        for caption in dict.fromkeys(caption for part in parts for caption, _ in part):
            _check(caption)
        images = np.concatenate([self._draw(part, truncation) for part in parts])
        return ExportedOutput(_converted(images, output_type))

    def _draw(self, wanted: list[tuple[str, Key]], truncation: float) -> np.ndarray:
        """B captions, each with the key of its noise -> (B, C, H, W) in [-1, 1]."""
        token_ids, mask = self._read([caption for caption, _ in wanted])
        noise = keyed_normal([key for _, key in wanted], self.info.noise_shape)
        images = self._session(token_ids, mask, np.float32(truncation) * noise)
        shape = len(wanted), self.info.channels, self.info.image_size, self.info.image_size
        if images.shape != shape or images.dtype != np.float32:
            got = f"{images.dtype} {images.shape}"
            raise ValueError(f"the graph must draw float32 {shape}, as export.json says, got {got}")
        return images


def _check_format(folder: Path, found: str, wanted: str) -> None:
    if found == wanted:
        return
    holds = f"{str(folder)!r} holds {GRAPHS[found]}"
    if found == "torch":
        danger = "whose loader runs any code that the file brings"
        raise ValueError(f'{holds}, {danger}: give format="torch" only if you trust who wrote it')
    raise ValueError(f'{holds}, which is opened by format="onnx", got format={wanted!r}')


def _check(caption: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in caption):
        raise ValueError(f"captions must be valid Unicode, got {caption!r:.80}")
    if found := first_weighted(caption):
        raise ValueError(f"an exported pipeline cannot weigh words, got {found!r}")


def _converted(images: np.ndarray, output_type: str) -> list[Image.Image] | np.ndarray:
    if not np.isfinite(images).all():
        bad = int((~np.isfinite(images)).any((1, 2, 3)).sum())
        raise FloatingPointError(
            f"{bad} of {len(images)} pictures hold values that are not finite numbers"
        )
    pictures = ((images.transpose(0, 2, 3, 1) + 1) / 2).clip(0, 1)  # (B, H, W, C)
    if output_type == "np":
        return pictures
    pixels = (255 * pictures).round().astype(np.uint8)
    return [Image.fromarray(p[..., 0] if p.shape[-1] == 1 else p) for p in pixels]
