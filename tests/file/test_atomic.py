import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.file.atomic import remove_leftovers, replace_durably, whole
from textgan.image import save_png
from textgan.pretrained.files import write_files


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond 100 bytes, as on a full disk or beyond a quota."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def an_image(path: Path) -> None:
    save_png(Image.effect_noise((64, 64), 90), path)


def a_pipeline(path: Path) -> None:
    write_files(path.parent, {"_target_": "x"}, {"weight": torch.rand(100)})


def a_text(path: Path) -> None:
    with whole(path) as beside:
        beside.write_text("new" * 100)


@pytest.mark.parametrize(
    ("write", "name"),
    [(an_image, "a.png"), (a_pipeline, "model.safetensors"), (a_text, "a.json")],
)
def test_a_full_disk_leaves_the_old_file_nothing_else_and_a_name(write, name, tmp_path):
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)) as error, full_disk():
        write(path)
    assert error.value.filename == str(path)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_replacing_moves_the_new_file_over_the_old(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    replace_durably(new, old)
    assert old.read_text() == "new"
    assert not new.exists()


def test_what_ends_the_writing_leaves_nothing(tmp_path):
    def interrupted() -> None:
        with whole(tmp_path / "a") as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [*tmp_path.iterdir()] == []


def test_a_link_leads_to_the_file_that_is_replaced_and_a_device_stays(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    a_text(link)
    assert link.is_symlink()
    assert target.read_text() == "new" * 100
    a_text(Path(os.devnull))
    assert not Path(os.devnull).is_file()


def test_leftovers_of_a_process_that_was_killed_are_removed(tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "another_run").mkdir()
    others = [".mine", ".mine.part", "another_run/.last.ckpt.part", "mine.part"]
    for name in (".last.ckpt.part", "samples/.0.png.part", *others):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == others
