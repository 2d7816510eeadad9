"""PNG files without their texts, which cost memory and hold no pixels."""

import io
from collections.abc import Iterator
from typing import BinaryIO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_SMALL = 1000  # bytes: deflate packs at most 1032 to 1, so these expand to at most about 1 MB
_MOST_CHUNKS = 1_000_000


def longest_text(file: BinaryIO) -> int:
    """The length in bytes of a PNG's longest text or colour profile, as stored in the file.

    It is 0 for any other file. The content of chunks is not read.

    Raises:
        ValueError: it has more than a million chunks.
    """
    return max((length for kind, _, length in _chunks(file) if kind in _TEXTS), default=0)


def without_texts(file: BinaryIO) -> BinaryIO:
    """A copy, in memory, of a PNG without the texts and colour profiles that may be large.

    Those of fewer than 1,000 bytes are kept, as they may hold the orientation and cannot expand to
    more than about 1 MB.

    Raises:
        ValueError: it has more than a million chunks.
    """
    copy = io.BytesIO()
    copy.write(_SIGNATURE)
    for kind, start, length in _chunks(file):
        if kind not in _TEXTS or length < _SMALL:
            file.seek(start)
            copy.write(file.read(12 + length))  # length, kind, content, checksum
    copy.seek(0)
    return copy


def may_expand(file: BinaryIO) -> bool:
    """Whether a PNG holds a text or a colour profile that may expand to more than 1 MB."""
    return longest_text(file) >= _SMALL


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(kind, position of its first byte, length of its content) of each chunk of a PNG."""
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    place = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        kind, length = head[4:], int.from_bytes(head[:4], "big")
        yield kind, place, length
        if kind == b"IEND":
            return
        place += 12 + length
    raise ValueError(f"it has more than {_MOST_CHUNKS:,} chunks")
