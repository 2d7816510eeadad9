"""The classes of a folder with a sub-folder for each."""

from pathlib import Path

import pytest
import torch
from PIL import Image


def lay(root: Path, names: list[str], each: int = 3) -> None:
    for place, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for n in range(each):
            colour = (40 * place, 10 * n, 99)
            Image.new("RGB", (8, 8), colour).save(root / name / f"{n}.png")


def test_sub_folders_are_classes_and_each_image_has_a_label(tmp_path, folder):
    lay(tmp_path, ["tabby_cat", "ant", "red-fox"])
    data = folder(tmp_path, val_share=0, test_share=0)
    assert data.class_names == ["ant", "red fox", "tabby cat"]
    labels = data.labels("train")
    for batch in data.still_batches("train"):
        names = [data.class_names[label] for label in labels[batch.index]]
        assert names == batch.captions
    assert torch.bincount(labels).tolist() == [3, 3, 3]


def test_classes_below_split_folders_are_those_of_all_splits(tmp_path, folder):
    lay(tmp_path / "train", ["ant", "cat"])
    lay(tmp_path / "val", ["cat", "dog"], each=2)
    data = folder(tmp_path)
    assert data.class_names == ["ant", "cat", "dog"]
    assert data.labels("val").tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("where", ["", "train"])
def test_captions_are_no_classes(tmp_path, folder, where):
    lay(tmp_path / where, ["ant", "cat"])
    for file in [*tmp_path.rglob("*.png")]:
        file.with_suffix(".txt").write_text("an animal")
    assert folder(tmp_path).class_names == []
