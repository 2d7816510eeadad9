"""Sets of the `datasets` library: columns, splits, streams and untrusted paths."""

import sys
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from textgan.data import HuggingFace
from textgan.errors import ConfigError

datasets = pytest.importorskip("datasets", reason="needs the extra: textgan[huggingface]")
pytest.importorskip("pyarrow.parquet")
pa = sys.modules["pyarrow"]


def module(path, **arguments) -> HuggingFace:
    return HuggingFace(path, **{"batch_size": 4, "image_size": 8, "val_share": 0.0, **arguments})


def first(data: HuggingFace, batches: int, *, rank: int = 0, processes: int = 1) -> list:
    data.trainer = SimpleNamespace(global_rank=rank, world_size=processes)
    return [batch for batch, _ in zip(data.train_dataloader(), range(batches), strict=False)]


def captions(data: HuggingFace, split: str = "train") -> list[tuple[str, ...]]:
    whole = data.dataset(split)
    return [whole.read(int(row)).captions for row in whole.rows]


def test_a_parquet_file_of_plain_columns_is_read(tmp_path, parquet, png):
    data = module(parquet(tmp_path / "a.parquet", 5))
    assert captions(data) == [(f"image {number}",) for number in range(5)]
    assert data.captions(3) == ["image 0", "image 1", "image 3"]
    image = data.dataset("train").__getitems__([(0, 2)]).images[0]
    assert ((image.mean((1, 2)) + 1) * 127.5).round().tolist() == [2, 253, 0]


@pytest.mark.parametrize("column", ["bytes", "struct"])
def test_images_are_bytes_or_what_the_library_writes(tmp_path, parquet, column):
    data = module(parquet(tmp_path / "a.parquet", 3, column=column))
    assert first(data, 1)[0].images.shape == (4, 3, 8, 8)


@pytest.fixture
def typed(png):
    """A set with the library's own types: images, lists of captions and classes."""
    return datasets.Dataset.from_dict(
        {
            "id": [0, 1, 2],
            "photo": [{"bytes": png((n, 0, 0)), "path": None} for n in range(3)],
            "caption": [["a", "b"], ["c"], []],
            "label": [0, 1, 1],
        },
        features=datasets.Features(
            {
                "id": datasets.Value("int64"),
                "photo": datasets.Image(),
                "caption": datasets.List(datasets.Value("string")),
                "label": datasets.ClassLabel(names=["t-shirt_top", "bag"]),
            }
        ),
    )


def test_a_set_of_save_to_disk_has_its_splits_and_captions_in_lists(tmp_path, typed):
    both = datasets.DatasetDict({"train": typed.select([0, 1]), "validation": typed.select([1])})
    both.save_to_disk(str(tmp_path / "saved"))
    data = module(tmp_path / "saved")
    assert captions(data) == [("a", "b"), ("c",)]
    assert captions(data, "val") == [("c",)]
    assert data.shown_split("test") == "val"
    typed.save_to_disk(str(tmp_path / "one"))
    data = module(tmp_path / "one")
    assert {text for batch in first(data, 2) for text in batch.captions} <= {"a", "b", "c"}
    assert [reason for _, reason in data.skipped] == ["it has no caption"]
    assert "1 were skipped" in data.summary()


def test_names_of_classes_are_captions_and_that_is_said(tmp_path, typed):
    typed.save_to_disk(str(tmp_path / "one"))
    with pytest.warns(UserWarning, match="the captions are the 2 names of the column label"):
        found = captions(module(tmp_path / "one", caption_column="label"))
    assert found == [("t shirt top",), ("bag",), ("bag",)]


def test_a_folder_of_images_is_read_as_imagefolder_does(tmp_path, numbered):
    data = module(numbered(tmp_path / "root", 4))
    assert captions(data) == [(f"image {number}",) for number in range(4)]


def test_files_are_of_the_splits_in_their_names(tmp_path, parquet):
    sizes = {"train-00000": 3, "train-00001": 2, "validation-00000": 2, "test": 1}
    for name, rows in sizes.items():
        parquet(tmp_path / "data" / f"{name}.parquet", rows)
    data = module(tmp_path)
    assert [len(data.dataset(split)) for split in ("train", "val", "test")] == [5, 2, 1]
    data = module(tmp_path, data_files="data/train-*1.parquet", val_share=0.5)
    assert [len(data.dataset(split)) for split in ("train", "val")] == [1, 1]
    assert set(captions(data)) | set(captions(data, "val")) == {("image 0",), ("image 1",)}


def test_a_stream_shows_all_in_each_pass_and_says_that_it_resumes_otherwise(tmp_path, parquet):
    for shard in range(4):
        parquet(tmp_path / f"train-{shard}.parquet", 4, start=4 * shard)
    for workers in (0, 2):
        seen = []
        for rank in range(2):
            data = module(tmp_path, streaming=True, num_workers=workers)
            seen += [text for b in first(data, 2, rank=rank, processes=2) for text in b.captions]
        assert sorted(seen) == sorted(f"image {number}" for number in range(16))
    data.images_seen = 8
    with pytest.warns(UserWarning, match="streamed, so the resumed training continues with other"):
        again = first(data, 1)
    assert len(again[0].captions) == 4
    assert data.captions(5) == [f"image {number}" for number in range(5)]


def test_a_stream_without_a_usable_image_ends_with_a_sentence(tmp_path, parquet):
    path = parquet(tmp_path / "a.parquet", 3, content=b"no image")
    with pytest.raises(ValueError, match="a whole pass over the stream had no image"):
        first(module(path, streaming=True), 1)
    with pytest.raises(ValueError, match=r"none of the 3 images can be used: .*train row 0"):
        first(module(path), 1)


def test_images_named_by_a_path_lie_in_the_folder_or_are_left_out(tmp_path, save):
    root = tmp_path / "root"
    save(root / "good.png")
    save(tmp_path / "far.png")
    (root / "link.png").symlink_to(tmp_path / "far.png")
    paths = ["good.png", "../far.png", str(tmp_path / "far.png"), "link.png", "https://x.org/a.png"]
    table = pa.table({"image": [*paths, ""], "text": [f"{n}" for n in range(6)]})
    pa.parquet.write_table(table, root / "a.parquet")
    data = module(root)
    assert {text for batch in first(data, 4) for text in batch.captions} == {"0"}
    assert len(data.skipped) == 5
    followed = module(root, follow_links=True)
    assert {text for batch in first(followed, 4) for text in batch.captions} == {"0", "3"}


def test_large_images_and_endless_captions_are_left_out(tmp_path, png):
    images, texts = [png(), png(size=(200, 100)), png()], ["good", "large", "x" * 10_001]
    table = pa.table({"image": images, "text": texts})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    data = module(tmp_path, max_megapixels=0.01)
    assert {text for batch in first(data, 3) for text in batch.captions} == {"good"}
    reasons = " ".join(reason for _, reason in data.skipped)
    assert "200 x 100 pixels are more than max_megapixels" in reasons
    assert "at most 10,000 characters" in reasons


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "none/at/all"}, "'none/at/all' cannot be read: it does not exist, and is no"),
        ({"path": "empty"}, "'empty' cannot be read: it holds no .parquet or .arrow files"),
        ({"path": "text.parquet"}, r"'text.parquet' cannot be read: "),
        ({"image_column": "photo"}, "image_column must be one of image, text, got 'photo'"),
        ({"caption_column": "said"}, "caption_column must be one of image, text, got 'said'"),
        ({"val_split": "dev"}, "val_split must be one of train, got 'dev'"),
        ({"name": "subset"}, "data.name is for sets of the hub, and the path is local"),
        ({"data_files": "*.csv"}, r"data_files '\*.csv' names no file"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, parquet, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.parquet").write_text("no parquet")
    parquet(tmp_path / "good" / "a.parquet", 2)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        captions(module(**{"path": "good", **arguments}))
    assert "\n" not in str(caught.value)


def test_a_set_without_columns_that_are_known_names_those_that_it_has(tmp_path):
    pa.parquet.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"set data.caption_column to one of its columns, a, b"):
        captions(module(tmp_path))
    with pytest.raises(ValueError, match=r"set data.image_column to one of its columns, a, b"):
        captions(module(tmp_path, caption_column="b"))


def test_a_set_that_the_hub_does_not_have_is_a_sentence(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises((ValueError, FileNotFoundError), match="'nobody/nothing' cannot be read"):
        captions(module("nobody/nothing"))


def test_code_that_comes_with_a_folder_is_not_run(tmp_path, parquet):
    parquet(tmp_path / "set" / "a.parquet", 2)
    (tmp_path / "set" / "set.py").write_text(f"open({str(tmp_path / 'RAN')!r}, 'w')")
    (tmp_path / "set" / "README.md").write_text("---\nconfigs:\n- data_files: /etc/passwd\n---\n")
    assert len(captions(module(tmp_path / "set"))) == 2
    assert not (tmp_path / "RAN").exists()


def test_without_the_library_one_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"datasets: pip install textgan\[huggingface\]"):
        captions(module(tmp_path))


def test_an_image_of_the_library_keeps_its_pixels(tmp_path, typed):
    typed.save_to_disk(str(tmp_path / "one"))
    image = module(tmp_path / "one").dataset("train").__getitems__([(0, 1)]).images[0]
    expected = torch.tensor([1.0, 0.0, 0.0]) / 127.5 - 1
    torch.testing.assert_close(image, expected[:, None, None].expand(3, 8, 8))
    assert isinstance(typed[0]["photo"], Image.Image)
