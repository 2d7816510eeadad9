"""Names that are a split's, and names that may be captions."""

import pytest

from textgan.data.split_name import is_class, split_of, split_of_file


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("training", "train"), ("train2017", "train"), ("Train", "train")),
        *(("images_train", "train"), ("train-images", "train"), ("trainset", "train")),
        *(("TrainImages", "train"), ("train_256", "train")),
        *(("val", "val"), ("val2017", "val"), ("validation", "val"), ("valid", "val")),
        *(("dev", "val"), ("VAL_IMGS", "val")),
        *(("test", "test"), ("testing", "test"), ("test2015", "test"), ("eval", "test")),
        *(("cat", None), ("training shoes", None), ("test_tube", None), ("retrain", None)),
        *(("images", None), ("batch1", None), ("train_val", None), ("validated", None)),
    ],
)
def test_the_split_of_a_folder(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("stem", "split"),
    [
        *(("captions_train2017", "train"), ("captions_val2017", "val"), ("train", "train")),
        *(("metadata-test", "test"), ("captions", None), ("cats_train", None)),
    ],
)
def test_the_split_of_a_captions_file(stem, split):
    assert split_of_file(stem) == split


@pytest.mark.parametrize(
    "name",
    [
        *("cat", "golden_retriever", "polar-bear", "training_shoes", "photo booth"),
        *("7", "42", "猫", "ünï"),
    ],
)
def test_a_name_may_be_a_caption(name):
    assert is_class(name)


@pytest.mark.parametrize(
    "name",
    [
        *("train", "train2017", "val2017", "training", "validation", "testing", "dev", "valid"),
        *("images", "Images", "imgs", "photos", "img_1", "images128", "data", "raw", "jpg"),
        *("batch1", "batch_02", "part-3", "shard0001", "00000", "20240131", "thumbnails"),
        *("train_images", "all", "---", "JPEGImages"),
    ],
)
def test_a_name_is_no_caption(name):
    assert not is_class(name)
