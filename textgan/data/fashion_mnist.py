"""Fashion-MNIST: gray images of ten kinds of clothes, captioned by kind."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from textgan.data.base import CaptionedImages, evenly
from textgan.data.class_captions import ClassCaptions, read_class_captions
from textgan.data.idx import read_idx
from textgan.data.sample import keyed
from textgan.file.home import expanded
from textgan.image import from_uint8
from textgan.seed import seed_from
from textgan.types import Batch

_SIDE, _PADDED = 28, 32
_CLASSES = "captions.jsonl"


class FashionMNIST(CaptionedImages):
    """Fashion-MNIST (Xiao et al. 2017); its labels make classification by caption measurable.

    The root holds train-images-idx3-ubyte and train-labels-idx1-ubyte, .gz or unpacked, and beside
    them or in its folder heldout the same of t10k, which are the test split and are read for it
    alone. captions.jsonl in the root has a row for each class: label (0, 1, ...), name, and
    captions. Any data of the same form will do, such as MNIST.

    In training one caption of the class is drawn at random, else the first is taken.

    Args:
        root: the folder.
        batch_size: images per process and step.
        image_size: pixels along a side, at least 16. The 28 x 28 images are padded with black to
            32 x 32, and resized from there to any other size, bilinearly with antialiasing.
        channels: 1, or 3 equal ones.
        templates: captions with {} in the place of the class name, such as "a photo of a {}",
            instead of the file's; None takes the file's.
        val_size: number of training images that are kept for val, the same ones for every seed.
        num_workers: loader processes.
        seed: decides the order and every random choice, but not the splits.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        batch_size: int,
        image_size: int = 32,
        channels: int = 1,
        templates: list[str] | None = None,
        val_size: int = 1000,
        num_workers: int = 0,
        seed: int = 0,
    ):
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        if image_size < 16:
            raise ValueError(f"image_size must be at least 16, got {image_size}")
        if channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {channels}")
        if templates is not None and (not templates or any("{}" not in t for t in templates)):
            raise ValueError(f"templates must each hold {{}} for the class's name, got {templates}")
        if val_size < 1:
            raise ValueError(f"val_size must be at least 1, got {val_size}")
        self.root = Path(expanded(root))
        self.image_size, self.channels, self.val_size = image_size, channels, val_size
        self.templates = templates
        self._files: dict[str, tuple[Tensor, Tensor]] = {}

    @property
    def class_names(self) -> list[str]:
        """The name of each label, 0 first.

        Raises:
            FileNotFoundError, ValueError: see `build`.
        """
        return [found.name for found in self._classes]

    def labels(self, split: str) -> Tensor:
        """(n,) int64, the label of each image of a split: a batch's are `[batch.index]` of it."""
        return self.dataset(split).labels

    def build(self, split: str) -> "FashionMNISTSplit":
        """The data set of a split.

        Raises:
            FileNotFoundError: a file of the split, or captions.jsonl, is missing.
            ValueError: a file breaks a rule, or `val_size` leaves nothing to train on.
        """
        pixels, labels = self._read("t10k" if split == "test" else "train")
        if split != "test":
            if self.val_size >= len(pixels):
                rule = f"val_size must be less than the {len(pixels):,} training images"
                raise ValueError(f"{rule}, got {self.val_size}")
            order = np.random.default_rng(seed_from("fashion_mnist")).permutation(len(pixels))
            start = len(pixels) - self.val_size
            rows = torch.from_numpy(order[start:] if split == "val" else order[:start])
            pixels, labels = pixels[rows], labels[rows]
        captions = [found.captions for found in self._classes]
        seed = self.seed if split == "train" else None
        return FashionMNISTSplit(pixels, labels, captions, self.image_size, self.channels, seed)

    def still(self, split: str) -> "FashionMNISTSplit":
        """The images with the first captions of their classes."""
        return replace(self.dataset(split), seed=None)

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the classes, each once, spread evenly over them."""
        texts = list(dict.fromkeys(text for found in self._classes for text in found.captions))
        return [texts[place] for place in evenly(len(texts), limit)]

    @cached_property
    def _classes(self) -> list[ClassCaptions]:
        return read_class_captions(self._find(_CLASSES), self.templates)

    def _read(self, part: str) -> tuple[Tensor, Tensor]:
        """The images (n, 28, 28) uint8 and labels (n,) int64 of "train" or "t10k", read once."""
        if part not in self._files:
            paths = [self._find_part(f"{part}-{of}") for of in ("images-idx3", "labels-idx1")]
            pixels, labels = read_idx(paths[0], 3), read_idx(paths[1], 1).long()
            if pixels.shape[1:] != (_SIDE, _SIDE):
                sides = " x ".join(map(str, pixels.shape[1:]))
                raise ValueError(f"{paths[0]} must hold images of 28 x 28, got {sides}")
            if len(pixels) != len(labels):
                raise ValueError(
                    f"{paths[1]} must hold a label for each of the {len(pixels)} images of "
                    f"{paths[0].name}, got {len(labels)}"
                )
            unknown = labels[labels >= len(self._classes)]
            if len(unknown):
                raise ValueError(
                    f"{self.root / _CLASSES} must have a row for each label, and has none for "
                    f"the {unknown[0]} of {paths[1].name}"
                )
            self._files[part] = pixels, labels
        return self._files[part]

    def _find_part(self, name: str) -> Path:
        folders = ("heldout/", "") if name.startswith("t10k") else ("",)
        return self._find(*(f"{f}{name}-ubyte{end}" for f in folders for end in (".gz", "")))

    def _find(self, *names: str) -> Path:
        """The first of these files that exists."""
        found = next((path for name in names if (path := self.root / name).is_file()), None)
        if found is None:
            raise FileNotFoundError(f"root must hold {names[0]}, and {str(self.root)!r} does not")
        return found


@dataclass(eq=False)
class FashionMNISTSplit(Dataset):
    """One split of `FashionMNIST`.

    Attributes:
        pixels: (n, 28, 28) uint8.
        labels: (n,) int64.
        texts: the captions of each class, by label.
        image_size: pixels along a side.
        channels: number of equal channels.
        seed: keys the choice of the caption, with the position; None takes the first.
    """

    pixels: Tensor
    labels: Tensor
    texts: list[list[str]]
    image_size: int
    channels: int
    seed: int | None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, pairs: list[tuple[int, int]]) -> Batch:
        """The images at (position, index) pairs, as one batch."""
        index = torch.tensor([index for _, index in pairs])
        texts = [self.texts[label] for label in self.labels[index].tolist()]
        return Batch(
            images=self._show(self.pixels[index]),
            captions=[self._choose(p, each) for (p, _), each in zip(pairs, texts, strict=True)],
            index=index,
            all_captions=[list(each) for each in texts],
        )

    def _choose(self, position: int, texts: list[str]) -> str:
        generator = keyed(self.seed, position)
        return texts[0 if generator is None else generator.integers(len(texts))]

    def _show(self, pixels: Tensor) -> Tensor:
        margin = (_PADDED - _SIDE) // 2
        images = F.pad(from_uint8(pixels[:, None]), [margin] * 4, value=-1.0)  # (B, 1, 32, 32)
        if self.image_size != _PADDED:
            size = (self.image_size, self.image_size)
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        return images.clamp(-1, 1).repeat(1, self.channels, 1, 1)  # (B, C, H, W)
