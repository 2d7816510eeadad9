"""Base of the data sets: an endless stream of images keyed by position, and its loaders."""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
import torch
from lightning_fabric.utilities.seed import pl_worker_init_function
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from textgan.process.stop import leave_to_parent
from textgan.types import Batch

_SPLITS_OF_STAGE = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}
_FALLBACK = {"test": "val", "val": "train"}


def evenly(size: int, limit: int | None) -> list[int]:
    """At most `limit` indices, spread evenly over 0 to size - 1; None means all."""
    count = size if limit is None else min(limit, size)
    return [place * size // count for place in range(count)]


class StreamSampler(Sampler):
    """Batches of (position, index) pairs from an endless, shuffled stream over a data set.

    Position p of the stream is row `permutation(seed, p // size)[p % size]`: each row once per
    pass, and another order in each pass, independent of the batch size, the number of workers and
    the number of processes. A process of W takes its own block of each global batch. So the whole
    state of the loader is one number, the images seen.

    Args:
        size: rows of the data set.
        batch_size: images per process and step.
        seed: decides every order.
        start: images already seen over all processes (a multiple of batch_size * processes).
        rank, processes: which block of each global batch belongs to this process.
        order: returns the order of one pass, given a random generator: all rows, each once. None
            permutes them.
    """

    def __init__(
        self,
        size: int,
        *,
        batch_size: int,
        seed: int,
        start: int = 0,
        rank: int = 0,
        processes: int = 1,
        order: Callable[[np.random.Generator], np.ndarray] | None = None,
    ):
        self.order = order or (lambda generator: generator.permutation(size))
        self.size, self.batch_size, self.seed, self.start = size, batch_size, seed, start
        self.rank, self.processes = rank, processes

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, order = -1, None
        position = self.start + self.rank * self.batch_size
        while True:
            batch = []
            for p in range(position, position + self.batch_size):
                if p // self.size != epoch:
                    epoch = p // self.size
                    order = self.order(np.random.default_rng((self.seed, epoch)))
                batch.append((p, int(order[p % self.size])))
            yield batch
            position += self.batch_size * self.processes


class CaptionedImages(LightningDataModule):
    """Base of the data modules: a subclass builds the data sets, this class the loaders.

    A subclass implements `build(split)` for "train", "val" and "test", which returns a map-style
    data set with `__len__` whose `__getitems__` takes a list of (position, index) pairs and returns
    a `Batch`; and `captions(limit)`. Every random choice for a training image must follow from
    (seed, position) alone; a val or test image depends on the index alone.

    Args:
        batch_size: images per process and step.
        num_workers: loader processes; 0 loads in the training process.
        seed: decides the order and every random choice.
    """

    def __init__(self, *, batch_size: int, num_workers: int = 0, seed: int = 0):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size, self.num_workers, self.seed = batch_size, num_workers, seed
        self.images_seen = 0
        self.keeps_features = False  # whether training batches have features in place of pixels
        self._datasets: dict[str, Dataset] = {}

    @abstractmethod
    def build(self, split: str) -> Dataset:
        """The data set of a split ("train", "val" or "test")."""

    @abstractmethod
    def captions(self, limit: int) -> list[str]:
        """At most `limit` training captions, on which a tokenizer is fitted."""

    def keep_features(self, compute: Callable[[Tensor], Tensor], network: str) -> bool:
        """Compute the features of the training images once, and train on them from now on.

        `Batch.images` of training batches then holds features in the place of pixels. Evaluations
        keep the pixels.

        Args:
            compute: images (B, C, H, W) in [-1, 1] -> their features (B, ...).
            network: names everything that decides the features besides the pixels.

        Returns:
            False, and changes nothing, where the number of different training images is not
            limited, or too large for the memory.
        """
        return False

    def setup(self, stage: str | None = None) -> None:
        """Build the data sets of a stage, before the trainer shows a progress bar."""
        for split in _SPLITS_OF_STAGE.get(stage, ()):
            self.dataset(split)

    def dataset(self, split: str) -> Dataset:
        """The data set of a split, built once."""
        if split not in self._datasets:
            self._datasets[split] = self.build(split)
        return self._datasets[split]

    def train_dataloader(self) -> DataLoader:
        """An endless loader that continues after the first `images_seen` images."""
        rank, processes = self.rank_and_processes
        sampler = StreamSampler(
            len(self.dataset("train")),
            batch_size=self.batch_size,
            seed=self.seed,
            start=self.images_seen,
            rank=rank,
            processes=processes,
            order=self.order,
        )
        return self._loader("train", sampler)

    def val_dataloader(self) -> DataLoader:
        """The val split in its own order, each image once over all processes."""
        return self._loader("val", self._in_order("val"))

    def test_dataloader(self) -> DataLoader:
        """The test split in its own order, each image once over all processes."""
        return self._loader("test", self._in_order("test"))

    def order(self, generator: np.random.Generator) -> np.ndarray:
        """The order of the training images in one pass, each once."""
        return generator.permutation(len(self.dataset("train")))

    def still_batches(self, split: str, *, limit: int | None = None) -> DataLoader:
        """A split in its own order, without random choices, each image once over all processes.

        Evaluations use it.

        Args:
            split: "train", "val" or "test".
            limit: at most so many images, spread evenly over the split; None means all.
        """
        return self._loader(split, self._in_order(split, limit), self.still(split))

    def each_process(self, split: str, *, limit: int) -> Iterator[Batch]:
        """Batches of a split without random choices, the same ones in every process.

        Args:
            split: "train", "val" or "test".
            limit: at most so many images, spread evenly over the split.
        """
        dataset, rows = self.still(split), evenly(len(self.dataset(split)), limit)
        for first in range(0, len(rows), self.batch_size):
            yield dataset.__getitems__([(r, r) for r in rows[first : first + self.batch_size]])

    def shown_split(self, split: str) -> str:
        """The split whose images are used for `split`: val for an empty test, train for both."""
        while split in _FALLBACK and not self.has(split):
            split = _FALLBACK[split]
        return split

    def has(self, split: str) -> bool:
        """Whether a split has images."""
        return True

    def still(self, split: str) -> Dataset:
        """The data set of a split without the random choices of training."""
        return self.dataset(split)

    def state_dict(self) -> dict[str, int]:
        """The position in the stream, which is all that a checkpoint keeps of the loader."""
        return {"images_seen": int(self.trainer.lightning_module.images_seen)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.images_seen = state["images_seen"]

    @property
    def rank_and_processes(self) -> tuple[int, int]:
        """The rank of this process and the number of processes; 0 and 1 without a trainer."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _in_order(self, split: str, limit: int | None = None) -> list[list[tuple[int, int]]]:
        rank, processes = self.rank_and_processes
        size = len(self.dataset(split))
        if size < processes:
            rule = f"the {split} split must have an image for each of {processes} processes"
            raise ValueError(f"{rule}, got {size}")
        own = [(row, row) for row in evenly(size, limit)[rank::processes]]
        return [own[i : i + self.batch_size] for i in range(0, len(own), self.batch_size)]

    def _loader(
        self, split: str, batches: Sampler | list, dataset: Dataset | None = None
    ) -> DataLoader:
        return DataLoader(
            dataset or self.dataset(split),
            batch_sampler=batches,
            num_workers=self.num_workers,
            collate_fn=_as_it_is,
            worker_init_fn=_begin_worker,
            persistent_workers=self.num_workers > 0 and isinstance(batches, StreamSampler),
            pin_memory=torch.cuda.is_available(),
        )


def _begin_worker(worker_id: int) -> None:
    leave_to_parent()
    if os.environ.get("PL_SEED_WORKERS") == "1":  # Lightning seeds workers only without a function
        pl_worker_init_function(worker_id)


def _as_it_is(batch: Batch) -> Batch:
    return batch
