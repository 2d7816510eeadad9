"""The samples of several tar files, as one sequence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from textgan.data.sample import Sample
from textgan.data.shard import read_shard
from textgan.data.shard_captions import ShardCaptions
from textgan.data.skipping import UnusableSampleError


class Shards:
    """Tar files whose headers were read: a row is a sample of one of them.

    Args:
        paths: of the files.
        texts: reads captions.
        most_bytes: the size limit of an image's file.

    Raises:
        OSError: a file cannot be read.
        ValueError: one is no tar file, or none has a sample.
    """

    def __init__(self, paths: Sequence[Path], texts: ShardCaptions, *, most_bytes: int):
        self.shards = [read_shard(path, most_bytes=most_bytes) for path in paths]
        self.texts = texts
        self.starts = np.cumsum([0, *map(len, self.shards)])  # row of each file's first sample
        if not len(self):
            more = "".join(f": {name}: {reason}" for name, reason in self.skipped[:1])
            files = ", ".join(map(str, paths[:2])) + (", ..." if len(paths) > 2 else "")
            raise ValueError(f"no captioned image is in {files or 'no tar files'}{more}")

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(name, reason) of what was left out when the headers were read."""
        return [item for shard in self.shards for item in shard.skipped]

    def read(self, row: int) -> Sample:
        """The sample of a row.

        Raises:
            UnusableSampleError: its captions cannot be read.
        """
        shard, sample = self._place(row)
        try:
            captions = self.texts.read(*self.shards[shard].captions(sample))
            return Sample(self.shards[shard].image(sample), captions)
        except OSError as error:
            raise UnusableSampleError(error.strerror or str(error)) from error

    def captions(self, row: int) -> tuple[str, ...]:
        """The captions of a row, () where they cannot be read."""
        shard, sample = self._place(row)
        try:
            return self.texts.read(*self.shards[shard].captions(sample))
        except (UnusableSampleError, OSError):
            return ()

    def name(self, row: int) -> str:
        """The tar file and the number in it, for messages."""
        shard, sample = self._place(row)
        return self.shards[shard].name(sample)

    def order(self, generator: np.random.Generator, buffer: int) -> np.ndarray:
        """The rows, each once: the files in random order, about `buffer` neighbours shuffled."""
        files = generator.permutation(len(self.shards))
        rows = [np.arange(self.starts[file], self.starts[file + 1]) for file in files]
        places = np.arange(len(self)) + generator.uniform(0, buffer, len(self))
        return np.concatenate(rows)[np.argsort(places, kind="stable")]

    def _place(self, row: int) -> tuple[int, int]:
        shard = int(np.searchsorted(self.starts, row, side="right")) - 1
        return shard, row - int(self.starts[shard])
