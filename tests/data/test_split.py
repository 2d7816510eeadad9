"""The split of each image; no copy is in two splits."""

import json
import shutil

import pytest

from textgan.data.captions import Row
from textgan.data.split import read_names


def test_a_split_column_is_followed_under_its_usual_names(tmp_path, save, jsonl, folder, files):
    names = ["train", "Val", "validation", "valid", "test"]
    rows = []
    for place, split in enumerate(names):
        save(tmp_path / f"{split}.png", (place, 0, 0))
        rows.append({"file": f"{split}.png", "caption": "x", "split": split})
    jsonl(tmp_path / "captions.jsonl", rows)
    data = folder(tmp_path)
    assert files(data, "train") == {"train.png"}
    assert files(data, "val") == {"Val.png", "validation.png", "valid.png"}
    assert files(data, "test") == {"test.png"}


def test_split_folders_in_the_files_of_a_captions_file_are_splits(
    tmp_path, save, jsonl, folder, files
):
    for place, name in enumerate(("train/a.png", "test/a.png")):
        save(tmp_path / name, (place, 0, 0))
    rows = [{"file": name, "text": "x"} for name in ("train/a.png", "test/a.png")]
    jsonl(tmp_path / "metadata.jsonl", rows)
    data = folder(tmp_path)
    assert (files(data, "train"), files(data, "test")) == ({"train/a.png"}, {"test/a.png"})


def test_shares_are_near_what_is_asked_and_do_not_hang_on_the_seed(
    tmp_path, numbered, folder, said
):
    numbered(tmp_path, 200)
    data = folder(tmp_path, val_share=0.2, test_share=0.1, seed=1)
    assert 25 < len(data.split.val) < 55
    assert 10 < len(data.split.test) < 32
    assert len(said(data)) == 200
    assert folder(tmp_path, val_share=0.2, test_share=0.1, seed=2).split == data.split


def test_adding_and_renaming_files_moves_no_image_to_another_split(
    tmp_path, jsonl, numbered, folder, files
):
    numbered(tmp_path / "old", 60)
    old = files(folder(tmp_path / "old", val_share=0.3), "val")
    numbered(tmp_path / "new", 90)
    assert files(folder(tmp_path / "new", val_share=0.3), "val") >= old
    for path in (tmp_path / "old").glob("*.png"):
        path.rename(path.with_name(f"new{path.name}"))
    rows = [{"file": f"new{place:03}.png", "text": "x"} for place in range(60)]
    jsonl(tmp_path / "old" / "metadata.jsonl", rows)
    renamed = files(folder(tmp_path / "old", val_share=0.3), "val")
    assert renamed == {f"new{file}" for file in old}


def test_copies_of_an_image_are_never_in_two_splits(tmp_path, jsonl, numbered, folder, files):
    numbered(tmp_path, 40)
    for place in range(40):
        shutil.copy(tmp_path / f"{place:03}.png", tmp_path / f"copy{place:03}.png")
    names = [f"{prefix}{place:03}.png" for place in range(40) for prefix in ("", "copy")]
    jsonl(tmp_path / "metadata.jsonl", [{"file_name": name, "text": "x"} for name in names])
    data = folder(tmp_path, val_share=0.3, test_share=0.2)
    for split in ("train", "val", "test"):
        originals = {file.removeprefix("copy") for file in files(data, split)}
        assert len(files(data, split)) == 2 * len(originals) > 0
    assert data.skipped == []


def test_where_splits_are_given_a_copy_of_a_val_image_leaves_train(tmp_path, save, folder, files):
    for name in ("train/a.png", "train/b.png", "val/a.png", "val/c.png"):
        save(tmp_path / name, tuple(name[-5:-4].encode()) * 3)
        (tmp_path / name).with_suffix(".txt").write_text("x")
    data = folder(tmp_path)
    assert files(data, "train") == {"train/b.png"}
    assert files(data, "val") == {"val/a.png", "val/c.png"}
    reason = "it is a copy of val/a.png, which is in val"
    assert data.skipped == [(str(tmp_path / "train/a.png"), reason)]


def test_without_a_val_split_in_the_column_it_is_taken_from_train(
    tmp_path, jsonl, numbered, folder
):
    numbered(tmp_path, 60)
    splits = ["test" if place < 10 else "train" for place in range(60)]
    rows = [{"file": f"{p:03}.png", "text": "x", "split": split} for p, split in enumerate(splits)]
    jsonl(tmp_path / "metadata.jsonl", rows)
    data = folder(tmp_path, val_share=0.3, test_share=0.5)
    assert [row.file for row in data.split.test] == [f"{place:03}.png" for place in range(10)]
    assert len(data.split.val) > 5
    assert len(data.split.train) + len(data.split.val) == 50


def test_five_images_train_and_are_their_own_val_and_test(tmp_path, numbered, folder):
    data = folder(numbered(tmp_path, 5), val_share=0.05)
    with pytest.warns(UserWarning, match="has no val split: the images of train are used"):
        data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert len(batch) == 4
    assert sum(len(batch) for batch in data.val_dataloader()) == 5
    with pytest.warns(UserWarning, match="has no test split"):
        assert sum(len(batch) for batch in data.test_dataloader()) == 5


def test_all_images_can_be_for_the_test(tmp_path, numbered, folder):
    data = folder(numbered(tmp_path, 5), val_share=0, test_share=1)
    assert sum(len(batch) for batch in data.test_dataloader()) == 5
    with pytest.raises(ValueError, match=r"no image of .* is left for train"):
        data.train_dataloader()


@pytest.mark.parametrize("name", ["out.txt", "out.json"])
def test_excluded_images_and_their_copies_leave_train_only(tmp_path, name, numbered, folder, files):
    numbered(tmp_path, 30)
    whole = folder(tmp_path, val_share=0.3)
    out, copied = sorted(files(whole, "train"))[:2]
    val = min(files(whole, "val"))
    shutil.copy(tmp_path / copied, tmp_path / "copy.png")
    with (tmp_path / "metadata.jsonl").open("a") as file:
        file.write('\n{"file_name": "copy.png", "text": "x"}')
    listed = [out, copied, val]
    path = tmp_path / name
    path.write_text(json.dumps(listed) if name.endswith("json") else "\n".join(listed) + "\n")
    data = folder(tmp_path, val_share=0.3, exclude=str(path))
    assert files(data, "val") == files(whole, "val")
    assert files(data, "train") == files(whole, "train") - {out, copied}
    reason = f"it is a copy of {copied}, which is excluded"
    assert data.skipped == [(str(tmp_path / "copy.png"), reason)]


def test_a_whole_path_excludes_that_image_alone(tmp_path):
    rows = [Row("001.png", ("x",)), Row("a/001.png", ("y",)), Row("a/002.png", ("z",))]
    (tmp_path / "names.txt").write_text("001.png\n002.png\n")
    assert read_names(tmp_path / "names.txt", rows) == {"001.png", "a/002.png"}
