"""A run that is killed at any moment goes on from `last.ckpt` as if nothing had happened."""

import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from textgan.checkpoint import read_checkpoint
from textgan.cli import main

TOTAL = 240


class Command:
    """`python -m textgan` with these words, as a process of its own."""

    def __init__(self, words: list[str]):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-m", "textgan", *words], **quiet)
        self.kill, self.wait = self.process.kill, self.process.wait

    def status(self) -> int | None:
        return self.process.poll()


class Fork:
    """The same command in a fork of this process, which need not import anything anew."""

    def __init__(self, words: list[str]):
        process = multiprocessing.get_context("fork").Process(target=run, args=(words,))
        process.start()
        self.process, self.kill, self.wait = process, process.kill, process.join

    def status(self) -> int | None:
        return self.process.exitcode


def run(words: list[str]) -> None:
    sys.exit(main(words))


def images_in(checkpoint: Path) -> int:
    return int(read_checkpoint(checkpoint)["state_dict"]["images_seen"])


def until(process: Fork | Command, happened: Callable[[], bool]) -> None:
    """Wait for it, as closely as a file that is being written asks for."""
    deadline = time.monotonic() + 200
    while not happened():
        assert process.status() is None, f"ended too early: {process.status()}"
        assert time.monotonic() < deadline
        time.sleep(0.001)


def newer(path: Path, written: int | None) -> bool:
    return path.exists() and path.stat().st_mtime_ns != written


def same(one: object, two: object) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


@pytest.mark.parametrize(
    "start", [Fork, pytest.param(Command, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_killed_twice_ends_bitwise_as_the_one_left_alone(
    start, num_workers, tiny, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    words = [
        "fit",
        *tiny,
        f"total_images={TOTAL}",
        "checkpoint_every_images=8",
        "callback=[checkpoint]",
        f"data.num_workers={num_workers}",
    ]
    whole = start([*words, "hydra.run.dir=whole"])
    folder, moments, seen = Path("killed"), random.Random(0), [0]
    written = None
    last, being_written = folder / "last.ckpt", folder / ".last.ckpt.part"
    process = start([*words, f"hydra.run.dir={folder}"])
    for kill in range(2):
        until(process, partial(newer, last, written))
        if kill == 0:
            until(process, being_written.exists)
        else:
            time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.wait()
        assert process.status() == -signal.SIGKILL, "it was not killed but had ended"
        seen.append(images_in(last))
        written = last.stat().st_mtime_ns
        assert seen[-2] < seen[-1] < TOTAL
        process = start([*words, f"ckpt_path={last}"])
    for ending in (process, whole):
        ending.wait()
        assert ending.status() == 0
    expected, found = read_checkpoint("whole/last.ckpt"), read_checkpoint(last)
    assert int(found["state_dict"]["images_seen"]) == TOTAL
    assert same(expected["state_dict"], found["state_dict"])
    assert same(expected["optimizer_states"], found["optimizer_states"])
    assert not being_written.exists()
