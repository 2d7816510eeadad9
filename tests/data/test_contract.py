"""The contract of every data module of `conf/data`, whose files are made here.

Folders have tests of their own.
"""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from textgan.data import CaptionedImages
from textgan.types import Batch

ALL = sorted((Path(__file__).parents[2] / "conf" / "data").glob("*.yaml"))
FOLDERS = {"folder", "emoji", "flickr8k"}
FILES = [file for file in ALL if file.stem not in FOLDERS]
# In these val and test do not depend on the seed.
IS_READ = {"fashion_mnist", "huggingface", "webdataset"}
SHARED = {"image_size": 16, "channels": 3, "seed": 0}


def read(data: CaptionedImages, split: str, batches: int = 3) -> list[Batch]:
    loader = getattr(data, f"{split}_dataloader")()
    return [batch for batch, _ in zip(loader, range(batches), strict=False)]


def same(some: list[Batch], others: list[Batch]) -> bool:
    return all(
        one.captions == two.captions
        and torch.equal(one.images, two.images)
        and torch.equal(one.index, two.index)
        for one, two in zip(some, others, strict=True)
    )


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture
def write(file, clothes, shards, parquet, tmp_path) -> Callable[[int, int], dict[str, object]]:
    """Writes the files of the module with as many images in val and test -> its arguments."""

    def written(val_size: int, test_size: int) -> dict[str, object]:
        sizes = {"train": 40, "val": val_size, "test": test_size}
        if file.stem == "webdataset":
            pytest.importorskip("webdataset", reason="needs textgan[webdataset]")
            for split, size in sizes.items():
                shards(tmp_path / "tars", size // 2, size - size // 2, prefix=split)
            return {"urls": str(tmp_path / "tars")}
        if file.stem == "huggingface":
            for split, size in sizes.items():
                parquet(tmp_path / "rows" / f"{split}.parquet", size)
            return {"path": str(tmp_path / "rows")}
        if file.stem == "fashion_mnist":
            clothes(tmp_path / "fashion-mnist")  # with 20 for the test
            return {"val_size": val_size}
        return {"val_size": val_size, "test_size": test_size}

    return written


@pytest.fixture
def make(file, load_choice, write, tmp_path, monkeypatch) -> Callable[..., CaptionedImages]:
    """The file's data module, with 20 images each for val and test; `changes` are arguments."""
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))

    def made(*, val_size: int = 20, **changes: object) -> CaptionedImages:
        config = OmegaConf.create({**SHARED, "data": load_choice(file)})
        config.data.update({"batch_size": 6, **write(val_size, 20), **changes})
        return instantiate(config.data)

    return made


@pytest.fixture(params=["train", "val", "test"])
def split(request) -> str:
    return request.param


def test_batches_have_the_stated_shapes_and_ranges(make, split):
    data = make()
    assert isinstance(data, CaptionedImages)
    for batch in read(data, split):
        assert batch.images.shape == (6, 3, SHARED["image_size"], SHARED["image_size"])
        assert batch.images.dtype == torch.float32
        assert batch.images.abs().max() <= 1
        assert batch.images.min() < -0.5 or batch.images.max() > 0.5
        assert len(batch.captions) == 6
        assert all(isinstance(text, str) and text for text in batch.captions)
        assert batch.index.dtype == torch.int64
        assert batch.index.min() >= 0
        assert (batch.index < len(data.dataset(split))).all()


def test_batches_are_a_function_of_the_seed(make, split, file):
    batches = read(make(), split)
    assert same(batches, read(make(), split))
    is_still = file.stem in IS_READ and split != "train"
    assert same(batches, read(make(seed=1), split)) == is_still


@pytest.mark.parametrize("workers", [2])
def test_workers_change_nothing(make, split, workers):
    assert same(read(make(), split), read(make(num_workers=workers), split))


def test_captions_are_training_captions_and_at_most_as_many_as_asked(make):
    data = make()
    captions = data.captions(18)
    assert 0 < len(captions) <= 18
    assert all(isinstance(text, str) for text in captions)


def test_val_and_test_come_once_and_in_order(make):
    data = make(val_size=10)
    for split, size in (("val", 10), ("test", 20)):
        index = torch.cat([batch.index for batch in read(data, split, batches=9)])
        assert index.tolist() == list(range(size))


def test_a_resumed_stream_continues_where_it_stopped(make, file):
    flip = {"flip": True} if file.stem in ("huggingface", "webdataset") else {}
    resumed = make(**flip)
    resumed.load_state_dict({"images_seen": 12})
    assert same(read(resumed, "train"), read(make(**flip), "train", 5)[2:])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_configuration_sets_every_argument(path, load_choice):
    config = OmegaConf.to_container(load_choice(path), resolve=False)
    module = get_class(config.pop("_target_"))
    assert set(config) == set(inspect.signature(module).parameters)
