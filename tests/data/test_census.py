"""The description of a folder before a training, and names that are no captions."""

import json

import pytest


def said_at_fit(data, capsys) -> list[str]:
    capsys.readouterr()
    data.setup("fit")
    return capsys.readouterr().out.splitlines()


def test_five_captions_and_all_counts_are_printed_before_a_training(
    tmp_path, save, jsonl, folder, capsys
):
    for place in range(14):
        save(tmp_path / f"{place:02}.png", (10 * place, 3, 3))
    for name in ("x.heic", "y.HEIC", "z.svg", "film.mp4", "notes.md"):
        (tmp_path / name).write_bytes(b"x")
    rows = [{"file": f"{place:02}.png", "captions": [f"no {place}", "b"]} for place in range(7)]
    rows += [{"file": "07.png", "text": ""}, {"file": None, "captions": ["lost"]}]
    jsonl(tmp_path / "metadata.jsonl", rows)
    lines = said_at_fit(folder(tmp_path, val_share=0), capsys)
    assert lines == [
        f"{tmp_path}: 7 images to train on, 0 to validate with, 0 to test with.",
        "The captions come from metadata.jsonl (columns file, captions). Some training images:",
        *(f'  {place:02}.png: "no {place}" (and 1 more)' for place in (0, 1, 2, 4, 5)),
        "Not used: 1 without a caption, 6 that no captions file names, 4 of kinds that are not "
        f"read (.heic, .mp4, .svg), and 1 row was skipped, such as {tmp_path}/metadata.jsonl, "
        "line 9: the image must be a file name, got None.",
    ]


def test_validate_and_test_print_nothing(tmp_path, numbered, folder, capsys):
    data = folder(numbered(tmp_path, 3))
    data.setup("validate")
    data.setup("test")
    assert capsys.readouterr().out == ""


def test_one_named_image_of_eight_is_not_passed_over_in_silence(
    tmp_path, numbered, jsonl, folder, capsys
):
    numbered(tmp_path, 8)
    jsonl(tmp_path / "metadata.jsonl", [{"file_name": "000.png", "text": "x"}])
    data = folder(tmp_path)
    assert said_at_fit(data, capsys)[-1] == "Not used: 7 that no captions file names."
    assert data.summary() == (
        "None of 1 images was skipped. Not looked at: 7 that no captions file names."
    )


def test_a_caption_cannot_move_the_cursor(tmp_path, save, folder, capsys):
    save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("red\x1b[2J\tthing" + "x" * 200)
    line = said_at_fit(folder(tmp_path, val_share=0), capsys)[2]
    assert line.startswith('  a.png: "red [2J thingxxx')
    assert line.endswith('xxx..."')
    assert line.isprintable()


def test_fit_says_that_names_of_folders_become_captions(tmp_path, save, folder, capsys):
    for name in ("cat/a.png", "polar_bear/a.png"):
        save(tmp_path / name, (len(name), 0, 0))
    lines = said_at_fit(folder(tmp_path, val_share=0), capsys)
    assert lines[1].startswith(
        "The captions come from the names of the 2 folders that the images are in: "
        "'cat', 'polar bear'. "
    )


@pytest.mark.parametrize(
    "folders",
    [
        *(("train2017", "val2017"), ("batch1", "batch2"), ("training", "validation")),
        *(("images", "masks/images"), ("00000", "00001"), ("cat", "__MACOSX", "@eaDir")),
    ],
)
def test_folders_that_are_no_classes_give_no_captions(tmp_path, folders, save, folder):
    for place, name in enumerate(folders):
        save(tmp_path / name / "a.png", (place, 0, 0))
    with pytest.raises(ValueError, match=r"has \d images but no captions"):
        folder(tmp_path).setup("fit")


def test_classes_below_images_and_below_one_folder_are_classes(tmp_path, save, folder, said):
    for place, name in enumerate(("images/cat/a.png", "images/dog/b.png")):
        save(tmp_path / "wrapped" / name, (place, 0, 0))
    expected = {"images/cat/a.png": ("cat",), "images/dog/b.png": ("dog",)}
    assert said(folder(tmp_path / "wrapped")) == expected
    assert set(said(folder(tmp_path)).values()) == {("cat",), ("dog",)}


def test_captions_files_in_sub_folders_are_joined(tmp_path, save, folder, said):
    for place, name in enumerate(("batch1", "batch2")):
        save(tmp_path / name / "0.png", (place, 0, 0))
    (tmp_path / "batch1" / "metadata.csv").write_text("file_name,text\n0.png,one\n")
    (tmp_path / "batch2" / "all.jsonl").write_text('{"image": "batch2/0.png", "caption": "two"}')
    assert said(folder(tmp_path)) == {"batch1/0.png": ("one",), "batch2/0.png": ("two",)}


def test_captions_files_of_splits_are_these_splits(tmp_path, save, folder, files):
    for place, name in enumerate(("train2017/a.png", "val2017/b.png")):
        save(tmp_path / name, (place, 0, 0))
        split = name.split("/")[0]
        document = {
            "images": [{"id": 1, "file_name": name[-5:]}],
            "annotations": [{"image_id": 1, "caption": "x"}],
        }
        path = tmp_path / "annotations" / f"captions_{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    (tmp_path / "annotations" / "instances_val2017.json").write_text('{"images": [{"id": 1')
    data = folder(tmp_path)
    assert files(data, "train") == {"train2017/a.png"}
    assert files(data, "val") == {"val2017/b.png"}


def test_tables_named_after_splits_are_these_splits(tmp_path, save, folder, files):
    for place, split in enumerate(("train", "dev", "test")):
        save(tmp_path / "images" / f"{split}.png", (place, 0, 0))
        (tmp_path / f"{split}.tsv").write_text(f"image\ttext\nimages/{split}.png\tx\n")
    data = folder(tmp_path)
    for split, name in (("train", "train"), ("val", "dev"), ("test", "test")):
        assert files(data, split) == {f"images/{name}.png"}


@pytest.mark.parametrize("left", [None, ".gitkeep", "notes.md"])
@pytest.mark.parametrize("empty", ["val", "validation", "test"])
def test_an_empty_split_folder_is_as_none(tmp_path, empty, left, save, folder, capsys, files):
    for place in range(30):
        save(tmp_path / "train" / f"{place}.png", (8 * place, 0, 0))
        (tmp_path / "train" / f"{place}.txt").write_text("x")
    (tmp_path / empty).mkdir()
    if left:
        (tmp_path / empty / left).touch()
    data = folder(tmp_path, val_share=0.2, test_share=0.2)
    said = "\n".join(said_at_fit(data, capsys))
    assert f"{tmp_path / empty} has no images, and is left out." in said
    assert files(data, "train")
    assert files(data, "val")
    assert files(data, "test")


def test_one_bad_row_does_not_end_the_run(tmp_path, numbered, jsonl, folder, said, capsys):
    numbered(tmp_path, 4)
    values = ["good", True, "['a' 'b']", 3]
    jsonl(
        tmp_path / "metadata.jsonl",
        [{"file_name": f"{place:03}.png", "text": value} for place, value in enumerate(values)],
    )
    data = folder(tmp_path, val_share=0)
    assert said(data) == {"000.png": ("good",), "003.png": ("3",)}
    reasons = dict(data.skipped)
    assert reasons[str(tmp_path / "001.png")] == "a caption must be a string or a number, got True"
    assert "looks like a list" in reasons[str(tmp_path / "002.png")]
    assert (
        "2 that cannot be used, such as 001.png (a caption must be" in said_at_fit(data, capsys)[-1]
    )


def test_a_name_that_several_files_fit_is_skipped_with_both(tmp_path, save, jsonl, folder):
    for place, name in enumerate(("a.jpg", "a.png", "b.png")):
        save(tmp_path / name, (place, 0, 0))
    jsonl(tmp_path / "metadata.jsonl", [{"file": name, "text": "x"} for name in ("a", "b")])
    data = folder(tmp_path)
    reason = "no file has this name, and several nearly do: a.jpg, a.png"
    assert data.skipped == [(str(tmp_path / "a"), reason)]
