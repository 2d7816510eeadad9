"""Captioned images in tar files, in the WebDataset layout."""

from pathlib import Path

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from textgan.data.base import CaptionedImages, evenly
from textgan.data.crop import Crop
from textgan.data.sample import SampleSplit, View, summarise
from textgan.data.shard_captions import ShardCaptions
from textgan.data.shard_files import ShardFiles
from textgan.data.shards import Shards
from textgan.data.split import check_shares
from textgan.image.file import MAX_MEGAPIXELS, most_bytes


class WebDataset(CaptionedImages):
    """Captioned images in tar files (WebDataset's shards), which are not unpacked.

    Files of one name but for their suffix are a sample: an image, and its captions as .txt (each
    line that is not empty is one), .json (a string, a list, or an object with a caption) or .cls (a
    number, for which `class_names` has a name). The tar files are local and not compressed. Their
    headers are read at the start, so that each image can be read alone: with any number of
    processes and workers, each image is shown once per pass, and a resumed run continues exactly.

    In each pass the tar files have another order. Neighbours in a file are read at about the same
    time, which saves seeks on a disk.

    The split of a file is in its name or in that of its folder in `urls` (train-0000.tar,
    val/0000.tar), if any name contains train. Where none is val (or test), `val_share`
    (`test_share`) of the files are taken by a hash of their names. Without val files the validation
    uses the training images; without test files the test uses those of val.

    Args:
        urls: a folder of .tar files, a path, or a pattern such as "shards/train-{0000..0007}.tar";
            several of these with "::" between them.
        batch_size: images per process and step.
        val_urls, test_urls: the files of these splits; None takes them from `urls`.
        image_size: side of the square that is made of each image.
        channels: 1 gray, 3 RGB, 4 RGBA.
        crop, flip, background, max_megapixels: see `Folder`.
        caption_column: the entry of a .json that holds the captions; None takes caption, text or
            the like.
        class_names: the caption of each number of a .cls, 0 first.
        shuffle_buffer: number of neighbouring samples that are shuffled together in training.
        val_share: share of the files that becomes val, where none is named so: at least one, if
            there are two or more files, and none for 0.
        test_share: the same for test.
        follow_links: follow links in a folder of tar files; otherwise they are left out.
        num_workers: loader processes.
        seed: decides the order and every random choice, but not the splits.
    """

    def __init__(
        self,
        urls: str | Path,
        *,
        batch_size: int,
        val_urls: str | Path | None = None,
        test_urls: str | Path | None = None,
        image_size: int = 64,
        channels: int = 3,
        crop: str = "center",
        flip: bool = False,
        background: str = "white",
        max_megapixels: float = MAX_MEGAPIXELS,
        caption_column: str | None = None,
        class_names: list[str] | None = None,
        shuffle_buffer: int = 10_000,
        val_share: float = 0.05,
        test_share: float = 0.0,
        follow_links: bool = False,
        num_workers: int = 0,
        seed: int = 0,
    ):
        super().__init__(batch_size=batch_size, num_workers=num_workers, seed=seed)
        check_shares(val_share, test_share)
        if shuffle_buffer < 1:
            raise ValueError(f"shuffle_buffer must be at least 1, got {shuffle_buffer}")
        self.files = ShardFiles(urls, val_urls, test_urls, val_share, test_share, follow_links)
        self.view = View(Crop(image_size, channels, crop, background, max_megapixels), flip)
        self.texts = ShardCaptions(caption_column, class_names)
        self.shuffle_buffer, self.most_bytes = shuffle_buffer, most_bytes(max_megapixels)
        self._shards: dict[str, Shards] = {}

    def build(self, split: str) -> SampleSplit:
        """The data set of a split.

        Raises:
            FileNotFoundError: there is no such folder or file.
            ValueError: a file is no tar file, or none of them has a sample.
        """
        source = self.shown_split(split)
        if source != split:
            rank_zero_warn(f"there are no tar files of {split}: the samples of {source} are used")
        shards = self.shards(source)
        return SampleSplit(
            range(len(shards)),
            read=shards.read,
            name=shards.name,
            view=self.view,
            seed=self.seed if split == "train" else None,
        )

    def still(self, split: str) -> SampleSplit:
        """The samples with their first captions, the middle cropped and nothing mirrored."""
        return self.dataset(split).still()

    def order(self, generator: np.random.Generator) -> np.ndarray:
        """The order of one pass: the files in random order, and neighbours in them shuffled."""
        return self.shards("train").order(generator, self.shuffle_buffer)

    def captions(self, limit: int) -> list[str]:
        """The first captions of at most `limit` train images, spread evenly over the split."""
        shards = self.shards("train")
        found = map(shards.captions, evenly(len(shards), limit))
        return [captions[0] for captions in found if captions]

    def shards(self, split: str) -> Shards:
        """The tar files of a split; their headers are read at the first access."""
        if split not in self._shards:
            paths = self.files.of(split)
            self._shards[split] = Shards(paths, self.texts, most_bytes=self.most_bytes)
        return self._shards[split]

    def has(self, split: str) -> bool:
        """Whether a split has tar files."""
        return bool(self.files.of(split))

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """(name, reason) of each file, member and sample that was left out so far."""
        found = list(self.files.left_out)
        for split, shards in self._shards.items():
            found += shards.skipped
            if split in self._datasets:
                found += self._datasets[split].broken()
        return found

    def summary(self) -> str:
        """The number of samples, the number of those left out, and the first three reasons."""
        total = sum(len(shards) for shards in self._shards.values())
        return summarise(total, self.skipped)
