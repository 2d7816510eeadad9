"""The file in a folder that a row of a captions file names."""

import unicodedata

import pytest

from textgan.data.names import Names
from textgan.data.tree import Tree, walk

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Müller.png") for form in ("NFC", "NFD"))


def names(tmp_path, *files: str, **arguments) -> Names:
    return Names(Tree(tmp_path, tuple(sorted(files))), **arguments)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ([DECOMPOSED], COMPOSED),  # a zip made by macOS
        ([COMPOSED], DECOMPOSED),
        (["Sub/" + DECOMPOSED], "sub/" + COMPOSED),
        (["a.PNG"], "A.png"),
        (["Images/A.jpg"], "images/a.JPG"),
        (["a.jpg"], "a"),
        (["a.webp"], "a.png"),
        (["v1.5.png"], "v1.5"),
        (["images/a.png"], "images\\a.png"),
        (["images/a.jpg"], ".\\Images\\a.png"),
        (["a.png"], "./a.png"),
        (["a.png"], "a.png#3"),
        (["a.png#3.png"], "a.png#3.png"),
    ],
)
def test_a_name_in_another_form_is_found_where_one_file_fits(tmp_path, files, name):
    assert names(tmp_path, *files, "other.png").find(name) == (files[0], None)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["a.jpg", "a.png"], "a"),
        (["a.jpg", "a.webp"], "a.png"),
        (["A.png", "a.PNG"], "a.png"),
        ([COMPOSED.upper(), DECOMPOSED], COMPOSED),
    ],
)
def test_where_several_files_nearly_fit_none_is_taken(tmp_path, files, name):
    file, reason = names(tmp_path, *files).find(name)
    assert file == name
    assert reason.startswith("no file has this name, and several nearly do: ")
    assert all(each in reason for each in files)


def test_the_very_name_goes_before_all_others(tmp_path):
    found = names(tmp_path, "a.jpg", "a.png", "A.png", "images\\b.png", "images/b.png")
    assert found.find("a.png") == ("a.png", None)
    assert found.find("images\\b.png") == ("images\\b.png", None)


def test_a_missing_file_keeps_its_name(tmp_path):
    assert names(tmp_path, "b/a.png").find("a.png") == ("a.png", None)


def test_anywhere_all_parts_of_a_name_must_be_there(tmp_path):
    found = names(tmp_path, "x/a/0.png", "x/b/0.png", "x/b/1.png")
    assert found.find("1.png", anywhere=True) == ("x/b/1.png", None)
    assert found.find("a/0.png", anywhere=True) == ("x/a/0.png", None)
    assert found.find("c/1.png", anywhere=True) == ("c/1.png", None)
    assert "x/a/0.png, x/b/0.png" in found.find("0.png", anywhere=True)[1]


def test_the_first_base_goes_before_the_next(tmp_path):
    found = names(tmp_path, "a.png", "own/a.png", "b.png", bases=("own", ""))
    assert found.find("a.png") == ("own/a.png", None)
    assert found.find("b.png") == ("b.png", None)
    assert found.find("../b.png") == ("b.png", None)
    assert found.find("../c.png") == ("c.png", None)


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "x/../../a.png", "..\\a.png", "C:\\a.png"]
)
def test_a_name_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="must lie inside the folder"):
        names(tmp_path, "b.png").find(name)


@pytest.mark.parametrize("name", ["/elsewhere/a.png", "C:\\elsewhere\\a.png", "../A.PNG#0"])
def test_of_the_last_part_alone_it_does_not_matter_where_it_led(tmp_path, name):
    found = names(tmp_path, "here/a.png", bases=("here",), last_part=True)
    assert found.find(name) == ("here/a.png", None)


def test_folders_of_systems_and_hidden_files_are_not_walked_into(tmp_path, save):
    out = ("__MACOSX", ".ipynb_checkpoints", "@eaDir", "$RECYCLE.BIN", "lost+found", ".git")
    for place in ("", "deep/"):
        save(tmp_path / f"{place}a.png")
        save(tmp_path / f"{place}._a.png")
        for name in out:
            save(tmp_path / place / name / "a.png")
    assert walk(tmp_path).images == ("a.png", "deep/a.png")


@pytest.mark.parametrize("named", [None, "sub/captions.csv"])
def test_rows_of_a_captions_file_in_a_sub_folder_take_no_namesake_in_the_root(
    tmp_path, lay, folder, said, named
):
    table = {"sub/captions.csv": b"file,text\na.png,a\nb.png,b\nc.png,c\n"}
    lay(tmp_path, table, ["a.png", "c.png", "sub/a.png", "sub/b.png", "sub/d.png"])
    data = folder(tmp_path, captions_file=named, val_share=0)
    if named:  # both folders have two of the three images
        assert set(said(data)) == {"a.png", "c.png"}
        (tmp_path / "a.png").unlink()
        data = folder(tmp_path, captions_file=named, val_share=0)
    assert said(data) == {"sub/a.png": ("a",), "sub/b.png": ("b",)}
    assert [path for path, _ in data.skipped] == [str(tmp_path / "sub/c.png")]
