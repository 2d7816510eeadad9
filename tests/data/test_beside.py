"""Captions in files of the images' names, beside them or in a folder of their own."""

from pathlib import Path

import pytest


def test_texts_in_a_folder_beside_that_of_the_images_are_read(tmp_path, lay, folder, said):
    """As CUB's birds are laid out; the names of the species' folders are no captions then."""
    images = ["images/001.Crow/a.png", "images/002.Jay/b.png", "images/002.Jay/c.png"]
    texts = {"text/001.Crow/a.txt": "a black bird", "text/002.Jay/b.txt": "a blue bird"}
    data = folder(lay(tmp_path, texts, images))
    assert said(data) == {images[0]: ("a black bird",), images[1]: ("a blue bird",)}
    assert data.skipped == [(str(tmp_path / images[2]), "it has no caption")]


def test_parts_of_a_split_beside_one_another_are_splits(tmp_path, lay, folder, files):
    images = ["images/train/a.png", "images/val/b.png"]
    texts = {"captions/train/a.txt": "x", "captions/val/b.txt": "y"}
    data = folder(lay(tmp_path, texts, images))
    assert (files(data, "train"), files(data, "val")) == ({images[0]}, {images[1]})


def test_two_texts_that_may_be_an_images_are_not_guessed_at(tmp_path, lay, folder):
    texts = {"one/a.txt": "x", "two/a.txt": "y"}
    with pytest.raises(ValueError, match="no captions"):
        folder(lay(tmp_path, texts, ["images/a.png"])).setup("fit")


@pytest.mark.parametrize("box", ["0 0.5 0.5 0.25 0.125\n3 0.1 0.2 0.3 0.4\n", "0 0.5 0.5 1 1"])
@pytest.mark.parametrize("place", ["", "labels/"])
def test_boxes_round_objects_are_no_captions(tmp_path, place, box, lay, folder):
    images = ["images/a.png" if place else "a.png"]
    texts = {f"{place}a.txt": box}
    with pytest.raises(ValueError, match=r"a\.txt: it holds bounding boxes, and no captions"):
        folder(lay(tmp_path, texts, images)).setup("fit")


def test_the_suffix_can_be_named_and_goes_before_a_captions_file(tmp_path, lay, folder, said):
    texts = {"a.txt": "tag", "a.caption": "a thing", "metadata.csv": "file,text\na.png,row\n"}
    lay(tmp_path, texts, ["a.png"])
    assert said(folder(tmp_path)) == {"a.png": ("row",)}
    assert said(folder(tmp_path, caption_suffix=".caption")) == {"a.png": ("a thing",)}
    assert said(folder(tmp_path, caption_suffix="txt")) == {"a.png": ("tag",)}
    with pytest.raises(ValueError, match=r"no image with a file of its name and the suffix \.cap "):
        folder(tmp_path, caption_suffix=".cap").setup("fit")


def test_a_text_in_another_encoding_gets_the_same_sentence(tmp_path, save, folder, said):
    save(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes("ein Bär".encode("cp1252"))
    with pytest.raises(
        ValueError, match=r'a\.txt must be UTF-8 .*"ein Bär"\): set data\.encoding='
    ):
        folder(tmp_path).setup("fit")
    assert said(folder(tmp_path, encoding="cp1252")) == {"a.png": ("ein Bär",)}


def test_json_beside_images_that_says_something_else_is_passed_over(tmp_path, lay, folder, said):
    images = ["cat/a.png", "dog/b.png"]
    data = folder(lay(tmp_path, {"cat/a.json": '{"camera": "x"}'}, images))
    assert set(said(data).values()) == {("cat",), ("dog",)}
    lay(tmp_path, {"cat/a.json": "{", "dog/b.json": "[" * 100_000})
    with pytest.raises(ValueError, match=r"not valid JSON"):
        folder(tmp_path, caption_suffix=".json").setup("fit")


def test_many_folders_within_one_another_end(tmp_path, save, folder):
    save(tmp_path / Path(*["x"] * 300) / "a.png")
    with pytest.raises(ValueError, match="has 1 images but no captions"):
        folder(tmp_path).setup("fit")
