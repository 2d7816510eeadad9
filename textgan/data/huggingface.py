"""Captioned images of Hugging Face's `datasets` library: local sets, and sets of the hub."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_warn
from torch.utils.data import DataLoader

from textgan.data.base import CaptionedImages, evenly
from textgan.data.crop import Crop
from textgan.data.extra import require
from textgan.data.huggingface_rows import (
    HuggingFaceRows,
    choose_caption,
    choose_image,
    class_names,
)
from textgan.data.huggingface_sets import HuggingFaceSets
from textgan.data.huggingface_splits import HuggingFaceSplits
from textgan.data.sample import Sample, SampleSplit, View, summarise
from textgan.data.sample_stream import SampleStream
from textgan.data.skipping import UnusableSampleError
from textgan.data.split import check_shares
from textgan.image.file import MAX_MEGAPIXELS
from textgan.seed import seed_from
from textgan.types import Batch


class HuggingFace(CaptionedImages):
    """Captioned images of the `datasets` library (Lhoest et al. 2021).

    `path` is, as for `datasets.load_dataset`, one of these: a .parquet or .arrow file, or a folder
    of them, whose names contain the splits (train-00000-of-00002.parquet); a folder that
    `save_to_disk` has written; a folder of images as `imagefolder` reads them; or a set's name on
    the hub. Code that comes with a set is never run. Images lie in the set, or in the folder that
    was named.

    A set is read by row, so a resumed run continues exactly. With `streaming` it is read from start
    to end, without a download first; then a resumed run continues with other images, in another
    order, and no shares are taken for val and test.

    Args:
        path: the set.
        batch_size: images per process and step.
        name: which of several sets of this name on the hub.
        data_files: which files of the folder or set, such as "data/train-*.parquet".
        revision: branch, tag or commit on the hub.
        streaming: read the set as a stream.
        train_split, val_split, test_split: the set's names of these splits; None takes train, val
            (or validation, valid, dev) and test, and the only split for train.
        image_column: column of images; None takes the first of the library's type for them, or one
            named image or the like.
        caption_column: column of captions, each a string or a list of them, or the number of a
            class with a name; None takes captions, caption, texts, text or the like, else classes.
        image_size: side of the square that is made of each image.
        channels: 1 gray, 3 RGB, 4 RGBA.
        crop, flip, background, max_megapixels: see `Folder`.
        follow_links: whether images in a folder may be links.
        shuffle_buffer: number of a stream's rows that are shuffled at a time.
        val_share: share of the train rows that becomes val, where there is no such split; the same
            rows for every seed.
        test_share: the same for test.
        num_workers: loader processes.
        seed: decides the order and every random choice, but not the splits.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        batch_size: int,
        name: str | None = None,
        data_files: str | None = None,
        revision: str | None = None,
        streaming: bool = False,
        train_split: str | None = None,
        val_split: str | None = None,
        test_split: str | None = None,
        image_column: str | None = None,
        caption_column: str | None = None,
        image_size: int = 64,
        channels: int = 3,
        crop: str = "center",
        flip: bool = False,
        background: str = "white",
        max_megapixels: float = MAX_MEGAPIXELS,
        follow_links: bool = False,
        shuffle_buffer: int = 1000,
        val_share: float = 0.05,
        test_share: float = 0.0,
        num_workers: int = 0,
        seed: int = 0,
    ):
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        check_shares(val_share, test_share)
        if shuffle_buffer < 1:
            raise ValueError(f"shuffle_buffer must be at least 1, got {shuffle_buffer}")
        self.source = HuggingFaceSets(str(path), name, data_files, revision, streaming)
        names = {"train": train_split, "val": val_split, "test": test_split}
        self.splits = HuggingFaceSplits(self.source, names, {"val": val_share, "test": test_share})
        self.columns = image_column, caption_column
        self.view = View(Crop(image_size, channels, crop, background, max_megapixels), flip)
        self.follow_links, self.shuffle_buffer = follow_links, shuffle_buffer
        self._streams: list[SampleStream] = []

    @property
    def streaming(self) -> bool:
        """Whether the set is read as a stream."""
        return self.source.streaming

    def setup(self, stage: str | None = None) -> None:
        """Load the set, before the trainer shows a progress bar."""
        if self.streaming:
            _ = self.reader  # checks the columns
        else:
            super().setup(stage)

    def build(self, split: str) -> SampleSplit:
        """The data set of a split.

        Raises:
            FileNotFoundError: there is no such set.
            ValueError: it cannot be read, or has no such column or split.
        """
        if self.streaming:
            raise ValueError("a streamed set cannot be read by row")
        source = self._source(split)
        table, rows = self.splits.rows[source]
        return SampleSplit(
            rows,
            read=partial(_read, table, self.reader),
            name=partial(_name, self.source.path, source),
            view=self.view,
            seed=self.seed if split == "train" else None,
        )

    def still(self, split: str) -> SampleSplit:
        """The images with their first captions, the middle cropped and nothing mirrored."""
        return self.dataset(split).still()

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the train split, evenly over it; of a stream its first."""
        if self.streaming:
            rows = islice(self.splits.tables["train"], limit)
        else:
            table, own = self.splits.rows["train"]
            chosen = own[evenly(len(own), limit)].tolist()
            rows = table.select_columns([self.reader.caption]).select(chosen)
        found = []
        for row in rows:
            with suppress(UnusableSampleError):
                found.append(self.reader.captions(row)[0])
        return found

    def train_dataloader(self) -> DataLoader:
        """An endless loader that continues after `images_seen` images; a stream begins anew."""
        if not self.streaming:
            return super().train_dataloader()
        if self.images_seen:
            rank_zero_warn(
                "the set is streamed, so the resumed training continues with other images than "
                "without the interruption; data.streaming=false resumes exactly"
            )
        return self._stream("train", seed=self.seed)

    def val_dataloader(self) -> DataLoader:
        """The val split in its own order, each image once over all processes."""
        return self._stream("val") if self.streaming else super().val_dataloader()

    def test_dataloader(self) -> DataLoader:
        """The test split in its own order, each image once over all processes."""
        return self._stream("test") if self.streaming else super().test_dataloader()

    def still_batches(self, split: str, *, limit: int | None = None) -> DataLoader:
        """A split in its own order, without random choices; of a stream the first images."""
        if self.streaming:
            return self._stream(split, limit=limit)
        return super().still_batches(split, limit=limit)

    def each_process(self, split: str, *, limit: int) -> Iterator[Batch]:
        """As in the base; of a stream the first images."""
        if not self.streaming:
            yield from super().each_process(split, limit=limit)
            return
        table = self.splits.tables[self._source(split)]
        yield from self._batches_of(table, limit=limit)

    def has(self, split: str) -> bool:
        """Whether a split has rows."""
        return split in (self.splits.tables if self.streaming else self.splits.rows)

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(row, reason) of each row that was left out so far; of a stream their number."""
        counts = [int(stream.skipped) for stream in self._streams]
        found = [("a stream", f"{count:,} samples of it") for count in counts if count]
        return found + [item for split in self._datasets.values() for item in split.broken()]

    def summary(self) -> str:
        """The number of rows, the number of those left out, and the first three reasons."""
        if self.streaming:
            total = sum(int(stream.skipped) for stream in self._streams)
            return f"{total:,} samples of the stream were skipped."
        return summarise(sum(len(rows) for _, rows in self.splits.rows.values()), self.skipped)

    @cached_property
    def reader(self) -> HuggingFaceRows:
        """The columns of images and captions."""
        table = self.splits.tables["train"]
        features = table.features or {}
        columns = list(features) or list(next(iter(table), {}))
        caption = choose_caption(columns, features, self.columns[1])
        names = class_names(features.get(caption))
        if names is not None:
            rank_zero_warn(f"the captions are the {len(names):,} names of the column {caption}")
        image = choose_image(columns, features, self.columns[0])
        return HuggingFaceRows(image, caption, names, self.source.folder, self.follow_links)

    def _source(self, split: str) -> str:
        source = self.shown_split(split)
        if not self.has(source):
            raise ValueError(f"data.path {self.source.path!r} has no rows to train on")
        if source != split:
            rank_zero_warn(f"the set has no {split} split: the images of {source} are used")
        return source

    def _stream(
        self, split: str, *, seed: int | None = None, limit: int | None = None
    ) -> DataLoader:
        distributed = require("datasets.distributed", "huggingface")
        rank, processes = self.rank_and_processes
        table = self.splits.tables[self._source(split)]
        own = distributed.split_dataset_by_node(table, rank, processes)
        stream = self._batches_of(own, seed=seed, limit=limit, rank=rank, processes=processes)
        self._streams.append(stream)
        workers = min(self.num_workers, own.num_shards)  # further workers would get no rows
        return DataLoader(stream, batch_size=None, num_workers=workers)

    def _batches_of(
        self,
        table: Any,
        *,
        seed: int | None = None,
        limit: int | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> SampleStream:
        return SampleStream(
            partial(_pass, table, seed, self.images_seen, self.shuffle_buffer),
            sample=self.reader.sample,
            view=self.view,
            batch_size=self.batch_size,
            rank=rank,
            processes=processes,
            seed=seed,
            start=self.images_seen,
            limit=limit,
        )


def _pass(table: Any, seed: int | None, start: int, buffer: int, number: int) -> Any:
    """The rows of one pass over a stream, in another order each; in their own without a seed."""
    if seed is None:
        return table
    return table.shuffle(seed=seed_from(seed, start, number), buffer_size=buffer)


def _read(table: Any, reader: HuggingFaceRows, row: int) -> Sample:
    return reader.sample(table[row])


def _name(path: str, split: str, row: int) -> str:
    return f"{path}, {split} row {row}"
