"""Fashion-MNIST: gray images of ten kinds of clothes, captioned by kind."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from textgan.data.base import CaptionedImages
from textgan.data.class_captions import ClassCaptions, read_class_captions
from textgan.data.idx import read_idx
from textgan.file.home import expanded
from textgan.image import from_uint8
from textgan.seed import seed_from
from textgan.types import Batch

_SIDE, _PADDED = 28, 32
_CLASSES = "captions.jsonl"
_DRAW = 1  # sets the key of an image's draws apart from the (seed, epoch) of the stream's order


class FashionMNIST(CaptionedImages):
    """Fashion-MNIST (Xiao et al. 2017): what serves to classify by caption, as labels are known.

    The root holds train-images-idx3-ubyte and train-labels-idx1-ubyte, .gz or unpacked, and beside
    them or in its folder heldout the same of t10k, which are the test split and are read for it
    alone. captions.jsonl in the root has a row for each class: label (0, 1, ...), name, and
    captions. Any data of the same form will do, such as MNIST.

    In training one caption of the class is drawn at random, else the first is taken.

    Args:
        root: the folder.
        batch_size: images per process and step.
        image_size: pixels along a side, at least 16. The 28 x 28 images are padded with black to
            32 x 32, and where another size is asked for resized from there, bilinearly with
            antialiasing.
        channels: 1, or 3 equal ones.
        templates: captions with {} in the class name's place, such as "a photo of a {}", in the
            place of the file's; None takes the file's.
        val_size: how many of the training images are kept for val; which ones is the same for
            every seed.
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
        self._classes: ClassCaptions | None = None
        self._files: dict[str, tuple[Tensor, Tensor]] = {}

    @property
    def class_names(self) -> list[str]:
        """The name of each label, 0 first.

        Raises:
            FileNotFoundError, ValueError: see `build`.
        """
        return self._read_classes().names

    def labels(self, split: str) -> Tensor:
        """(n,) int64, the label of each image of a split: a batch's are `[batch.index]` of it."""
        return self.dataset(split).labels

    def setup(self, stage: str | None = None) -> None:
        """Read what the stage needs."""
        stages = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}
        for name in stages.get(stage, ()):
            self.dataset(name)

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
        return self._split(pixels, labels, seed=self.seed if split == "train" else None)

    def still(self, split: str) -> "FashionMNISTSplit":
        """The images with the first captions of their classes."""
        shown = self.dataset(split)
        return self._split(shown.pixels, shown.labels, seed=None)

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the classes, each once, spread evenly over them."""
        captions = [text for texts in self._read_classes().captions for text in texts]
        captions = list(dict.fromkeys(captions))
        count = min(limit, len(captions))
        return [captions[place * len(captions) // count] for place in range(count)]

    def _split(self, pixels: Tensor, labels: Tensor, *, seed: int | None) -> "FashionMNISTSplit":
        return FashionMNISTSplit(
            pixels,
            labels,
            self._read_classes().captions,
            image_size=self.image_size,
            channels=self.channels,
            seed=seed,
        )

    def _read_classes(self) -> ClassCaptions:
        if self._classes is None:
            self._classes = read_class_captions(self._find(_CLASSES), self.templates)
        return self._classes

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
            unknown = labels[labels >= len(self.class_names)]
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
        """The first of these files that is there."""
        paths = [self.root / name for name in names]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise FileNotFoundError(f"root must hold {names[0]}, and {str(self.root)!r} does not")
        return found


class FashionMNISTSplit(Dataset):
    """One split of `FashionMNIST`.

    Args:
        pixels: (n, 28, 28) uint8.
        labels: (n,) int64.
        captions: those of each class, by label.
        image_size: pixels along a side.
        channels: how many equal ones.
        seed: keys which caption is drawn, with the position; None takes the first.
    """

    def __init__(
        self,
        pixels: Tensor,
        labels: Tensor,
        captions: list[list[str]],
        *,
        image_size: int,
        channels: int,
        seed: int | None,
    ):
        self.pixels, self.labels, self.texts = pixels, labels, captions
        self.image_size, self.channels, self.seed = image_size, channels, seed

    def __len__(self) -> int:
        return len(self.labels)

    def __getitems__(self, pairs: list[tuple[int, int]]) -> Batch:
        """The images at (position, index) pairs, as one batch."""
        index = torch.tensor([index for _, index in pairs])
        texts = [self.texts[label] for label in self.labels[index].tolist()]
        return Batch(
            images=self._show(self.pixels[index]),
            captions=[self._draw(p, said) for (p, _), said in zip(pairs, texts, strict=True)],
            index=index,
            all_captions=[list(said) for said in texts],
        )

    def _draw(self, position: int, texts: list[str]) -> str:
        if self.seed is None:
            return texts[0]
        generator = np.random.default_rng((self.seed, position, _DRAW))
        return texts[generator.integers(len(texts))]

    def _show(self, pixels: Tensor) -> Tensor:
        margin = (_PADDED - _SIDE) // 2
        images = F.pad(from_uint8(pixels[:, None]), [margin] * 4, value=-1.0)  # (B, 1, 32, 32)
        if self.image_size != _PADDED:
            size = (self.image_size, self.image_size)
            images = F.interpolate(images, size, mode="bilinear", antialias=True)
        return images.clamp(-1, 1).repeat(1, self.channels, 1, 1)  # (B, C, H, W)
