"""Hash of the captions and images of an evaluation."""

import hashlib

import torch
import torchmetrics

from textgan.image import to_uint8
from textgan.types import Batch


class Fingerprint(torchmetrics.Metric):
    """Sums a hash of each captioned image, so that neither order nor processes matter.

    Args:
        all_texts: whether an image's other captions and its wrong captions are hashed too.
    """

    full_state_update = False

    def __init__(self, *, all_texts: bool = False):
        super().__init__()
        self.all_texts = all_texts
        for name in ("total", "n"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, batch: Batch) -> None:
        """Add the batch."""
        pixels = to_uint8(batch.images).cpu().contiguous()
        rows = zip(pixels, batch.captions, batch.index.tolist(), strict=True)
        for row, (image, caption, index) in enumerate(rows):
            digest = hashlib.blake2b(digest_size=8)
            digest.update(f"{index} {tuple(image.shape)} {caption}\n".encode())
            if self.all_texts:
                others = (batch.all_captions or [[]] * len(batch))[row]
                wrong = (batch.negatives or [])[row :: len(batch)]
                digest.update(f"{others} {wrong}\n".encode())
            digest.update(image.numpy())
            # int64 sums wrap around, as intended.
            self.total += int.from_bytes(digest.digest(), "little", signed=True)
        self.n += len(batch)

    def compute(self) -> tuple[str, int]:
        """The hash, 16 hexadecimal digits, and the number of images."""
        return f"{int(self.total) % 2**64:016x}", int(self.n)
