"""Regular files alone are opened, and links only where wanted."""

import os
import socket
from pathlib import Path

import pytest

from textgan.file.regular import LINK, check_no_link, find_files, open_regular


def refused(path: Path, kind: str) -> None:
    with pytest.raises(OSError, match=f"it must be a regular file, and is {kind}"):
        open_regular(path)


def test_a_pipe_a_socket_a_device_and_a_folder_are_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may have 108 bytes
    os.mkfifo("pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        refused(tmp_path / "pipe.png", "a pipe")
        refused(tmp_path / "socket.png", "a socket")
    refused(Path("/dev/zero"), "a device")
    refused(tmp_path, "a folder")


def test_a_file_is_opened_and_a_missing_one_named(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    with open_regular(tmp_path / "a") as file:
        assert file.read() == b"content"
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "b")


def test_a_link_and_a_file_behind_a_linked_folder_are_told_apart_from_others(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "b.png").touch()
    (root / "sub" / "a.png").touch()
    (root / "c.png").symlink_to(root / "sub" / "a.png")
    (root / "out").symlink_to(tmp_path / "away")
    (tmp_path / "named").symlink_to(root)
    check_no_link(root, "sub/a.png")
    check_no_link(tmp_path / "named", "sub/a.png")
    with pytest.raises(OSError, match="it is a link, and follow_links is false"):
        check_no_link(root, "c.png")
    with pytest.raises(OSError, match="out is a link, and follow_links is false"):
        check_no_link(root, "out/b.png")


def test_what_is_found_and_what_is_left_out(tmp_path):
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "__MACOSX").mkdir()
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "far.png").touch()
    for name in ("a.PNG", "sub/deep/b.png", "notes.txt", ".hidden.png", "__MACOSX/c.png"):
        (root / name).touch()
    os.mkfifo(root / "pipe.png")
    (root / "sub" / "link.png").symlink_to(root / "a.PNG")
    (root / "sub" / "up").symlink_to(root)
    (root / "broken.png").symlink_to(root / "nothing")
    (root / "out").symlink_to(tmp_path / "away")
    pipe = "it must be a regular file, and is a pipe"
    found = find_files(root, (".png",))
    assert found.files == [root / "a.PNG", root / "sub" / "deep" / "b.png"]
    assert found.others == 1
    links = dict.fromkeys(("sub/link.png", "sub/up", "broken.png", "out"), LINK)
    assert found.left_out == {root / file: why for file, why in {"pipe.png": pipe, **links}.items()}
    found = find_files(root, (".png",), follow_links=True)
    names = ["a.PNG", "out/far.png", "sub/deep/b.png", "sub/link.png"]
    assert found.files == [root / name for name in names]
    missing = "No such file or directory"
    assert found.left_out == {root / "pipe.png": pipe, root / "broken.png": missing}
