import gzip

import numpy as np
import pytest
import torch

from textgan.data.idx import read_idx


@pytest.mark.parametrize("name", ["a", "a.gz"])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_an_array_is_read_back(tmp_path, name, shape, idx):
    array = np.arange(np.prod(shape)).reshape(shape) + 200
    read = read_idx(idx(tmp_path / name, array), len(shape))
    assert torch.equal(read, torch.from_numpy(array.astype(np.uint8)))
    assert read.dtype == torch.uint8


def test_the_header_is_big_endian(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 255]))
    assert read_idx(path, 1).tolist() == [7, 8, 255]


def test_another_magic_number_is_one_sentence(tmp_path, idx):
    path = idx(tmp_path / "a.gz", np.zeros(5))
    with pytest.raises(ValueError, match=r"a\.gz must begin with the magic number 2051, got 2049$"):
        read_idx(idx(path, np.zeros((1, 2, 2)), magic=2049), 3)
    path.write_bytes(gzip.compress(b"<html>"))
    with pytest.raises(ValueError, match="must begin with a header of 16 bytes, got 6 in all"):
        read_idx(path, 3)


def test_too_few_and_too_many_bytes_are_one_sentence(tmp_path, idx):
    path = idx(tmp_path / "a", np.zeros((2, 3, 4)))
    content = path.read_bytes()
    for changed, size in ((content[:-1], 23), (content + b"x", 25)):
        path.write_bytes(changed)
        match = f"a must hold 2 x 3 x 4 bytes after its header, got {size}"
        with pytest.raises(ValueError, match=match):
            read_idx(path, 3)


@pytest.mark.parametrize("damage", ["cut", "changed", "never packed"])
def test_a_damaged_gzip_file_is_one_sentence(tmp_path, damage, idx):
    path = idx(tmp_path / "a.gz", np.random.default_rng(0).integers(0, 256, 1000))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:500]
    elif damage == "changed":
        content[500:520] = bytes(20)
    else:
        content = b"no gzip"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.gz must be a whole gzip file: "):
        read_idx(path, 1)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, idx, monkeypatch):
    monkeypatch.setattr("textgan.data.idx._MOST", 1000)
    path = idx(tmp_path / "a.gz", np.zeros((2, 28, 28)))
    with pytest.raises(ValueError, match="at most 1,000 bytes unpacked"):
        read_idx(path, 3)
