"""Search and classification of images by text, without training for either task."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from textgan import __version__
from textgan.caption.text import check_caption
from textgan.image.file import MAX_MEGAPIXELS, check_max_megapixels
from textgan.image.folder import find_images, middle_square
from textgan.image_encoder.base import ImageEncoder
from textgan.pipeline.base import Pipeline
from textgan.pipeline.kept import KeptEncodings
from textgan.pipeline.squares import report_left_out, squares_of
from textgan.pretrained.frozen import weights_hash
from textgan.text_encoder.base import TextEncoder

_Items = TypeVar("_Items", Tensor, Sequence)


@dataclass(frozen=True)
class Match:
    """An image file, and the cosine of its encoding with the caption's, in [-1, 1]."""

    path: Path
    similarity: float


class ContrastivePipeline(Pipeline):
    """Images and captions in one space, as in CLIP (Radford et al. 2021).

    Args:
        image_encoder: encodes images.
        text_encoder: encodes captions; it has the same width.
        temperature: the divisor of cosines in `classify`.
        templates: the captions that `classify` makes of a label by default.
        ancestors: `weights_hash` of every network that the image encoder was trained from.
        aligned: the features that were trained to share one space: "pooled", "words" (with image
            regions) or both; None if unknown.

    Raises:
        ValueError: the widths differ, or the temperature is not positive.
    """

    abilities = frozenset({"compare", "rank"})

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

        A model that was trained against one of them must not be evaluated by this pipeline.
        """
        return frozenset({weights_hash(self.image_encoder), *self.ancestors})

    @torch.no_grad()
    def encode_images(self, images: Tensor | Sequence[Image.Image], batch_size: int = 64) -> Tensor:
        """Encode images -> (B, width) float32, of length 1.

        Args:
            images: (B, C, H, W) in [-1, 1] with the encoder's channels, which the encoder resizes;
                or B PIL images of any size and mode, whose middle square is resized and converted
                to the encoder's channels (`middle_square`).
            batch_size: images encoded at a time.
        """
        batches = _batches("images", images, batch_size)
        return torch.cat([_unit(self.image_encoder(self._pixels(b)).pooled) for b in batches])

    @torch.no_grad()
    def encode_texts(self, captions: str | Sequence[str], batch_size: int = 64) -> Tensor:
        """Encode B captions, `batch_size` at a time -> (B, width) float32, of length 1.

        Raises:
            ValueError: there is no caption, or one has more than 10,000 characters.
        """
        captions = [captions] if isinstance(captions, str) else list(captions)
        for caption in captions:
            check_caption(caption)
        batches = _batches("captions", captions, batch_size)
        return torch.cat([_unit(self.text_encoder(batch).pooled) for batch in batches])

    def similarity(
        self, images: Tensor | Sequence[Image.Image], captions: str | Sequence[str]
    ) -> Tensor:
        """The cosine of each of B images with each of C captions -> (B, C) in [-1, 1]."""
        return self.encode_images(images) @ self.encode_texts(captions).T

    def score(self, images: Tensor, caption: str) -> Tensor:
        """The cosine of each of B images (B, C, H, W) with a caption -> (B,).

        Raises:
            ValueError: the images have another number of channels than the encoder.
        """
        if images.shape[1] != self.image_encoder.channels:
            raise ValueError(
                f"images must have the {self.image_encoder.channels} channels of the contrastive "
                f"model, got {images.shape[1]}"
            )
        return self.similarity(images, caption)[:, 0]

    def classify(
        self,
        images: Tensor | Sequence[Image.Image],
        labels: Sequence[str],
        *,
        templates: Sequence[str] | None = None,
    ) -> Tensor:
        """Classify B images by L labels -> (B, L) probabilities.

        They are the softmax of cosines divided by the temperature. A label's encoding is the mean
        encoding of its captions, one for each template, scaled to length 1 (prompt ensembling,
        Radford et al. 2021, section 3.1.4).

        Args:
            images: as in `encode_images`.
            labels: all different.
            templates: captions with one "{}" each, which the label replaces; None takes the
                pipeline's own.

        Raises:
            ValueError: two labels are equal, one is empty, there are none, or a template does not
                have exactly one "{}".
        """
        texts = self.encode_labels(labels, templates=templates)
        return (self.encode_images(images) @ texts.T / self.temperature).softmax(1)

    @torch.no_grad()
    def encode_labels(
        self, labels: Sequence[str], *, templates: Sequence[str] | None = None
    ) -> Tensor:
        """Encode L labels, as in `classify` -> (L, width) float32, of length 1."""
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
        """Find the images below a folder that fit a caption best, best first.

        Hidden files and folders are ignored. One warning counts the images that were skipped:
        unreadable ones, links and files that are not regular. The encodings are kept in the user's
        cache folder ($TEXTGAN_CACHE), so that a second search reads only new and changed files.

        Args:
            folder: searched with all its sub-folders.
            caption: describes the images to find.
            top: the most images that are returned.
            batch_size: images read and encoded at a time.
            max_megapixels: an image of more million pixels is skipped before it is decoded.
            follow_links: whether links below the folder are followed; otherwise they are skipped.

        Raises:
            FileNotFoundError: the folder does not exist.
            ValueError: the folder has no image that can be read.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        check_max_megapixels(max_megapixels)
        text = self.encode_texts(caption, batch_size)  # (1, width)
        encodings = self._encode_below(folder, batch_size, max_megapixels, follow_links)
        cosines = (torch.stack([*encodings.values()]) @ text.cpu().T).flatten().tolist()
        matches = [Match(*pair) for pair in zip(encodings, cosines, strict=True)]
        return sorted(matches, key=lambda match: (-match.similarity, match.path))[:top]

    def _encode_below(
        self, folder: str | Path, batch_size: int, max_megapixels: float, follow_links: bool
    ) -> dict[Path, Tensor]:
        """The encoding (width,) of each readable image below a folder."""
        encoder, found = self.image_encoder, find_images(folder, follow_links=follow_links)
        network = f"{weights_hash(encoder)} {self.dtype} {max_megapixels} {__version__}"
        kept, left_out = KeptEncodings(folder, network), {**found.left_out}
        known = kept.of(found.files)
        encodings = dict(known)
        for files, pixels in squares_of(
            [file for file in found.files if file not in known],
            encoder.image_size,
            encoder.channels,
            batch_size=batch_size,
            max_megapixels=max_megapixels,
            left_out=left_out,
        ):
            encodings.update(zip(files, self.encode_images(pixels).cpu(), strict=True))
        report_left_out(left_out, len(found.files) + len(found.left_out), folder)
        if len(encodings) > len(known):
            kept.put(encodings)
        return encodings

    def _pixels(self, images: Tensor | Sequence[Image.Image]) -> Tensor:
        """Images (B, C, H, W) on the encoder's device, in the dtype of the weights."""
        if not isinstance(images, Tensor):
            size = self.image_encoder.image_size, self.image_encoder.channels
            images = torch.stack([middle_square(image, *size) for image in images])
        return images.to(self.device, self.dtype)


def _unit(encodings: Tensor) -> Tensor:
    return F.normalize(encodings.float(), dim=1)


def _batches(name: str, items: _Items, batch_size: int) -> list[_Items]:
    if len(items) < 1 or batch_size < 1:
        rule = f"{name} must hold at least one, and batch_size be at least 1"
        raise ValueError(f"{rule}, got {len(items)} and {batch_size}")
    return [items[i : i + batch_size] for i in range(0, len(items), batch_size)]


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
