"""The images of a folder with their captions and splits."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from textgan.data.base import evenly
from textgan.data.captions import CaptionOptions
from textgan.data.census import introduce, summarise
from textgan.data.layout import Reading, read_folder
from textgan.data.split import Split, check_shares, split_rows


@dataclass(frozen=True)
class Content:
    """The content of a folder; the folder is read at the first access.

    Args:
        root: the folder.
        options: options for reading its captions.
        val_share: share of the train images, taken for val where no split is named val.
        test_share: the same for test.
        exclude: a file with names of images that are not trained on.
        follow_links: whether links below the root are followed; else they are left out.

    Raises:
        ValueError: the shares are negative, or together more than 1.
    """

    root: Path
    options: CaptionOptions
    val_share: float
    test_share: float
    exclude: Path | None
    follow_links: bool = False

    def __post_init__(self) -> None:
        check_shares(self.val_share, self.test_share)

    @cached_property
    def reading(self) -> Reading:
        """The images that the folder names."""
        return read_folder(self.root, self.options, follow_links=self.follow_links)

    @cached_property
    def split(self) -> Split:
        """The rows of each split."""
        return split_rows(
            self.reading.rows,
            root=self.root,
            val_share=self.val_share,
            test_share=self.test_share,
            exclude=self.exclude,
            follow_links=self.follow_links,
        )

    def captions(self, limit: int) -> list[str]:
        """At most `limit` captions of the train split, spread evenly over it."""
        captions = [caption for row in self.split.train for caption in row.captions]
        return [captions[place] for place in evenly(len(captions), limit)]

    def introduction(self) -> str:
        """Lines with the number of images, five captions, and what is not used."""
        return introduce(self.root, self.reading, self.split)

    def summary(self, skipped: list[tuple[str, str]]) -> str:
        """The number of skipped images with reasons, and of those that were not looked at."""
        return summarise(self.reading, self.split, skipped)
