"""Encodings that searches keep."""

import os

import pytest
import torch
from PIL import Image

from textgan.pipeline import ContrastivePipeline
from textgan.pipeline.kept import KeptEncodings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of two images."""
    monkeypatch.setenv("TEXTGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    for colour in ("red", "blue"):
        Image.new("RGB", (16, 16), colour).save(tmp_path / "images" / f"{colour}.png")
    return tmp_path / "images"


@pytest.fixture
def encoded(monkeypatch):
    """The number of images of each call of `encode_images`."""
    found, encode = [], ContrastivePipeline.encode_images

    def counted(self, images, batch_size=64):
        found.append(len(images))
        return encode(self, images, batch_size)

    monkeypatch.setattr(ContrastivePipeline, "encode_images", counted)
    return found


def test_a_second_search_encodes_only_what_is_new_or_changed(make_judge, folder, encoded):
    pipeline = make_judge(["a red circle", "a blue square"])
    first = pipeline.search(folder, "a red circle")
    again = pipeline.search(folder, "a red circle")
    assert again == first
    assert pipeline.search(folder, "a blue square") != first
    assert encoded == [2]
    Image.new("RGB", (16, 16), "green").save(folder / "green.png")
    Image.new("RGB", (16, 16), "white").save(folder / "red.png")
    os.utime(folder / "red.png", ns=(1, 1))
    assert len(pipeline.search(folder, "a red circle")) == 3
    assert encoded == [2, 2]
    (folder / "blue.png").unlink()
    assert {match.path.name for match in pipeline.search(folder, "a")} == {"red.png", "green.png"}
    assert encoded == [2, 2]


def test_other_weights_and_other_folders_keep_apart(make_judge, folder, encoded, tmp_path):
    pipeline = make_judge(["a red circle", "a blue square"])
    pipeline.search(folder, "a")
    with torch.no_grad():
        pipeline.image_encoder.pooled.bias += 1
    pipeline.search(folder, "a")
    folder.rename(tmp_path / "moved")
    pipeline.search(tmp_path / "moved", "a")
    assert encoded == [2, 2, 2]


def test_a_damaged_store_counts_as_empty(make_judge, folder, encoded, tmp_path):
    pipeline = make_judge(["a red circle", "a blue square"])
    pipeline.search(folder, "a")
    (store,) = (tmp_path / "cache").rglob("search-*.safetensors")
    store.write_bytes(store.read_bytes()[:50])
    pipeline.search(folder, "a")
    pipeline.search(folder, "a")
    assert encoded == [2, 2]


def test_where_nothing_can_be_written_the_search_works_and_warns(make_judge, folder, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    with pytest.warns(UserWarning, match="encodings cannot be kept in .*cache/features: "):
        assert len(make_judge(["a red circle", "a blue square"]).search(folder, "a")) == 2


def test_without_a_cache_folder_nothing_is_kept(folder, monkeypatch):
    monkeypatch.setattr("textgan.pipeline.kept.default_folder", lambda: None)
    kept = KeptEncodings(folder, "network")
    kept.put({folder / "red.png": torch.zeros(3)})
    assert kept.of([folder / "red.png"]) == {}
