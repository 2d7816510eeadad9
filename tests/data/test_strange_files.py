"""Untrusted folders: links, pipes, and files or captions of endless length."""

import json
import os
import socket

import pytest

WHY = "it is a link, and follow_links is false"


@pytest.fixture
def away(tmp_path, save):
    """A folder beside the one that is read, with an image and a secret."""
    save(tmp_path / "away" / "far.png", (1, 2, 3))
    (tmp_path / "away" / "secret.txt").write_text("root:x:0:0")
    return tmp_path / "away"


def beside(save, root, n=4):
    """Images with a .txt of their name beside each."""
    for place in range(n):
        save(root / f"{place}.png", (place, 0, 0))
        (root / f"{place}.txt").write_text(f"image {place}")
    return root


def test_pipes_sockets_and_devices_are_never_opened(tmp_path, numbered, folder, said, monkeypatch):
    root = numbered(tmp_path / "root", 4)
    monkeypatch.chdir(root)
    os.mkfifo("pipe.png")
    os.mkfifo("001.txt")
    (root / "002.png").unlink()
    os.mkfifo("002.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        data = folder(root, val_share=0.0)
        assert set(said(data)) == {"000.png", "001.png", "003.png"}
    assert data.skipped == [(str(root / "002.png"), "it must be a regular file, and is a pipe")]
    assert "links or files that are not regular, such as 001.txt (it must be" in data.summary()


def test_a_captions_file_that_is_a_pipe_is_a_sentence(tmp_path, numbered, folder, said):
    root = numbered(tmp_path / "root", 4)
    (root / "metadata.jsonl").unlink()
    os.mkfifo(root / "metadata.jsonl")
    with pytest.raises(ValueError, match=r"metadata.jsonl is not read: it must be a regular file"):
        said(folder(root))
    with pytest.raises(FileNotFoundError, match="captions_file must be a file"):
        said(folder(root, captions_file="metadata.jsonl"))


def test_a_caption_that_is_a_link_is_not_read_unless_links_are_followed(
    tmp_path, save, folder, said, away
):
    root = beside(save, tmp_path / "root")
    (root / "1.txt").unlink()
    (root / "1.txt").symlink_to(away / "secret.txt")
    data = folder(root, val_share=0.0)
    assert "root:x:0:0" not in {text for texts in said(data).values() for text in texts}
    assert (str(root / "1.png"), f"1.txt: {WHY}") in data.skipped
    assert said(folder(root, follow_links=True, val_share=0.0))["1.png"] == ("root:x:0:0",)


@pytest.mark.parametrize("what", ["image", "folder"])
def test_an_image_behind_a_link_is_left_out_and_said(
    tmp_path, numbered, jsonl, folder, said, away, what
):
    root = numbered(tmp_path / "root", 4)
    (root / "out").symlink_to(away)
    (root / "link.png").symlink_to(away / "far.png")
    name = {"image": "link.png", "folder": "out/far.png"}[what]
    rows = [{"file_name": f"00{place}.png", "text": f"{place}"} for place in range(4)]
    jsonl(root / "metadata.jsonl", [*rows, {"file_name": name, "text": "far"}])
    data = folder(root, val_share=0.0)
    assert name not in said(data)
    reason = {"image": WHY, "folder": f"{root / 'out'} is a link, and follow_links is false"}
    assert data.skipped == [(str(root / name), reason[what])]
    assert said(folder(root, follow_links=True, val_share=0.0))[name] == ("far",)


@pytest.mark.parametrize("name", ["metadata.csv", "train"])
def test_a_captions_file_or_a_split_that_is_a_link_is_a_sentence(
    tmp_path, numbered, folder, said, away, name
):
    numbered(away / "train", 3)
    (away / "metadata.csv").write_text("file_name,text\n000.png,a\n001.png,b\n")
    root = numbered(tmp_path / "root", 2)
    (root / "metadata.jsonl").unlink()
    (root / name).symlink_to(away / name)
    rule = rf"root/{name} is not read: {WHY} \(data.follow_links=true follows links\)"
    with pytest.raises(ValueError, match=rule):
        said(folder(root))
    assert len(said(folder(root, follow_links=True, val_share=0.0))) >= 2


def test_a_named_captions_file_is_no_link_in_the_folder_but_may_lie_elsewhere(
    tmp_path, numbered, folder, said
):
    root = numbered(tmp_path / "root", 2)
    (root / "metadata.jsonl").rename(tmp_path / "rows.jsonl")
    (root / "link.jsonl").symlink_to(tmp_path / "rows.jsonl")
    with pytest.raises(ValueError, match=rf"link.jsonl' is not read: {WHY}"):
        said(folder(root, captions_file="link.jsonl"))
    elsewhere = folder(root, captions_file=str(tmp_path / "rows.jsonl"), val_share=0.0)
    assert set(said(elsewhere)) == {"000.png", "001.png"}


def test_a_folder_of_links_alone_says_so(tmp_path, folder, said, away):
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.png").symlink_to(away / "far.png")
    with pytest.raises(ValueError, match=rf"has no images.*; left out: a.png: {WHY}"):
        said(folder(root))


def test_the_root_itself_may_be_a_link(tmp_path, numbered, folder, said):
    numbered(tmp_path / "root", 3)
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert len(said(folder(tmp_path / "link", val_share=0.0))) == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,text\n000.png,a\n001.png,{}\n"),
        ("metadata.jsonl", '{{"file_name": "000.png", "text": ["a", "{}"]}}'),
        ("captions.json", '[{{"file_name": "000.png", "text": "{}"}}]'),
    ],
)
def test_a_captions_file_with_an_endless_caption_is_one_sentence(
    tmp_path, numbered, folder, said, name, text
):
    root = numbered(tmp_path / "root", 2)
    (root / "metadata.jsonl").unlink()
    (root / name).write_text(text.format("x" * 1_000_001))
    with pytest.raises(ValueError, match=r"holds a (line|string) of more than 1,000,000 bytes"):
        said(folder(root))


def test_a_caption_of_more_than_10_000_characters_is_left_out_with_its_place(
    tmp_path, numbered, jsonl, folder, said
):
    root = numbered(tmp_path / "root", 3)
    rows = [
        {"file_name": "000.png", "text": "x" * 10_001},
        {"file_name": "001.png", "text": json.dumps(["y" * 10_001])},
        {"file_name": "002.png", "text": "z" * 10_000},
    ]
    jsonl(root / "metadata.jsonl", rows)
    data = folder(root, val_share=0.0)
    assert set(said(data)) == {"002.png"}
    assert [file for file, _ in data.skipped] == [str(root / "000.png"), str(root / "001.png")]
    assert all("at most 10,000 characters, got 10,001" in reason for _, reason in data.skipped)


def test_an_endless_line_beside_an_image_skips_that_image_alone(tmp_path, save, folder, said):
    root = beside(save, tmp_path / "root")
    (root / "2.txt").write_text("x" * 1_000_001)
    data = folder(root, val_share=0.0)
    assert set(said(data)) == {"0.png", "1.png", "3.png"}
    assert "holds a line of more than 1,000,000 bytes" in dict(data.skipped)[str(root / "2.png")]


def test_a_huge_json_document_is_refused_before_it_is_read(
    tmp_path, numbered, folder, said, monkeypatch
):
    monkeypatch.setattr("textgan.data.json_rows._MOST_BYTES", 50)
    root = numbered(tmp_path / "root", 2)
    (root / "metadata.jsonl").unlink()
    (root / "captions.json").write_text(json.dumps([{"file_name": "000.png", "text": "a"}] * 3))
    with pytest.raises(ValueError, match=r"one JSON document may have 50: save it as JSON lines"):
        said(folder(root))
