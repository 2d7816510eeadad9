"""Positions of the samples in a tar file, by WebDataset's naming, without unpacking the file."""

import errno
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from textgan.caption.text import MAX_LINE
from textgan.data.extra import require
from textgan.file.regular import open_regular
from textgan.image.file import IMAGE_SUFFIXES

CAPTION_SUFFIXES = ("txt", "json", "cls")
_PICTURES = tuple(suffix.lstrip(".") for suffix in IMAGE_SUFFIXES)
_HEADER = 1 << 20  # bytes that one header may have; tarfile has no limit of its own
# tarfile raises these errors on broken headers.
_BROKEN = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError)


@dataclass
class Shard:
    """A tar file and its samples.

    Attributes:
        path: of the file.
        spans: (n, 5) int64: a sample's image (first byte, length), captions (first byte, length)
            and the index of their suffix in `CAPTION_SUFFIXES`.
        skipped: (name, reason) of each member, sample or end of the file that is left out.
    """

    path: Path
    spans: np.ndarray
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.spans)

    def image(self, sample: int) -> bytes:
        """The content of a sample's image.

        Raises:
            OSError: the file cannot be read, or has become shorter.
        """
        return self._content(*self.spans[sample, :2].tolist())

    def captions(self, sample: int) -> tuple[bytes, str]:
        """The content of a sample's captions, and its suffix.

        Raises:
            OSError: the file cannot be read, or has become shorter.
        """
        start, length, kind = self.spans[sample, 2:].tolist()
        return self._content(start, length), CAPTION_SUFFIXES[kind]

    def name(self, sample: int) -> str:
        """The tar file and the number of a sample in it, for messages."""
        return f"{self.path}, sample {sample}"

    def _content(self, start: int, length: int) -> bytes:
        with open_regular(self.path) as file:
            file.seek(start)
            content = file.read(length)
        if len(content) < length:
            raise OSError(errno.EIO, "the tar file has become shorter")
        return content


def read_shard(path: Path, *, most_bytes: int) -> Shard:
    """The samples of a tar file that is not compressed.

    Members with the same name up to its first dot are a sample. It is used if it has an image, and
    captions as .txt, .json or .cls. Links, devices, absolute names and names with ".." are left
    out. Only headers are read.

    Args:
        path: of the file.
        most_bytes: the size limit of an image.

    Raises:
        OSError: it cannot be read, or is not a regular file.
        ValueError: it is no tar file, or a compressed one.
    """
    require("webdataset", "webdataset")
    from webdataset.tariterators import group_by_keys

    skipped: list[tuple[str, str]] = []

    def keep_first(error: Exception) -> bool:
        skipped.append((str(path), str(error.args[0])))
        return True

    with open_regular(path) as file:
        members = _members(file, path, most_bytes, skipped)
        spans = []
        for sample in group_by_keys(members, handler=keep_first):
            span = _span(sample)
            if isinstance(span, str):
                skipped.append((f"{path}: {sample['__key__']}", span))
            else:
                spans.append(span)
    return Shard(path, np.array(spans, np.int64).reshape(-1, 5), skipped)


def _members(
    file: BinaryIO, path: Path, most_bytes: int, skipped: list[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """Name and (first byte, length) of each usable member, in the form for `group_by_keys`."""
    try:
        tar = tarfile.open(fileobj=_Headers(file), mode="r:")  # noqa: SIM115 - it owns no file
    except _BROKEN as error:
        raise ValueError(
            f"{path} must be a tar file that is not compressed (unpack a .tar.gz): {error}"
        ) from error
    place = -1
    while True:
        try:
            member = tar.next()
        except _BROKEN as error:
            skipped.append((str(path), f"it is broken from byte {max(place, 0):,} on: {error}"))
            return
        if member is None:
            return
        if member.offset <= place:  # a negative length would cause an endless loop
            skipped.append((str(path), f"it is broken from byte {place:,} on"))
            return
        place = member.offset
        tar.members.clear()  # tarfile would keep all members in memory
        suffix = PurePosixPath(member.name.lower()).name.partition(".")[2]
        reason = _reason(member, MAX_LINE if suffix in CAPTION_SUFFIXES else most_bytes)
        if member.isdir() or suffix not in (*_PICTURES, *CAPTION_SUFFIXES):
            continue
        if reason:
            skipped.append((f"{path}: {member.name[:200]}", reason))
        else:
            span = (member.offset_data, member.size)
            yield {"fname": member.name, "data": span, "__url__": str(path)}


def _reason(member: tarfile.TarInfo, most_bytes: int) -> str | None:
    """The reason why a member is not used, or None."""
    if not member.isreg() or member.issparse():
        return "it is no regular file"
    if member.name.startswith("/") or ".." in PurePosixPath(member.name).parts:
        return "its name leads out of a folder"
    if member.size > most_bytes:
        return f"it has {member.size:,} bytes, and may have {most_bytes:,}"
    return None


def _span(sample: dict[str, Any]) -> tuple[int, ...] | str:
    """A sample's row of `Shard.spans`, or the reason why it is not used."""
    image = next((sample[suffix] for suffix in _PICTURES if suffix in sample), None)
    kind = next((n for n, suffix in enumerate(CAPTION_SUFFIXES) if suffix in sample), None)
    if image is None:
        return "it has no image"
    if kind is None:
        return "it has no caption (.txt, .json or .cls)"
    return (*image, *sample[CAPTION_SUFFIXES[kind]], kind)


class _Headers:
    """A file from which tarfile may read headers, except those that would take much memory."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, length: int = -1) -> bytes:
        if not 0 <= length <= _HEADER:
            raise tarfile.ReadError(f"a header of {length:,} bytes")
        return self._file.read(length)
