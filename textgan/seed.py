"""Random numbers keyed by their purpose, so that no random state needs to be saved."""

import hashlib

import torch
from torch import Tensor


def seed_from(*key: int | str) -> int:
    """A 63-bit seed that depends on every entry of the key, the same on every machine."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def stable_hash(text: str) -> int:
    """A 63-bit hash of a text, the same on every machine and in every process."""
    return seed_from(text)


def keyed_randn(keys: list[tuple[int, ...]], shape: tuple[int, ...]) -> Tensor:
    """Standard normal (len(keys), *shape) float32 on the CPU; row i depends on keys[i] alone."""
    generator = torch.Generator()
    rows = [torch.randn(shape, generator=generator.manual_seed(seed_from(*key))) for key in keys]
    return torch.stack(rows) if rows else torch.empty(0, *shape)
