"""Captioned images in tar files, as WebDataset has them."""

from pathlib import Path

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from textgan.data.base import CaptionedImages
from textgan.data.crop import Crop
from textgan.data.sample import SampleSplit, View, summarise
from textgan.data.shard_captions import ShardCaptions
from textgan.data.shard_files import ShardFiles, check_shares
from textgan.data.shards import Shards
from textgan.image.file import MAX_MEGAPIXELS, most_bytes


class WebDataset(CaptionedImages):
    """Captioned images in tar files (WebDataset's shards), which are not unpacked.

    Files of one name but for their suffix are a sample: an image, and its captions as .txt (each
    line that is not empty is one), .json (a string, a list, or an object with a caption) or .cls (a
    number, which `class_names` gives a name). The tar files are local and not packed. Their headers
    are read at the start, so that each image can be read alone: whatever the number of processes
    and workers, each image is shown once a pass, and a resumed run goes on exactly.

    In each pass the tar files have another order. What lies near each other in a file is read at
    about the same time, so that a disk need not jump.

    A file is of the split that its name or that of its folder in `urls` says (train-0000.tar,
    val/0000.tar), if any is of train. Where none is val (or test), `val_share` (`test_share`) of
    the files are taken by a hash of their names. Without val files validation looks at the training
    images, without test files the test looks at those of val.

    Args:
        urls: a folder of .tar files, a path, or a pattern such as "shards/train-{0000..0007}.tar";
            several of these with "::" between them.
        batch_size: images per process and step.
        val_urls, test_urls: the files of these splits; None takes them from `urls`.
        image_size: side of the square that is made of each image.
        channels: 1 gray, 3 RGB, 4 RGBA.
        crop, flip, background, max_megapixels: see `Folder`.
        caption_column: which entry of a .json holds the captions; None takes caption, text or the
            like.
        class_names: the caption of each number of a .cls, 0 first.
        shuffle_buffer: how many samples that lie near each other are mixed in training.
        val_share: share of the files that becomes val, where none is named so: one at least, if
            there are two or more files, and none for 0.
        test_share: the same for test.
        follow_links: whether links in a folder of tar files are followed; else they are left out.
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

    def setup(self, stage: str | None = None) -> None:
        """Read the headers of the tar files before any progress bar of the trainer's is up."""
        stages = {"fit": ("train", "val"), "validate": ("val",), "test": ("test",)}
        for name in stages.get(stage, ()):
            self.dataset(name)

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
        """The order of a pass: the files in another one, and neighbours in them mixed."""
        return self.shards("train").order(generator, self.shuffle_buffer)

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the train split, the first of images evenly over it."""
        shards = self.shards("train")
        count = min(limit, len(shards))
        found = (shards.captions(place * len(shards) // count) for place in range(count))
        return [captions[0] for captions in found if captions]

    def shards(self, split: str) -> Shards:
        """The tar files of a split, whose headers are read when first asked for."""
        if split not in self._shards:
            paths = self.files.of(split)
            self._shards[split] = Shards(paths, self.texts, most_bytes=self.most_bytes)
        return self._shards[split]

    def shown_split(self, split: str) -> str:
        """Val where there are no test files, train where there are none of either."""
        fallback = {"test": "val", "val": "train"}
        while split in fallback and not self.files.of(split):
            split = fallback[split]
        return split

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
        """How many samples there are, how many were left out, and why the first three were."""
        total = sum(len(shards) for shards in self._shards.values())
        return summarise(total, self.skipped)
