"""Fashion-MNIST: files, splits, labels, images and captions."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from textgan.data import FashionMNIST
from textgan.image import to_uint8

CONF = Path(__file__).parents[2] / "conf" / "data" / "fashion_mnist.yaml"
NAMES = ["Shirt", "Bag", "Ankle boot"]


@pytest.fixture
def make(clothes, tmp_path):
    """The data module over the small files."""
    clothes(tmp_path)
    return lambda **changes: FashionMNIST(
        str(tmp_path), **{"batch_size": 8, "val_size": 20, **changes}
    )


def whole(data: FashionMNIST, split: str):
    """A split as one batch."""
    dataset = data.dataset(split)
    return dataset.__getitems__([(row, row) for row in range(len(dataset))])


def shades(images: torch.Tensor) -> list[int]:
    """The shade of each image, which is twice its place in its file."""
    return to_uint8(images[:, 0, 16, 16]).tolist()


def test_val_is_taken_from_the_training_images_whatever_the_seed(make):
    train, val = (shades(whole(make(), split).images) for split in ("train", "val"))
    assert (len(train), len(val)) == (60, 20)
    assert sorted(train + val) == list(range(0, 160, 2))
    assert val != sorted(val)
    assert shades(whole(make(seed=5), "val").images) == val
    assert shades(whole(make(), "test").images) == list(range(0, 40, 2))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_labels_are_those_of_the_batches(make, split):
    data = make()
    batch = data.dataset(split).__getitems__([(9, 7), (10, 0), (11, 19)])
    labels = data.labels(split)
    assert labels.dtype == torch.int64
    assert len(labels) == len(data.dataset(split))
    assert labels[batch.index].tolist() == [shade // 2 % 3 for shade in shades(batch.images)]
    assert data.class_names == NAMES
    for label, said in zip(labels[batch.index].tolist(), batch.all_captions, strict=True):
        assert said == [f"a {NAMES[label].lower()}", f"{NAMES[label]} on black"]


def test_one_of_the_captions_is_drawn_in_training_and_the_first_is_taken_otherwise(make):
    data = make()
    batch = data.dataset("train").__getitems__([(position, 3) for position in range(90)])
    counts = [batch.captions.count(caption) for caption in batch.all_captions[0]]
    assert min(counts) > 25
    assert sum(counts) == 90
    still = [caption for batch in data.still_batches("train") for caption in batch.captions]
    assert still == [said[0] for said in whole(data, "train").all_captions]
    assert whole(data, "val").captions == [said[0] for said in whole(data, "val").all_captions]


def test_templates_take_the_place_of_the_files_captions(make):
    data = make(templates=["a photo of a {}", "{}, {}"])
    assert whole(data, "test").all_captions[2] == [
        "a photo of a Ankle boot",
        "Ankle boot, Ankle boot",
    ]
    assert data.captions(2) == ["a photo of a Shirt", "Bag, Bag"]


def test_captions_are_each_given_once_and_spread_over_the_classes(make):
    data = make()
    assert data.captions(100) == [
        text for name in NAMES for text in (f"a {name.lower()}", f"{name} on black")
    ]
    assert data.captions(3) == ["a shirt", "a bag", "a ankle boot"]
    assert data.captions(0) == []


def test_an_image_is_padded_with_black(make):
    shown = whole(make(), "test").images[10]
    pixels = to_uint8(shown)[0]
    assert shown.shape == (1, 32, 32)
    expected = np.zeros((32, 32))
    expected[2:30, 2:30] = 20
    expected[2, 3] = 255
    assert pixels.tolist() == expected.tolist()


def test_another_size_is_averaged_or_interpolated_from_the_padded_one(make):
    small = to_uint8(whole(make(image_size=16), "test").images)[12, 0]
    assert small.shape == (16, 16)
    # a triangle of two pixels on either side weighs four pixels with 1 3 3 1, at the edge 3 3 1
    assert (small[4:12, 4:12] == 24).all()
    assert small[0, 8] == round(24 * 1 / 7)
    assert small[1, 8] == 24 * 7 / 8
    large = whole(make(image_size=64), "test").images
    assert large.shape == (20, 1, 64, 64)
    assert shades(large[:, :, 16:, 16:]) == list(range(0, 40, 2))
    assert large.min() == -1
    assert large.max() <= 1


def test_three_channels_are_equal(make):
    one, three = (whole(make(channels=channels), "val").images for channels in (1, 3))
    assert three.shape == (20, 3, 32, 32)
    assert torch.equal(three, one.expand(-1, 3, -1, -1))
    assert three.is_contiguous()


def test_the_batch_round_an_image_does_not_change_it(make):
    data = make(image_size=24)
    alone = data.dataset("val").__getitems__([(3, 3)])
    assert torch.equal(alone.images[0], whole(data, "val").images[3])


def test_unpacked_files_and_a_test_split_beside_the_others_are_read(tmp_path, make, idx):
    packed = {split: whole(make(), split) for split in ("train", "test")}
    for path in (tmp_path / "heldout").iterdir():
        path.rename(tmp_path / path.name)
    images = np.tile(2 * np.arange(80)[:, None, None], (1, 28, 28))
    images[:, 0, 1] = 255
    (tmp_path / "train-images-idx3-ubyte.gz").unlink()
    idx(tmp_path / "train-images-idx3-ubyte", images)
    for split, batch in packed.items():
        assert torch.equal(whole(make(), split).images, batch.images)


def test_training_asks_for_no_test_files(tmp_path, make):
    for path in (tmp_path / "heldout").iterdir():
        path.unlink()
    data = make()
    data.setup("fit")
    match = r"root must hold heldout/t10k-images-idx3-ubyte\.gz, and '.*' does not$"
    with pytest.raises(FileNotFoundError, match=match):
        data.setup("test")


def test_a_missing_file_is_one_sentence(tmp_path, make):
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=r"root must hold train-labels-idx1-ubyte\.gz, and"):
        make().build("train")
    (tmp_path / "captions.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"root must hold captions\.jsonl, and"):
        make().captions(5)


def test_files_that_do_not_fit_each_other_are_one_sentence(tmp_path, make, idx):
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    idx(labels, np.arange(79) % 3)
    match = r"labels-idx1-ubyte\.gz must hold a label for each of the 80 images of .*, got 79$"
    with pytest.raises(ValueError, match=match):
        make().build("train")
    idx(labels, np.arange(80) % 4)
    match = r"captions\.jsonl must have a row for each label, and has none for the 3 of train-lab"
    with pytest.raises(ValueError, match=match):
        make().build("val")
    idx(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((80, 28, 27)))
    with pytest.raises(ValueError, match=r"must hold images of 28 x 28, got 28 x 27$"):
        make().build("train")
    idx(labels, np.zeros((80, 1, 1)))
    with pytest.raises(ValueError, match="must begin with the magic number 2049, got 2051"):
        make().build("val")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": 3, "captions": ["x"]}, "line 4: name must be a string that is not empty, got N"),
        ({"label": 3, "name": "x"}, "line 4: captions must be a list of strings, .*, got None$"),
        ({"label": 3, "name": "x", "captions": ["x", " "]}, "line 4: captions must be a list"),
        ({"label": "3", "name": "x", "captions": ["x"]}, "label must be a whole .* got '3'$"),
        ({"label": 3, "name": "x", "captions": ["x" * 10_001]}, "line 4: a caption .* got 10,001"),
        ({"label": 3, "name": "x" * 10_001, "captions": ["x"]}, "line 4: a name may have at most"),
        ({"label": 2, "name": "x", "captions": ["x"]}, r"each once, got \[0, 1, 2, 2\]$"),
        ({"label": 4, "name": "x", "captions": ["x"]}, r"each once, got \[0, 1, 2, 4\]$"),
    ],
)
def test_a_row_that_breaks_a_rule_is_one_sentence(tmp_path, make, row, message):
    path = tmp_path / "captions.jsonl"
    path.write_text(path.read_text() + "\n" + json.dumps(row))
    with pytest.raises(ValueError, match=message):
        make().build("train")


def test_val_must_leave_something_to_train_on(make):
    assert len(make(val_size=79).dataset("train")) == 1
    with pytest.raises(ValueError, match="val_size must be less than the 80 training images, got"):
        make(val_size=80).build("val")


def test_the_real_files_are_read():
    root = os.environ.get("TEXTGAN_DATA")
    if not root or not (Path(root) / "fashion-mnist").is_dir():
        pytest.skip("TEXTGAN_DATA is unset, or has no fashion-mnist")
    data = FashionMNIST(f"{root}/fashion-mnist", batch_size=16)
    assert len(data.dataset("train")) == 59_000
    labels = torch.cat([data.labels("train"), data.labels("val")])
    assert labels.bincount().tolist() == [6000] * 10
    assert data.class_names[:2] == ["T-shirt/top", "Trouser"]
    assert len(data.captions(1000)) == 50
    batch = next(iter(data.train_dataloader()))
    assert batch.images.shape == (16, 1, 32, 32)
    # trousers are narrower than pullovers: the image's middle third holds more of their light
    light = (whole(data, "val").images[:, 0, 2:30, 2:30] + 1).sum(1)  # (1000, 28)
    middle = light[:, 9:19].sum(1) / light.sum(1)
    of = data.labels("val")
    assert middle[of == 1].mean() > middle[of == 2].mean() + 0.1
