import errno

import pytest
import torch

from textgan.cli.main import main
from textgan.process.shortage import shortage

NO_ROOM = OSError(errno.ENOSPC, "No space left on device", "run/last.ckpt")


def without_a_name() -> OSError:
    try:
        try:
            raise NO_ROOM
        except OSError:
            raise OSError(errno.ENOSPC, "No space left on device")  # noqa: B904
    except OSError as error:
        return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NO_ROOM, "run/last.ckpt cannot be written: No space left on device"),
        (without_a_name(), "run/last.ckpt cannot be written: No space left on device"),
        (
            OSError(errno.EROFS, "Read-only file system"),
            "a file cannot be written: Read-only file system",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "x: Permission denied"),
        (MemoryError(), "too little memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
            "too little memory on the GPU",
        ),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is ..."),
            "too little shared memory for the data loader's processes: set data.num_workers=0",
        ),
        (
            RuntimeError(
                "[enforce fail at inline_container.cc] PytorchStreamWriter failed writing"
            ),
            "a file cannot be written: torch gives no reason; a full disk is a common one",
        ),
        (RuntimeError("shapes do not fit"), None),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), None),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), None),
        (ValueError("out of memory"), None),
    ],
)
def test_what_is_short_is_said(error, said):
    assert shortage(error) == said


def test_what_torch_says_is_known():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**48)
    assert shortage(error.value) == "too little memory"


def raising(error: BaseException):
    def main_of_a_verb(words):
        raise error

    return main_of_a_verb


@pytest.mark.parametrize("error", [NO_ROOM, MemoryError()])
def test_every_verb_ends_with_one_sentence(error, monkeypatch, capsys):
    monkeypatch.setattr("textgan.command.sample.main", raising(error))
    assert main(["sample", "a circle"]) == 2
    assert capsys.readouterr().err == f"textgan: {shortage(error)}\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("textgan.command.sample.main", raising(RuntimeError("bug")))
    with pytest.raises(RuntimeError, match="bug"):
        main(["sample", "a circle"])
