import os
from types import SimpleNamespace

import pytest

from textgan.data.caption_file import CaptionFile


def drawn(path, rank=0, processes=1):
    data = CaptionFile(path=str(path), batch_size=2)
    data.trainer = SimpleNamespace(global_rank=rank, world_size=processes)
    data.setup("predict")
    batches = list(data.predict_dataloader())
    return [(n, c) for b in batches for n, c in zip(b.index.tolist(), b.captions, strict=True)]


def test_captions_are_numbered_and_empty_lines_skipped(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("\ufeffone\n\n  two \nthree", encoding="utf-8")
    assert drawn(path) == [(0, "one"), (1, "two"), (2, "three")]


def test_processes_share_them_out(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("a\nb\nc\nd\ne\n", encoding="utf-8")
    shares = drawn(path, 0, 2) + drawn(path, 1, 2)
    assert sorted(shares) == drawn(path)


def test_a_wrong_file_is_a_sentence(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        drawn(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match="holds no caption"):
        drawn(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match="must be UTF-8"):
        drawn(tmp_path / "latin.txt")


def test_a_caption_that_is_too_long_is_named_by_its_line(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text("one\n\n" + "x" * 10_001)
    with pytest.raises(ValueError, match="line 3: a caption may have at most 10,000 characters"):
        drawn(path)
    path.write_text("one\n" + "x" * 1_000_001)
    with pytest.raises(ValueError, match="holds a line of more than 1,000,000 bytes"):
        drawn(path)


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "captions.txt")
    with pytest.raises(FileNotFoundError, match="is not a regular file"):
        drawn(tmp_path / "captions.txt")
