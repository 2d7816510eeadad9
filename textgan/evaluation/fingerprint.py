"""A hash of the captions and pictures that an evaluation saw."""

import hashlib

import torch
import torchmetrics

from textgan.image import to_uint8
from textgan.types import Batch


class Fingerprint(torchmetrics.Metric):
    """Sums a hash of each captioned picture, so that neither order nor processes matter."""

    full_state_update = False

    def __init__(self):
        super().__init__()
        for name in ("total", "n"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, batch: Batch) -> None:
        """Take in the batch."""
        pixels = to_uint8(batch.images).cpu().contiguous()
        rows = zip(pixels, batch.captions, batch.index.tolist(), strict=True)
        for picture, caption, index in rows:
            digest = hashlib.blake2b(digest_size=8)
            digest.update(f"{index} {tuple(picture.shape)} {caption}\n".encode())
            digest.update(picture.numpy())
            # int64 sums wrap around, which is what is wanted
            self.total += int.from_bytes(digest.digest(), "little", signed=True)
        self.n += len(batch)

    def compute(self) -> tuple[str, int]:
        """The hash, 16 hexadecimal digits, and how many pictures it is of."""
        return f"{int(self.total) % 2**64:016x}", int(self.n)
