"""Layouts of a folder, their order, and the messages for unreadable ones."""

import csv

import pytest


def test_a_metadata_jsonl_names_files_and_texts(tmp_path, save, jsonl, folder, said):
    save(tmp_path / "deep" / "a.png")
    jsonl(tmp_path / "metadata.jsonl", [{"file_name": "deep/a.png", "text": " a red square "}])
    assert said(folder(tmp_path)) == {"deep/a.png": ("a red square",)}


def test_any_only_jsonl_may_hold_lists_and_empty_captions_are_left_out(
    tmp_path, save, jsonl, folder, said
):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png")
    rows = [{"image": "a.png", "captions": ["one", "", "two"]}, {"image": "b.png", "captions": []}]
    jsonl(tmp_path / "mine.jsonl", rows)
    data = folder(tmp_path)
    assert said(data) == {"a.png": ("one", "two")}
    assert data.skipped == [(str(tmp_path / "b.png"), "it has no caption")]


@pytest.mark.parametrize("name", ["all.csv", "all.tsv"])
def test_the_rows_of_a_table_that_name_one_image_are_joined(tmp_path, name, save, folder, said):
    delimiter = "," if name == "all.csv" else "\t"
    save(tmp_path / "a.png")
    rows = [
        ("Image", "Caption"),
        ("a.png", "one, with a comma"),
        ("./a.png", "two"),
        ("a.png", "two"),
    ]
    with (tmp_path / name).open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    assert said(folder(tmp_path)) == {"a.png": ("one, with a comma", "two")}


def test_columns_file_and_image_folder_can_be_named(tmp_path, save, folder, said):
    save(tmp_path / "Images" / "a.png")
    (tmp_path / "captions.txt").write_text("pic,text,said\nelsewhere/a.png,no,yes\n")
    named = {"captions_file": "captions.txt", "file_column": "pic", "caption_column": "said"}
    assert said(folder(tmp_path, image_folder="Images", **named)) == {"Images/a.png": ("yes",)}


def test_text_files_beside_images_hold_a_caption_a_line(tmp_path, save, folder, said):
    save(tmp_path / "a.png")
    save(tmp_path / "deep" / "b.jpg")
    save(tmp_path / "c.png")
    (tmp_path / "a.txt").write_text("one\n\n  two \r\n", encoding="utf-8")
    (tmp_path / "deep" / "b.txt").write_text("drei ü", encoding="utf-8")
    data = folder(tmp_path)
    assert said(data) == {"a.png": ("one", "two"), "deep/b.jpg": ("drei ü",)}
    assert data.skipped == [(str(tmp_path / "c.png"), "it has no caption")]


def test_the_names_of_class_folders_are_captions(tmp_path, save, folder, said):
    for name in ("golden_retriever/a.png", "polar-bear/old/b.JPG", ".hidden/c.png"):
        save(tmp_path / name)
    expected = {
        "golden_retriever/a.png": ("golden retriever",),
        "polar-bear/old/b.JPG": ("polar bear",),
    }
    assert said(folder(tmp_path)) == expected


def test_split_folders_are_each_read_by_the_same_rules(tmp_path, save, jsonl, folder, said):
    for place, split in enumerate(("train", "validation", "test")):
        for name in ("cat", "dog"):
            save(tmp_path / split / name / "a.png", (place, len(split), ord(name[0])))
    data = folder(tmp_path)
    assert [row.file for row in data.split.train] == ["train/cat/a.png", "train/dog/a.png"]
    assert [row.file for row in data.split.val] == ["validation/cat/a.png", "validation/dog/a.png"]
    assert [row.file for row in data.split.test] == ["test/cat/a.png", "test/dog/a.png"]
    assert said(data)["test/dog/a.png"] == ("dog",)
    jsonl(tmp_path / "train" / "metadata.jsonl", [{"file_name": "cat/a.png", "text": "Tom"}])
    assert said(folder(tmp_path))["train/cat/a.png"] == ("Tom",)


def test_a_captions_file_is_preferred_to_text_files_and_these_to_classes(
    tmp_path, save, jsonl, folder, said
):
    for name in ("cat/a.png", "dog/a.png"):
        save(tmp_path / name)
    assert said(folder(tmp_path))["cat/a.png"] == ("cat",)
    (tmp_path / "cat" / "a.txt").write_text("Tom")
    assert said(folder(tmp_path)) == {"cat/a.png": ("Tom",)}
    jsonl(tmp_path / "captions.jsonl", [{"file": "dog/a.png", "caption": "Rex"}])
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    assert said(folder(tmp_path)) == {"dog/a.png": ("Rex",)}


def test_links_in_circles_end(tmp_path, save, folder, said):
    save(tmp_path / "cat" / "a.png")
    save(tmp_path / "dog" / "a.png")
    (tmp_path / "dog" / "up").symlink_to(tmp_path)
    assert set(said(folder(tmp_path))) == {"cat/a.png", "dog/a.png"}


GOOD = '{"file": "a.png", "text": "x"}'
TABLES = [
    ([], r"{root}/metadata\.jsonl is empty: it must hold one row"),
    (['{"name": "a.png", "text": "x"}'], r"none of the columns file_name, .*has, name, text$"),
    (['{"file": "a.png", "said": "x"}'], r"none of the columns captions, .*has, file, said$"),
    ([GOOD, '{"file": "a.pn'], r"{root}/metadata\.jsonl, line 2 is not valid JSON: "),
    ([GOOD, '["a.png", "x"]'], r"line 2 must be a JSON object, got \['a\.png', 'x'\]$"),
    (['{"file": "a.png", "text": true}'], r"a\.png: a caption must be a string or a number, got T"),
    (['{"file": "a.png", "text": "\\ud800"}'], r"a\.png: a caption must be valid Unicode, got"),
    (['{"file": null, "text": "x"}'], r"line 1: the image must be a file name, got None$"),
    (['{"file": "../a.png", "text": "x"}'], r"'\.\./a\.png' must lie inside the folder {root}$"),
    (['{"file": "/etc/a.png", "text": "x"}'], r"'/etc/a\.png' must lie inside the folder {root}; "),
    (['{"file": "b.png", "text": "x"}'], r"none of the 1 images of {root} can be used: b\.png"),
    (['{"file": "a.png", "text": "", "split": "out"}'], r"split must be train, .* got 'out'$"),
    (
        [f'{{"file": "a.png", "text": "x", "split": "{name}"}}' for name in ("train", "val")],
        r"line 2: the image 'a\.png' is in two splits, train and val$",
    ),
]


@pytest.mark.parametrize(("lines", "sentence"), TABLES)
def test_a_captions_file_that_breaks_a_rule(tmp_path, lines, sentence, save, folder):
    save(tmp_path / "a.png")
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=sentence.format(root=tmp_path)) as caught:
        folder(tmp_path).setup("fit")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ({}, r"{root} has 1 images but no captions: add a metadata\.jsonl"),
        ({"one.jsonl": b"", "two.csv": b""}, r"captions files \(one\.jsonl, two\.csv\): name one"),
        ({"x.csv": b"file,text\na.png,red, large\n"}, r"x\.csv, line 2 has more fields than the h"),
        ({"x.csv": "file,text\na.png,Bär\n".encode("latin-1")}, r"x\.csv must be UTF-8 text: "),
        ({"x.csv": b'file,text\na.png,"red\n'}, r"x\.csv, line 2 is not valid CSV: "),
        ({"a.txt": "Bär".encode("latin-1")}, r"a\.txt must be UTF-8 text: "),
    ],
)
def test_other_files_that_break_a_rule(tmp_path, others, sentence, save, folder):
    save(tmp_path / "a.png")
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=sentence.format(root=tmp_path)):
        folder(tmp_path).setup("fit")


def test_a_folder_without_images_is_named(tmp_path, folder):
    with pytest.raises(ValueError, match=r"is an empty folder: it must hold images and"):
        folder(tmp_path).setup("fit")
    (tmp_path / "notes.doc").write_text("x")
    with pytest.raises(ValueError, match=r"has no images \(\.png, "):
        folder(tmp_path).setup("fit")


def test_a_missing_root_and_a_file_as_root_are_told_apart(tmp_path, save, folder):
    with pytest.raises(FileNotFoundError, match=r"root must be a folder .* does not exist$"):
        folder(tmp_path / "none").setup("fit")
    with pytest.raises(ValueError, match=r"root must be a folder .* is a file$"):
        folder(save(tmp_path / "a.png")).setup("fit")


def test_named_files_and_columns_must_be_there(tmp_path, numbered, folder):
    numbered(tmp_path, 3)
    with pytest.raises(FileNotFoundError, match="captions_file must be a file, got"):
        folder(tmp_path, captions_file="none.jsonl").setup("fit")
    with pytest.raises(ValueError, match=r"captions_file must end with one of \.jsonl"):
        folder(tmp_path, captions_file="000.png").setup("fit")
    expected = r"no column 'said' \(caption_column\); its columns are file_name, text$"
    with pytest.raises(ValueError, match=expected):
        folder(tmp_path, caption_column="said").setup("fit")
    with pytest.raises(FileNotFoundError, match="exclude must be a file of names, got"):
        folder(tmp_path, exclude=str(tmp_path / "none.txt")).setup("fit")
    (tmp_path / "out.txt").write_text("900.png")
    with pytest.raises(ValueError, match=r"names '900\.png', which is none of the images"):
        folder(tmp_path, exclude=str(tmp_path / "out.txt")).setup("fit")
    (tmp_path / "metadata.jsonl").unlink()
    with pytest.raises(ValueError, match=r"image_folder is an option of a captions file, and "):
        folder(tmp_path, image_folder="x").setup("fit")
