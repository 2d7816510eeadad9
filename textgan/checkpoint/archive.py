"""Check the zip archive of a checkpoint before torch reads it.

`torch.save` writes a zip of uncompressed entries: a pickle, and the numbers of each storage.
"""

import re
import zipfile
from pathlib import Path
from typing import Any

from textgan.checkpoint.pickle import Interpreter

_PICKLE_BYTES = 8_000_000  # names, shapes and settings of about 40,000 tensors
_ENTRIES = 100_000
_ENTRY = re.compile(
    r"data\.pkl|byteorder|version|\.format_version|\.storage_alignment|\.data/serialization_id"
    r"|data/\d+",
    re.ASCII,
)
_END = b"PK\x05\x06"


def read_archive(path: Path) -> Any:
    """Read a file of `torch.save`, with a `StoredTensor` in the place of each tensor.

    Raises:
        ValueError: the file is not such a zip, or holds anything other than dicts, lists, plain
            values and tensors whose numbers are in the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(path, archive)
            sizes = {
                name.removeprefix("data/"): entry.file_size
                for name, entry in entries.items()
                if name.startswith("data/")
            }
            content = archive.read(entries["data.pkl"])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise ValueError(f"it is no zip written by torch: {error}") from error
    return Interpreter(content, sizes).run()


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by their name below the archive's top folder.

    Torch has its own zip reader, so everything that two readers could interpret differently is
    refused: bytes before the first entry, a name that occurs twice, a compressed entry.
    """
    with path.open("rb") as stream:
        beginning = stream.read(4)
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 22))
        end = stream.read(22)
    if beginning != b"PK\x03\x04" or end[:4] != _END:
        raise ValueError("it must begin with its first entry and end with the list of them")
    listed = archive.infolist()
    if not 0 < len(listed) <= _ENTRIES:
        raise ValueError(f"it must have at most {_ENTRIES:,} entries, got {len(listed):,}")
    offset = int.from_bytes(end[16:20], "little")
    if offset not in (archive.start_dir, 0xFFFFFFFF):
        raise ValueError("it must have nothing before its first entry")
    folder, found = f"{listed[0].filename.split('/')[0]}/", {}
    for entry in listed:
        name = entry.filename.removeprefix(folder)
        if not entry.filename.startswith(folder) or not _ENTRY.fullmatch(name) or name in found:
            raise ValueError(f"it must hold one data.pkl and storages, got {entry.filename!r:.80}")
        stored = entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1
        if not stored or entry.file_size != entry.compress_size:
            raise ValueError(f"its entries must not be compressed, got {name!r}")
        found[name] = entry
    if "data.pkl" not in found:
        raise ValueError("it has no data.pkl")
    if sum(entry.file_size for entry in listed) > size:
        raise ValueError("its entries must not overlap")
    if found["data.pkl"].file_size > _PICKLE_BYTES:
        raise ValueError(f"its data.pkl must have at most {_PICKLE_BYTES:,} bytes, got more")
    return found
