"""Batches of samples that come one after another and cannot be read by row."""

from collections.abc import Callable, Iterable, Iterator

import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch.utils.data import IterableDataset, get_worker_info

from textgan.data.sample import Sample, Shown, View, batch_of, keyed
from textgan.data.skipping import MAX_WARNINGS, UNUSABLE
from textgan.types import Batch


class SampleStream(IterableDataset):
    """Batches of a stream's samples; unusable ones are skipped with a warning, and counted.

    Args:
        passes: number of a pass -> its rows, of which each process and worker gets its own.
        sample: row -> its sample; raises `UnusableSampleError`.
        view: how samples are shown.
        batch_size: samples per batch.
        rank, processes: the rank of this process, and the number of processes.
        seed: keys the random choices. None means no random choice, one pass, and a last batch that
            may be smaller.
        start: samples that were seen before; it keys the random choices, too.
        limit: at most so many samples of one pass over all processes; None means all.
    """

    def __init__(
        self,
        passes: Callable[[int], Iterable[dict]],
        *,
        sample: Callable[[dict], Sample],
        view: View,
        batch_size: int,
        rank: int,
        processes: int,
        seed: int | None,
        start: int = 0,
        limit: int | None = None,
    ):
        self.passes, self.sample, self.view, self.batch_size = passes, sample, view, batch_size
        self.rank, self.processes = rank, processes
        self.seed, self.start, self.limit = seed, start, limit
        self.skipped = torch.zeros((), dtype=torch.int64).share_memory_()

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        lane, lanes = self.rank * workers + worker, self.processes * workers
        shown: list[Shown] = []
        for count, (sample, pixels) in enumerate(self._samples(lane, lanes)):
            generator = keyed(self.seed, self.start, lane, count)
            square, caption = self.view.show(pixels, sample.captions, generator)
            shown.append((square, caption, sample.captions, count * lanes + lane))
            if len(shown) == self.batch_size:
                yield batch_of(shown)
                shown = []
        if shown:
            yield batch_of(shown)

    def _samples(self, lane: int, lanes: int) -> Iterator[tuple[Sample, torch.Tensor]]:
        most = None if self.limit is None else len(range(lane, self.limit, lanes))
        number = 0
        while True:
            used = 0
            for row in self.passes(number):
                if used == most:
                    return
                try:
                    sample = self.sample(row)
                    pixels = self.view.decode(sample)
                except UNUSABLE as error:
                    self.skipped += 1
                    if self.skipped <= MAX_WARNINGS:
                        rank_zero_warn(f"a sample of the stream is skipped: {error}")
                    continue
                used += 1
                yield sample, pixels
            if self.seed is None:
                return
            if not used:
                raise ValueError("a whole pass over the stream had no image that can be used")
            number += 1
