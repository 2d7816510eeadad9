"""A file of captions alone, for `textgan predict`."""

from collections.abc import Iterator
from pathlib import Path

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from textgan.caption.text import check_caption, check_lines
from textgan.file.home import expanded
from textgan.types import Batch


class CaptionFile(LightningDataModule):
    """The captions of a text file, one per line; empty lines are skipped.

    Args:
        path: the file, UTF-8.
        batch_size: captions per batch and process.
    """

    def __init__(self, *, path: str | Path, batch_size: int = 64):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.path, self.batch_size = Path(expanded(path)), batch_size
        self.captions: list[str] = []

    def setup(self, stage: str) -> None:
        """Read the file.

        Raises:
            FileNotFoundError: it does not exist.
            ValueError: it is not UTF-8, holds no caption, or one of more than 10,000 characters.
        """
        if not self.path.is_file():
            rule = "is not a regular file" if self.path.exists() else "does not exist"
            raise FileNotFoundError(f"captions_file {str(self.path)!r} {rule}")
        self.captions = list(self._read())
        if not self.captions:
            raise ValueError(f"captions_file {str(self.path)!r} holds no caption")

    def _read(self) -> Iterator[str]:
        named = f"captions_file {str(self.path)!r}"
        check_lines(self.path)
        try:
            lines = self.path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{named} must be UTF-8 text: {error}") from error
        for number, line in enumerate(map(str.strip, lines), 1):
            check_caption(line, f"{named}, line {number}: a caption")
            if line:
                yield line

    def predict_dataloader(self) -> DataLoader:
        """Batches of captions without images: images (B, 0)."""
        rank = self.trainer.global_rank if self.trainer else 0
        processes = self.trainer.world_size if self.trainer else 1
        own = range(rank, len(self.captions), processes)
        return DataLoader(own, batch_size=self.batch_size, collate_fn=self._collate)

    def _collate(self, rows: list[int]) -> Batch:
        captions = [self.captions[row] for row in rows]
        return Batch(torch.empty(len(rows), 0), captions, torch.tensor(rows))
