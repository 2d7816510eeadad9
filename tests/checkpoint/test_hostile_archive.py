"""A file that only looks like a checkpoint is refused cheaply: zips and pickles of all kinds."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from textgan.checkpoint.archive import read_archive
from textgan.checkpoint.pickle import Interpreter
from textgan.checkpoint.reading import read_checkpoint, read_header
from textgan.file.arguments import upgraded_arguments
from textgan.file.renamed import renamed
from textgan.file.tensor import StoredTensor

STORED = Path(__file__).parents[1] / "fixtures" / "format_6" / "gan" / "last.ckpt"


class Calls:
    """Its pickle calls a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def archive(content: bytes, **entries: bytes) -> bytes:
    """A zip as torch writes it, with this pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr("archive/data.pkl", content)
        for name, numbers in entries.items():
            written.writestr(f"archive/data/{name.removeprefix('_')}", numbers)
    return file.getvalue()


def tensor(offset=0, size=(4,), stride=(1,), numbers=4, kind="FloatStorage", key="0") -> bytes:
    """The pickle of one tensor, written in opcodes."""

    def number(value: int) -> bytes:
        raw = pickle.encode_long(value)
        return b"\x8a" + bytes([len(raw)]) + raw

    def numbers_of(values: tuple) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = b"(X\x07\0\0\0storage" + f"ctorch\n{kind}\n".encode()
    storage += b"X" + struct.pack("<I", len(key)) + key.encode() + b"X\x03\0\0\0cpu"
    storage += number(numbers) + b"tQ"
    arguments = b"(" + storage + number(offset) + numbers_of(size) + numbers_of(stride)
    hooks = b"ccollections\nOrderedDict\n)R"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"\x89" + hooks + b"tR."


PICKLES = [
    (pickle.dumps(Calls(bytearray, 2**38), 2), "must not name '__builtin__.bytearray'"),
    (pickle.dumps(Calls(os.system, "touch PWNED"), 2), "must not name 'posix.system'"),
    (pickle.dumps(Calls(eval, "1"), 2), "must not name '__builtin__.eval'"),
    (pickle.dumps(Calls(getattr, "x", "upper"), 2), "must not name"),
    (pickle.dumps(torch.zeros, 2), "must not name"),
    (pickle.dumps([1], 4), "must not use the opcode FRAME"),
    (pickle.dumps({1, 2}, 2), "must not name '__builtin__.set'"),
    (pickle.dumps(2**3000, 2), "must not use the opcode LONG4"),
    (pickle.dumps(b"x" * 10, 4), "must not use the opcode"),
    (b"\x80\x02ccollections\nOrderedDict\n(]tR.", "call only functions that make tensors"),
    (b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\0\0\0xK\x01sb.", "no attribute but"),
    (b"\x80\x02ccollections\nOrderedDict\n.", "numbers, strings, lists and dicts"),
    (b"\x80\x02(.", "numbers, strings, lists and dicts"),
    (b"\x80\x02(q\x00.", "a mark is no value"),
    (b"\x80\x02Nr\xff\xff\xff\x7f.", "must not remember a value at 2,147,483,647"),
    (b"\x80\x02h\x05.", "its pickle is broken"),
    (b"\x80\x02s.", "its pickle is broken"),
    (b"\x80\x02t.", "its pickle is broken"),
    (b"\x80\x02\x86.", "its pickle is broken"),
    (b"\x80\x02Q.", "its pickle is broken"),
    (b"\x80\x02NQ.", "its pickle is broken"),
    (b"\x80\x02NNs.", "its pickle is broken"),
    (b"\x80\x02}NNs.", "strings and whole numbers as keys"),
    (b"\x80\x02N", ""),
    (b"\x80\x02N.N.", "must end where it stops"),
    (b"\x80\x02NN.", "must end where it stops"),
    (b"\x80\x02X\xff\xff\xff\x7fx.", ""),
    (b"", ""),
    (b"\xff\xff", ""),
    (b"\x80\x02]q\x00h\x00a.", "nested at most 32 deep"),
    (b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 60 + b"h\x00.", "end where it stops"),
    (b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x000" * 60 + b"h\x00.", "opcode POP"),
    (b"\x80\x02]q\x00" + b"(h\x00h\x00lq\x00" * 3 + b".", "opcode LIST"),
    (b"\x80\x02)" + b"q\x00h\x00\x86" * 60 + b".", "nested at most 32 deep"),
    (b"\x80\x02)" + b"q\x00h\x00h\x00h\x00h\x00h\x00h\x00\x87\x87\x87" * 20 + b".", "deep|values"),
    (b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 25 + b"(h\x00h\x00h\x00h\x00tQ.", "refer only"),
    (tensor(size=(2**38,)), "tensors must lie inside their storage"),
    (tensor(size=(2**20, 2**20), stride=(0, 0)), "tensors must lie inside their storage"),
    (tensor(offset=2**40), "tensors must lie inside their storage"),
    (tensor(size=(2,), stride=(2**40,)), "tensors must lie inside their storage"),
    (tensor(size=(-4,)), "sizes and strides of at least 0"),
    (tensor(size=(1,) * 17, stride=(1,) * 17), "at most 16 sizes"),
    (tensor(size=(2, 2), stride=(1,)), ""),
    (tensor(numbers=2**38), "as many numbers as it claims"),
    (tensor(kind="DoubleStorage"), "as many numbers as it claims"),
    (tensor(kind="UntypedStorage"), "must not name 'torch.UntypedStorage'"),
    (tensor(key="1"), "its pickle is broken"),
    (tensor(key="../../etc/passwd"), "its pickle is broken"),
]


@pytest.fixture
def refused(costs_little) -> Callable[[Path, str], str]:
    """Reading a file is one sentence, and takes little time and memory."""

    def check(path: Path, message: str) -> str:
        with costs_little(), pytest.raises((ValueError, FileNotFoundError)) as caught:
            read_checkpoint(path)
        text = str(caught.value)
        assert any(part in text for part in message.split("|")), text
        assert len(text.splitlines()) == 1
        assert len(text) < 1000
        return text

    return check


@pytest.mark.parametrize(
    ("content", "said"), PICKLES, ids=lambda v: v if isinstance(v, str) else str(v[:40])
)
def test_a_pickle_that_torch_would_not_write_is_refused(
    content, said, tmp_path, monkeypatch, refused
):
    monkeypatch.chdir(tmp_path)
    Path("x.ckpt").write_bytes(archive(content, _0=bytes(16)))
    refused(Path("x.ckpt"), said)
    assert [path.name for path in tmp_path.iterdir()] == ["x.ckpt"]


def test_a_tensor_that_is_whole_is_described(tmp_path):
    (tmp_path / "x.ckpt").write_bytes(archive(tensor(), _0=bytes(16)))
    assert read_archive(tmp_path / "x.ckpt") == StoredTensor((4,), torch.float32)
    assert Interpreter(tensor(size=(), stride=()), {"0": 16}).run() == StoredTensor(
        (), torch.float32
    )
    assert Interpreter(tensor(size=(0,), offset=4), {"0": 16}).run().numbers == 0


def test_what_torch_saves_is_described_as_torch_loads_it(tmp_path):
    content = {
        "numbers": [1, -1, 300, 2**40, -(2**70), 0.5, True, False, None, "é", (), (1,), (1, 2, 3)],
        "long": (*range(10),),
        **{
            str(kind): torch.zeros(2, 3, dtype=kind)
            for kind in (torch.float16, torch.bfloat16, torch.int8, torch.bool, torch.float64)
        },
        "part": torch.zeros(5, 6)[1:3, ::2],
        "turned": torch.zeros(5, 6).T,
        "state": torch.nn.Linear(3, 2).state_dict(),
        "empty": torch.empty(0),
    }
    torch.save(content, tmp_path / "x.ckpt")
    described, loaded = read_archive(tmp_path / "x.ckpt"), torch.load(tmp_path / "x.ckpt")

    def same(one: object, two: object) -> bool:
        if isinstance(one, StoredTensor):
            return (one.shape, one.dtype) == (tuple(two.shape), two.dtype)
        if isinstance(one, dict):
            return [*one] == [*two] and all(same(one[key], two[key]) for key in one)
        return type(one) is type(two) and one == two

    assert same(described, dict(loaded))


def test_the_stored_checkpoint_is_described_as_torch_loads_it():
    described, loaded = read_header(STORED), torch.load(STORED, weights_only=True)
    for key in ("frozen", "format_version"):
        assert described["textgan"][key] == loaded["textgan"][key]
    upgraded = upgraded_arguments(renamed(loaded["textgan"]["pipeline"]))
    assert described["textgan"]["pipeline"] == upgraded
    shapes = {name: tuple(value.shape) for name, value in loaded["state_dict"].items()}
    assert {name: value.shape for name, value in described["state_dict"].items()} == shapes


def rewritten(change=None, **options) -> bytes:
    """The stored checkpoint's entries in a zip by Python."""
    file = io.BytesIO()
    with zipfile.ZipFile(STORED) as stored, zipfile.ZipFile(file, "w", **options) as written:
        for entry in stored.infolist():
            written.writestr(entry.filename, stored.read(entry))
        if change is not None:
            change(written)
    return file.getvalue()


def test_the_stored_checkpoint_in_a_zip_by_another_program_is_read(tmp_path):
    (tmp_path / "x.ckpt").write_bytes(rewritten())
    assert read_checkpoint(tmp_path / "x.ckpt").keys() == read_checkpoint(STORED).keys()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: rewritten(compression=zipfile.ZIP_DEFLATED), "must not be compressed"),
        (lambda: rewritten(lambda z: z.writestr("archive/data.pkl", b"N.")), "one data.pkl"),
        (lambda: rewritten(lambda z: z.writestr("archive/DATA.PKL", b"N.")), "one data.pkl"),
        (lambda: rewritten(lambda z: z.writestr("archive/constants.pkl", b"N.")), "one data.pkl"),
        (lambda: rewritten(lambda z: z.writestr("archive/code/x.py", b"")), "one data.pkl"),
        (lambda: rewritten(lambda z: z.writestr("../x", b"")), "one data.pkl"),
        (lambda: b"#!/bin/sh\n" + STORED.read_bytes(), "begin with its first entry"),
        (lambda: STORED.read_bytes() + b"\0", "end with the list"),
        (lambda: STORED.read_bytes()[:5000], "is no zip"),
        (lambda: archive(b"\x80\x02" + b"]" * 8_000_001 + b"."), "at most 8,000,000 bytes"),
        (lambda: pickle.dumps({"state_dict": {}}), "is no zip"),
        (lambda: b"", "is no zip"),
        (lambda: b"hello\n", "is no zip"),
    ],
)
def test_a_zip_that_torch_would_not_write_is_refused(content, said, tmp_path, refused):
    (tmp_path / "x.ckpt").write_bytes(content())
    assert "is no checkpoint, or was cut short" in refused(tmp_path / "x.ckpt", said)


def test_a_bomb_of_zeros_is_not_unpacked(tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("archive/data.pkl", tensor(numbers=2**26, size=(2**26,)))
        written.writestr("archive/data/0", bytes(2**28))
    assert (tmp_path / "x.ckpt").stat().st_size < 10**6
    refused(tmp_path / "x.ckpt", "must not be compressed")


def test_an_entry_that_claims_more_than_the_file_has_is_refused(tmp_path, refused):
    content = bytearray(archive(tensor(numbers=2**28, size=(2**28,)), _0=bytes(16)))
    place = content.rindex(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", 2**30, 2**30)
    (tmp_path / "x.ckpt").write_bytes(content)
    refused(tmp_path / "x.ckpt", "must not overlap")


def test_entries_on_top_of_each_other_are_refused(tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as written:
        written.writestr("archive/data.pkl", tensor(numbers=2**16, size=(2**16,)))
        written.writestr("archive/data/0", bytes(2**18))
        for place in range(1, 50):
            entry = zipfile.ZipInfo(f"archive/data/{place}")
            first = written.filelist[1]
            entry.header_offset, entry.CRC = first.header_offset, first.CRC
            entry.file_size = entry.compress_size = first.file_size
            written.filelist.append(entry)
    refused(tmp_path / "x.ckpt", "must not overlap")


def test_what_is_no_file_is_not_opened(tmp_path, refused):
    os.mkfifo(tmp_path / "pipe.ckpt")
    (tmp_path / "zero.ckpt").symlink_to("/dev/zero")
    for name in ("pipe.ckpt", "zero.ckpt", "none.ckpt"):
        refused(tmp_path / name, "does not exist")
    refused(tmp_path, "is a folder")
    with (tmp_path / "sparse.ckpt").open("wb") as stream:
        stream.truncate(2**40)  # of zeros, without a block on the disk
    refused(tmp_path / "sparse.ckpt", "is no zip")
