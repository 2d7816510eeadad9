"""Samples that come one after the other and cannot be asked for by row, as batches."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch.utils.data import IterableDataset, get_worker_info

from textgan.data.sample import Sample, UnusableSampleError, View
from textgan.image import from_uint8
from textgan.types import Batch

_DRAW = 1
_MAX_WARNINGS = 20


class SampleStream(IterableDataset):
    """Batches of a stream's samples; unusable ones are warned of, counted and passed over.

    Args:
        passes: number of a pass -> its rows, of which each process and worker gets its own.
        sample: row -> its sample; raises `UnusableSampleError`.
        view: how samples are shown.
        batch_size: samples per batch.
        rank, processes: which process this is, of how many.
        seed: keys what is drawn; None draws nothing, and there is one pass and a rest batch.
        start: samples that were seen before, which key the draws, too.
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
        shown: list[tuple] = []
        for count, (sample, pixels) in enumerate(self._samples(lane, lanes)):
            generator = None
            if self.seed is not None:
                generator = np.random.default_rng((self.seed, self.start, lane, count, _DRAW))
            square, caption = self.view.shown(pixels, sample.captions, generator)
            shown.append((square, caption, sample.captions, count * lanes + lane))
            if len(shown) == self.batch_size:
                yield _batch(shown)
                shown = []
        if shown:
            yield _batch(shown)

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
                except UnusableSampleError as error:
                    self._pass_over(str(error))
                    continue
                used += 1
                yield sample, pixels
            if self.seed is None:
                return
            if not used:
                raise ValueError("a whole pass over the stream had no image that can be used")
            number += 1

    def _pass_over(self, reason: str) -> None:
        self.skipped += 1
        if self.skipped <= _MAX_WARNINGS:
            rank_zero_warn(f"a sample of the stream is skipped: {reason}")


def _batch(shown: list[tuple]) -> Batch:
    pixels, captions, everything, index = zip(*shown, strict=True)
    return Batch(
        images=from_uint8(torch.stack(pixels)),  # (B, C, H, W)
        captions=list(captions),
        index=torch.tensor(index),
        all_captions=[list(texts) for texts in everything],
    )
