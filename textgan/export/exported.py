"""Sampling from a folder of `export_pipeline`; without torch if the graph is ONNX."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from textgan.caption.prompt import parse
from textgan.caption.request import Key, keyed
from textgan.caption.tokens import checked
from textgan.export.files import GRAPHS, TOKENIZER, ExportInfo
from textgan.export.noise import keyed_normal
from textgan.export.session import open_session
from textgan.export.tokens import CaptionReader


@dataclass
class ExportedOutput:
    """images: k images for the first caption, then k for the second, and so on.

    A list of PIL images ("pil"), or an array (B * k, H, W, C) in [0, 1] ("np").
    """

    images: list[Image.Image] | np.ndarray


class ExportedPipeline:
    """Generates the images of the exported pipeline, to 1 of 255 if the weights are float32.

    The same seed gives the same image. Guidance and weights of words are not available.

    Args:
        folder: as written by `export_pipeline`.
        format: of the graph in the folder. "onnx" runs no code of its author. "torch" opens
            `model.pt2` by `torch.export.load`, which unpickles and so runs any code in the file:
            choose it only if you trust the author of the folder.
        threads: of onnxruntime; None means its own choice.

    Attributes:
        info: the content of the folder's `export.json`.

    Raises:
        FileNotFoundError, ValueError: a file is missing or not as `export_pipeline` writes it, the
            folder has another format, or an argument is out of range.
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
        """Generate images, as the pipeline does.

        Args:
            captions: one, or at least one.
            num_images_per_prompt: samples of each caption, each with a noise of its own.
            seed: determines the noise, with the caption's index and the sample's number.
            indices: for each caption a number that determines its noise; None means its place in
                the list.
            truncation: in [0, 1], factor of the noise.
            batch_size: number of images that are generated at a time.
            output_type: "pil" or "np".

        Raises:
            TypeError: a caption is no string.
            ValueError: a number is out of range, a word has a weight, or there is no caption.
            FloatingPointError: an image has values that are not finite.
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
        for caption in checked(dict.fromkeys(caption for part in parts for caption, _ in part)):
            _refuse_weights(caption)
        images = np.concatenate([self._sample(part, truncation) for part in parts])
        return ExportedOutput(_converted(images, output_type))

    def _sample(self, batch: list[tuple[str, Key]], truncation: float) -> np.ndarray:
        """B captions with the keys of their noise -> images (B, C, H, W) in [-1, 1]."""
        token_ids, mask = self._read([caption for caption, _ in batch])
        noise = keyed_normal([key for _, key in batch], self.info.noise_shape)
        images = self._session(token_ids, mask, np.float32(truncation) * noise)
        shape = len(batch), self.info.channels, self.info.image_size, self.info.image_size
        if images.shape != shape or images.dtype != np.float32:
            got = f"{images.dtype} {images.shape}"
            raise ValueError(f"the graph must return float32 {shape}, by export.json, got {got}")
        return images


def _check_format(folder: Path, found: str, wanted: str) -> None:
    if found == wanted:
        return
    holds = f"{str(folder)!r} holds {GRAPHS[found]}"
    if found == "torch":
        danger = "whose loader runs any code in the file"
        raise ValueError(f'{holds}, {danger}: give format="torch" only if you trust its author')
    raise ValueError(f'{holds}, which is opened by format="onnx", got format={wanted!r}')


def _refuse_weights(caption: str) -> None:
    prompt = parse(caption)
    if prompt.weights:
        start, end, weight = prompt.weights[0]
        found = f"{weight:g} for {prompt.text[start:end]!r:.80}"
        raise ValueError(f"an exported pipeline takes no weights of words, got {found}")


def _converted(images: np.ndarray, output_type: str) -> list[Image.Image] | np.ndarray:
    if not np.isfinite(images).all():
        bad = int((~np.isfinite(images)).any((1, 2, 3)).sum())
        raise FloatingPointError(f"{bad} of {len(images)} images have values that are not finite")
    unit = ((images.transpose(0, 2, 3, 1) + 1) / 2).clip(0, 1)  # (B, H, W, C)
    if output_type == "np":
        return unit
    pixels = (255 * unit).round().astype(np.uint8)
    return [Image.fromarray(p[..., 0] if p.shape[-1] == 1 else p) for p in pixels]
