"""A run that is ended at any moment goes on from `last.ckpt` as if nothing had happened."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from torch.testing import assert_close

from textgan.checkpoint.reading import read_checkpoint
from textgan.cli.main import main

TOTAL = 120


class Command:
    """`python -m textgan` with these words, as a process of its own."""

    def __init__(self, words: list[str]):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "textgan", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.kill, self.wait = self.process.kill, self.process.wait
        self.pid = self.process.pid

    def status(self) -> int | None:
        return self.process.poll()


class Fork:
    """The same command in a fork of this process, which need not import anything anew."""

    def __init__(self, words: list[str]):
        process = multiprocessing.get_context("fork").Process(target=run, args=(words,))
        process.start()
        self.process, self.kill, self.wait = process, process.kill, process.join
        self.pid = process.pid

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


@pytest.mark.slow
@pytest.mark.parametrize("start", [Fork, pytest.param(Command, marks=pytest.mark.timeout(900))])
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
    for part in ("state_dict", "optimizer_states"):
        assert_close(found[part], expected[part], rtol=0, atol=0)
    assert not being_written.exists()


def long_run(tiny: list[str], folder: str, *more: str, total: int = 160) -> list[str]:
    short = [f"total_images={total}", "checkpoint_every_images=0", "sample_every_images=16"]
    few = ["trainer.callbacks.sample_grid.number=1", "callback=[checkpoint,sample_grid]"]
    return ["fit", *tiny, *short, *few, f"hydra.run.dir={folder}", *more]


def finish_as(whole: Path, folder: Path) -> None:
    """Go on in the folder, and compare its end with that of a run that nothing ended."""
    assert main(["fit", f"ckpt_path={folder}/last.ckpt"]) == 0
    expected, found = (read_checkpoint(at / "last.ckpt") for at in (whole, folder))
    for part in ("state_dict", "optimizer_states"):
        assert_close(found[part], expected[part], rtol=0, atol=0)


def test_sigterm_ends_the_step_and_the_run_goes_on_bitwise(tiny, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(long_run(tiny, "whole")) == 0
    process = Fork(long_run(tiny, "run", "data.num_workers=1"))
    until(process, Path("run/samples/000000016.png").exists)
    os.kill(process.pid, signal.SIGTERM)
    process.wait()
    assert process.status() == 143
    seen = images_in(Path("run/last.ckpt"))
    assert 16 <= seen < 160
    said = f"textgan: stopped by SIGTERM at {seen} images; continue with: textgan fit ckpt_path=run"
    assert f"{said}/last.ckpt\n" in capfd.readouterr().err
    assert Path("run/pipeline/model.safetensors").exists()
    finish_as(Path("whole"), Path("run"))


def test_sigterm_ends_prediction_and_what_was_drawn_stays(trained, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    Path("captions.txt").write_text("a red circle\n" * 3000, encoding="utf-8")
    words = ["predict", f"ckpt_path={trained}/last.ckpt", "captions_file=captions.txt"]
    process = Fork([*words, "hydra.run.dir=run"])
    until(process, lambda: any(Path("run").glob("predictions/*.png")))
    os.kill(process.pid, signal.SIGTERM)
    process.wait()
    assert process.status() == 143
    assert "batches; the images until then are in run/predictions\n" in capfd.readouterr().err
    assert 0 < len([*Path("run/predictions").iterdir()]) < 3000


def processes_of(leader: int) -> list[int]:
    """A process and those that it started, the loaders' left out."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(leader)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    started = [line.split()[0] for line in listed.splitlines() if "--run_dir" in line]
    return [leader, *map(int, started)]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("whom", ["the first", "the second", "all"])
@pytest.mark.parametrize("seed", range(2))
def test_two_processes_end_at_a_random_moment_of_sigterm(seed, whom, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two = ["trainer=ddp_cpu", "data.batch_size=4", "data.num_workers=1"]
    assert main(long_run(tiny, "whole", *two)) == 0
    process = Command(long_run(tiny, "run", *two))
    until(process, Path("run/samples/000000016.png").exists)
    time.sleep(random.Random(seed).uniform(0, 1))
    first, *others = processes_of(process.pid)
    assert len(others) == 1
    if whom == "all":
        os.killpg(process.pid, signal.SIGTERM)
    else:
        os.kill({"the first": first, "the second": others[0]}[whom], signal.SIGTERM)
    process.wait()
    assert process.status() == 143
    finish_as(Path("whole"), Path("run"))


def hears_sigterm(pid: int) -> bool:
    """Whether a process has set up a handler of SIGTERM; before that the kernel ends it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def verbs(tiny: list[str], trained: Path) -> dict[str, list[str]]:
    """Commands that take some seconds, each in the folder `run`."""
    known = [f"ckpt_path={trained}/last.ckpt", "hydra.run.dir=run"]
    metrics = ["metric=[sharpness,shape_diversity]", "data.test_size=3000", "data.num_workers=1"]
    return {
        "fit": long_run(tiny, "run", "data.num_workers=1", "validate_every_images=40", total=480),
        "test": ["test", *known, *metrics],
        "predict": ["predict", *known, "captions_file=captions.txt"],
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("verb", ["fit", "test", "predict"])
def test_ten_random_moments_of_sigterm(verb, tiny, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("captions.txt").write_text("a red circle\n" * 2000, encoding="utf-8")
    words = verbs(tiny, trained)[verb]
    begun = time.monotonic()
    whole = Command(words)
    whole.wait()
    seconds = time.monotonic() - begun
    assert whole.status() == 0
    shutil.move("run", "whole")
    moments, reached, stopped = random.Random(verb), 0, 0
    for attempt in range(10):
        process = Command(words)
        if verb == "fit" and attempt % 2:  # in training, which is short beside the start
            until(process, Path("run/samples/000000016.png").exists)
            time.sleep(moments.uniform(0, 0.5))
        else:
            until(process, partial(hears_sigterm, process.pid))
            time.sleep(moments.uniform(0, 0.6 * seconds))
        if process.status() == 0:  # this run was much faster than the first one
            shutil.rmtree("run")
            continue
        os.kill(process.pid, signal.SIGTERM)
        asked = time.monotonic()
        process.wait()
        assert process.status() == 143
        assert time.monotonic() - asked < max(20, 2 * seconds)
        reached += 1
        if verb == "fit" and Path("run/last.ckpt").exists():
            stopped += images_in(Path("run/last.ckpt")) < 480
            finish_as(Path("whole"), Path("run"))
        shutil.rmtree("run", ignore_errors=True)
    assert reached >= 5
    assert verb != "fit" or stopped > 0
