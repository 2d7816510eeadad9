"""Procedural scenes of coloured shapes with their captions: endless, and without files."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from textgan.data.base import CaptionedImages
from textgan.scene import RELATIONS, Scene, caption
from textgan.scene.layout import place
from textgan.scene.render import render
from textgan.scene.sampling import SceneSampler, keys
from textgan.types import Batch

_STREAMS = {"train": 0, "val": 1, "test": 2}


class Shapes(CaptionedImages):
    """Scenes rendered on the fly: each training image is new, and some combinations are held out.

    Training image p is a function of (seed, p), val or test image i of (seed, split, i). In val and
    test, the scenes at even indices are made like the training ones, and those at odd indices
    contain exactly one held-out (colour, shape) pair.

    Args:
        image_size: pixels along a side, 16 to 256.
        min_objects, max_objects: number of objects in a scene, 1 to 4, each number equally often.
        colours, shapes, sizes, relations, backgrounds: the names in use; null means all of
            `textgan.scene` ("in front of" only where hard).
        hard: also rotated objects, stripes and dots, and "in front of"; for 64 pixels and more.
        spread: how far objects stray from the middle of the room that the caption leaves them: 1
            anywhere in it, 0 never.
        held_out: [colour, shape] pairs that never occur in training; null means
            `textgan.scene.HELD_OUT`, [] none.
        negatives: number of captions, each wrong by a single edit, that come with each image, at
            most 10, for the loss terms `mismatch`, `alignment_guidance` and contrastive ones. The
            discriminator uses only the first of them.
        train_size: number of images in an epoch; later epochs have new scenes.
        val_size, test_size: number of scenes in these splits.
        batch_size, num_workers, seed: see `CaptionedImages`.

    Raises:
        ValueError: an unknown name, or a choice that leaves no possible scene.
    """

    def __init__(
        self,
        *,
        image_size: int = 32,
        min_objects: int = 1,
        max_objects: int = 2,
        colours: list[str] | None = None,
        shapes: list[str] | None = None,
        sizes: list[str] | None = None,
        relations: list[str] | None = None,
        backgrounds: list[str] | None = None,
        hard: bool = False,
        spread: float = 1.0,
        held_out: list[list[str]] | None = None,
        negatives: int = 0,
        train_size: int = 100_000,
        val_size: int = 256,
        test_size: int = 2_000,
        batch_size: int = 32,
        num_workers: int = 0,
        seed: int = 0,
    ):
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        if not 16 <= image_size <= 256:
            raise ValueError(f"image_size must be from 16 to 256, got {image_size}")
        for name, size in (("train", train_size), ("val", val_size), ("test", test_size)):
            if size < 1:
                raise ValueError(f"{name}_size must be at least 1, got {size}")
        if relations is None and not hard:
            relations = [name for name in RELATIONS if name != "in front of"]
        if relations is not None and not hard and "in front of" in relations:
            raise ValueError(
                f"relations must not name 'in front of' unless hard is true, got {relations}"
            )
        if not 0 <= negatives <= 10:
            raise ValueError(f"negatives must be from 0 to 10, got {negatives}")
        if not 0 <= spread <= 1:
            raise ValueError(f"spread must be from 0 to 1, got {spread}")
        self.sampler = SceneSampler(
            colours=colours,
            shapes=shapes,
            sizes=sizes,
            textures=None if hard else ["plain"],
            relations=relations,
            backgrounds=backgrounds,
            held_out=held_out,
            min_objects=min_objects,
            max_objects=max_objects,
        )
        self.image_size, self.hard, self.spread = image_size, hard, spread
        self.negatives = negatives
        self.lengths = {"train": train_size, "val": val_size, "test": test_size}

    def build(self, split: str) -> "ShapesSplit":
        return ShapesSplit(
            self.sampler,
            split,
            size=self.lengths[split],
            image_size=self.image_size,
            rotate=self.hard,
            spread=self.spread,
            negatives=self.negatives,
            seed=self.seed,
        )

    def captions(self, limit: int) -> list[str]:
        """The captions of the first `limit` training images."""
        return [caption(scene) for scene in self.dataset("train").scenes(range(limit))]


class ShapesSplit(Dataset):
    """One split of `Shapes`; it renders a whole batch at once.

    Args:
        sampler: samples the scenes.
        split: "train", "val" or "test".
        size: its length; that of "train" is only the length of an epoch.
        image_size: pixels along a side.
        rotate: whether objects are rotated.
        spread: see `Shapes`.
        negatives: number of wrong captions for each image.
        seed: decides every scene.
    """

    def __init__(
        self,
        sampler: SceneSampler,
        split: str,
        *,
        size: int,
        image_size: int,
        rotate: bool,
        spread: float,
        negatives: int,
        seed: int,
    ):
        self.sampler, self.split, self.size, self.seed = sampler, split, size, seed
        self.image_size, self.rotate, self.spread = image_size, rotate, spread
        self.negatives = negatives

    def __len__(self) -> int:
        return self.size

    def scenes(self, places: Sequence[int]) -> list[Scene]:
        """The scenes at these positions of the stream (train) or indices (val, test)."""
        held_out = self.split != "train" and bool(self.sampler.held_out)
        odd = np.asarray(places) % 2 == 1
        return self.sampler.sample(self._keys(places), odd & held_out)

    def __getitems__(self, pairs: Sequence[tuple[int, int]]) -> Batch:
        """The images at (position, index) pairs, as one batch."""
        places = [position if self.split == "train" else index for position, index in pairs]
        key, scenes = self._keys(places), self.scenes(places)
        layout = place(scenes, key, rotate=self.rotate, spread=self.spread)
        return Batch(
            images=render(scenes, layout, self.image_size),
            captions=[caption(scene) for scene in scenes],
            index=torch.tensor([index for _, index in pairs]),
            negatives=[
                caption(scene)
                for which in range(self.negatives)
                for scene in self.sampler.negatives(scenes, key, which)
            ]
            or None,
        )

    def _keys(self, places: Sequence[int]) -> np.ndarray:
        return keys(self.seed, _STREAMS[self.split], places)
