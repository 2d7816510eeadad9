"""The noise of `textgan.seed.keyed_randn`, computed by numpy without torch.

Torch's generator on a CPU is a Mersenne twister, seeded as numpy's legacy one, with the transform
of Box and Muller (1958). Fewer than 16 numbers are computed in pairs and double precision, more in
groups of 16 and single precision; the last 16 are drawn again if 16 does not divide their number.
"""

import hashlib
import math

import numpy as np

_AT_ONCE = 16


def keyed_normal(keys: list[tuple[int, ...]], shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal (len(keys), *shape) float32; row i depends on keys[i] alone."""
    size = math.prod(shape)
    rows = [_normal(_seed(key), size).reshape(shape) for key in keys]
    return np.stack(rows) if rows else np.empty((0, *shape), np.float32)


def _seed(key: tuple[int, ...]) -> int:
    """Return the lower 32 bits of `textgan.seed.seed_from`; torch's twister ignores the others."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 1) & 0xFFFFFFFF


def _normal(seed: int, size: int) -> np.ndarray:
    twister = np.random.RandomState(seed)
    if size < _AT_ONCE:
        return _pairs(twister, size)
    uniform, whole = _single(twister, size), size - size % _AT_ONCE
    found = np.concatenate([_sixteens(uniform[:whole]), uniform[whole:]])
    if whole < size:
        found[-_AT_ONCE:] = _sixteens(_single(twister, _AT_ONCE))
    return found


def _bits(twister: np.random.RandomState, number: int) -> np.ndarray:
    """Return outputs of 32 bits, as uint64."""
    return twister.randint(0, 2**32, number, dtype=np.uint32).astype(np.uint64)


def _single(twister: np.random.RandomState, number: int) -> np.ndarray:
    """Return numbers uniform in [0, 1), of 24 bits, float32."""
    fraction = _bits(twister, number) & np.uint64(2**24 - 1)
    return fraction.astype(np.float32) * np.float32(2**-24)


def _pairs(twister: np.random.RandomState, size: int) -> np.ndarray:
    bits = _bits(twister, 4 * -(-size // 2))
    fraction = ((bits[::2] << np.uint64(32)) | bits[1::2]) & np.uint64(2**53 - 1)
    angle, uniform = (fraction * 2.0**-53).reshape(-1, 2).T
    return _on_circle(np.sqrt(-2 * np.log1p(-uniform)), 2 * np.pi * angle)[:size].astype(np.float32)


def _sixteens(uniform: np.ndarray) -> np.ndarray:
    first, second = uniform.reshape(-1, 2, _AT_ONCE // 2).transpose(1, 0, 2)  # each (N / 16, 8)
    radius = np.sqrt(np.float32(-2) * np.log(np.float32(1) - first))
    return _on_circle(radius, np.float32(2 * np.pi) * second)


def _on_circle(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Return the cosines before the sines, in each row."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)
