"""Arrays of bytes in the idx format of MNIST."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textgan.file.regular import open_regular

_UNSIGNED_BYTE = 0x08
_MOST = 2**30  # bytes unpacked; the largest of the kind, EMNIST, has half as many


def read_idx(path: Path, dimensions: int) -> Tensor:
    """The array of an idx file, uint8; one whose name ends with .gz is unpacked.

    The file begins with a magic number, 2048 + dimensions for an array of bytes, and the length of
    each dimension, all big-endian 32-bit integers (LeCun et al., the MNIST database, 1998).

    Args:
        path: the file.
        dimensions: of the array: 1 for labels, 3 for images.

    Raises:
        OSError: it is not a regular file.
        ValueError: the file holds something else, less or more, cannot be unpacked, or has more
            than 1 GiB unpacked.
    """
    content = _content(path)
    header = struct.Struct(f">{1 + dimensions}I")
    if len(content) < header.size:
        raise ValueError(
            f"{path} must begin with a header of {header.size} bytes, got {len(content)} in all"
        )
    magic, *shape = header.unpack_from(content)
    expected = (_UNSIGNED_BYTE << 8) + dimensions
    if magic != expected:
        raise ValueError(f"{path} must begin with the magic number {expected}, got {magic}")
    size = len(content) - header.size
    if size != math.prod(shape):
        lengths = " x ".join(map(str, shape))
        raise ValueError(f"{path} must hold {lengths} bytes after its header, got {size}")
    array = np.frombuffer(content, np.uint8, offset=header.size)
    return torch.from_numpy(array.reshape(shape).copy())  # a writable one


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as packed:
            unpacked = gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else packed
            content = unpacked.read(_MOST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} must be a whole gzip file: {error}") from error
    if len(content) > _MOST:
        raise ValueError(f"{path} must have at most {_MOST:,} bytes unpacked, and has more")
    return content
