"""Arrays of bytes in the idx format of MNIST."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textgan.file.regular import open_regular

_MOST = 2**30  # bytes unpacked; the largest set in this format, EMNIST, has half as many


def read_idx(path: Path, dimensions: int) -> Tensor:
    """The array of an idx file, uint8; a file whose name ends with .gz is unpacked.

    The file begins with a magic number, 2048 + dimensions for an array of bytes, and the length of
    each dimension, all big-endian 32-bit integers (LeCun et al., the MNIST database, 1998).

    Args:
        path: the file.
        dimensions: number of dimensions of the array: 1 for labels, 3 for images.

    Raises:
        OSError: it is not a regular file.
        ValueError: the file holds something else, less or more, cannot be unpacked, or has more
            than 1 GiB unpacked.
    """
    content = _content(path)
    header = 4 * (1 + dimensions)
    if len(content) < header:
        raise ValueError(
            f"{path} must begin with a header of {header} bytes, got {len(content)} in all"
        )
    magic, *shape = np.frombuffer(content, ">u4", 1 + dimensions).tolist()
    if magic != 2048 + dimensions:
        rule = f"{path} must begin with the magic number {2048 + dimensions}"
        raise ValueError(f"{rule}, got {magic}")
    size = len(content) - header
    if size != math.prod(shape):
        lengths = " x ".join(map(str, shape))
        raise ValueError(f"{path} must hold {lengths} bytes after its header, got {size}")
    array = np.frombuffer(content, np.uint8, offset=header)
    return torch.from_numpy(array.reshape(shape).copy())  # the copy is writable


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
