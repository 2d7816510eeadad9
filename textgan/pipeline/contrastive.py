"""Which text fits which picture: search and classification, without training for either."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan.caption.text import check_caption
from textgan.image.file import MAX_MEGAPIXELS, check_max_megapixels
from textgan.image.folder import middle_square
from textgan.image_encoder.base import ImageEncoder
from textgan.pipeline.base import Pipeline
from textgan.pipeline.squares import squares_below
from textgan.pretrained.frozen import weights_hash
from textgan.text_encoder.base import TextEncoder


@dataclass(frozen=True)
class Match:
    """A picture file, and the cosine of its encoding with the caption's, in [-1, 1]."""

    path: Path
    similarity: float


class ContrastivePipeline(Pipeline):
    """Pictures and captions in one space, where what fits lies close (Radford et al. 2021).

    Args:
        image_encoder: reads pictures.
        text_encoder: reads captions; as wide.
        temperature: what `classify` divides cosines by.
        templates: what `classify` makes of labels, unless told otherwise.
        ancestors: `weights_hash` of every net that the image encoder was trained from.
        aligned: which features training brought into one space: "pooled", "words" (with the
            regions) or both; None where that is not known.

    Raises:
        ValueError: the widths differ, or the temperature is not positive.
    """

    abilities = frozenset({"compare"})

    def __init__(
        self,
        image_encoder: ImageEncoder,
        text_encoder: TextEncoder,
        *,
        temperature: float = 0.1,
        templates: Sequence[str] = ("a photo of a {}",),
        ancestors: Sequence[str] = (),
        aligned: Sequence[str] | None = None,
    ):
        super().__init__()
        if image_encoder.width != text_encoder.width:
            widths = f"{image_encoder.width} and {text_encoder.width}"
            raise ValueError(f"image_encoder and text_encoder must have one width, got {widths}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature}")
        self.image_encoder, self.text_encoder = image_encoder, text_encoder
        self.temperature, self.ancestors = temperature, list(ancestors)
        self.templates = list(templates)

    @property
    def is_fitted(self) -> bool:
        return self.text_encoder.is_fitted

    def lineage(self) -> frozenset[str]:
        """Hashes of the image encoder and of its ancestors.

        Who was trained to please one of them must not be judged by this pipeline.
        """
        return frozenset({weights_hash(self.image_encoder), *self.ancestors})

    @torch.no_grad()
    def encode_images(self, images: Tensor | Sequence[Image.Image], batch_size: int = 64) -> Tensor:
        """Pictures -> (B, width) float32, of length 1.

        Args:
            images: (B, C, H, W) in [-1, 1] with the encoder's channels, which the encoder resizes
                whole; or B PIL pictures of any size and mode, of which the middle square is
                resized to the encoder's, and gray, RGB or RGBA made its channels
                (`middle_square`).
            batch_size: pictures encoded at a time.
        """
        _check("images", len(images), batch_size)
        return torch.cat(
            [
                _unit(self.image_encoder(self._pixels(images[i : i + batch_size])).pooled)
                for i in range(0, len(images), batch_size)
            ]
        )

    @torch.no_grad()
    def encode_texts(self, captions: str | Sequence[str], batch_size: int = 64) -> Tensor:
        """B captions, `batch_size` at a time -> (B, width) float32, of length 1.

        Raises:
            ValueError: there is none, or one has more than 10,000 characters.
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        for caption in captions:
            check_caption(caption)
        _check("captions", len(captions), batch_size)
        return torch.cat(
            [
                _unit(self.text_encoder(captions[i : i + batch_size]).pooled)
                for i in range(0, len(captions), batch_size)
            ]
        )

    def similarity(
        self, images: Tensor | Sequence[Image.Image], captions: str | Sequence[str]
    ) -> Tensor:
        """Cosine of each of B pictures with each of C captions -> (B, C) in [-1, 1]."""
        return self.encode_images(images) @ self.encode_texts(captions).T

    def classify(
        self,
        images: Tensor | Sequence[Image.Image],
        labels: Sequence[str],
        *,
        templates: Sequence[str] | None = None,
    ) -> Tensor:
        """Which of L labels names each of B pictures -> (B, L) probabilities.

        The softmax over cosines divided by the temperature. A label's encoding is the mean of those
        of its captions, one a template, brought to length 1 (prompt ensembling, Radford et al.
        2021, section 3.1.4).

        Args:
            images: as in `encode_images`.
            labels: all different.
            templates: captions with one "{}" each, where the label stands; None takes the
                pipeline's own.

        Raises:
            ValueError: labels are equal or empty, there are none, or a template has not one "{}".
        """
        texts = self.encode_labels(labels, templates=templates)
        return (self.encode_images(images) @ texts.T / self.temperature).softmax(1)

    @torch.no_grad()
    def encode_labels(
        self, labels: Sequence[str], *, templates: Sequence[str] | None = None
    ) -> Tensor:
        """L labels -> (L, width) float32, of length 1: see `classify`."""
        templates = self.templates if templates is None else templates
        _check_labels(labels, templates)
        texts = self.encode_texts(
            [template.replace("{}", label) for label in labels for template in templates]
        )
        texts = texts.unflatten(0, (len(labels), len(templates)))  # (L, templates, width)
        return _unit(texts.mean(1))  # (L, width)

    @torch.no_grad()
    def search(
        self,
        folder: str | Path,
        caption: str,
        *,
        top: int = 10,
        batch_size: int = 64,
        max_megapixels: float = MAX_MEGAPIXELS,
        follow_links: bool = False,
    ) -> list[Match]:
        """The pictures below a folder that fit a caption best, best first.

        Hidden files and folders are left out. One warning counts the pictures that cannot be read,
        links and what is no regular file among them.

        Args:
            folder: looked through with all its sub-folders.
            caption: what is searched for.
            top: how many are returned, where there are as many.
            batch_size: pictures read and encoded at a time.
            max_megapixels: a picture of more million pixels is left out before it is decoded.
            follow_links: whether links below the folder are followed; otherwise they are left out.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: it has no picture that can be read.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        check_max_megapixels(max_megapixels)
        text = self.encode_texts(caption, batch_size)  # (1, width)
        encoder, matches = self.image_encoder, []
        for files, pixels in squares_below(
            folder,
            encoder.image_size,
            encoder.channels,
            batch_size=batch_size,
            max_megapixels=max_megapixels,
            follow_links=follow_links,
        ):
            cosines = (self.encode_images(pixels) @ text.T).flatten().tolist()
            matches += map(Match, files, cosines)
        return sorted(matches, key=lambda match: (-match.similarity, match.path))[:top]

    def _pixels(self, images: Tensor | Sequence[Image.Image]) -> Tensor:
        """(B, C, H, W) on the encoder's device, in the weights' precision."""
        if not isinstance(images, Tensor):
            size = self.image_encoder.image_size, self.image_encoder.channels
            images = torch.stack([middle_square(image, *size) for image in images])
        return images.to(self.device, self.dtype)


def _unit(encodings: Tensor) -> Tensor:
    return F.normalize(encodings.float(), dim=1)


def _check(name: str, count: int, batch_size: int) -> None:
    if count < 1 or batch_size < 1:
        rule = f"{name} must hold at least one, and batch_size be at least 1"
        raise ValueError(f"{rule}, got {count} and {batch_size}")


def _check_labels(labels: Sequence[str], templates: Sequence[str]) -> None:
    if not labels or not all(labels) or len(set(labels)) < len(labels):
        raise ValueError(f"labels must be all different and none empty, got {list(labels)}")
    for label in labels:
        check_caption(label, "a label")
    if not templates:
        raise ValueError("templates must hold at least one, got none")
    for template in templates:
        if template.count("{}") != 1:
            raise ValueError(f'each template must hold exactly one "{{}}", got {template!r}')
