"""Runs that end otherwise than well: one sentence, and nothing lost."""

import errno
import math
import os
import re
import resource
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from textgan.checkpoint.reading import read_checkpoint
from textgan.model.gan import GANModel


def images_in(checkpoint: str) -> int:
    return int(read_checkpoint(checkpoint)["state_dict"]["images_seen"])


@pytest.fixture
def spoil():
    """Spoil a training at so many images: images, what to do with the model -> how to undo it."""
    step, patch = GANModel.training_step, pytest.MonkeyPatch()

    def at(images, how):
        def spoiling(model, batch, batch_idx):
            step(model, batch, batch_idx)
            if model.seen == images:
                how(model)

        patch.setattr(GANModel, "training_step", spoiling)
        return patch.undo

    yield at
    patch.undo()


@torch.no_grad()
def a_weight(model: GANModel) -> None:
    next(model.generator.parameters()).view(-1)[0] = math.nan


@torch.no_grad()
def an_average(model: GANModel) -> None:
    next(model.ema.parameters()).view(-1)[0] = math.inf


def an_optimizer(model: GANModel) -> None:
    optimizer = model.trainer.optimizers[0]
    next(iter(optimizer.state.values()))["exp_avg"].view(-1)[0] = math.nan


def test_weights_that_are_nan_leave_the_checkpoint_and_a_smaller_rate_goes_on(
    textgan, refused, tiny, spoil
):
    be_well = spoil(32, a_weight)
    words = [*tiny, "total_images=48", "checkpoint_every_images=16", "hydra.run.dir=run"]
    err = refused("fit", *words)
    sentence, _, command = err.partition("; continue from the last good checkpoint with: ")
    assert "training stopped at 32 images: generator." in sentence
    assert "is not finite; try a smaller learning rate" in sentence
    assert images_in("run/last.ckpt") == 16
    assert not Path("run/pipeline").exists()
    assert not [*Path("run").glob(".*")]
    be_well()
    verb, *others = shlex.split(command)[1:]
    assert "model.generator_optimizer.lr=0.00015" in others
    status, _, err = textgan(verb, *others)
    assert status == 0, err
    assert images_in("run/last.ckpt") == 48
    state = read_checkpoint("run/last.ckpt")["state_dict"]
    assert all(torch.isfinite(value).all() for value in state.values())


def test_a_checkpoint_of_another_image_size_is_one_sentence(refused, trained):
    run = shutil.copytree(trained, "run")
    err = refused("fit", f"ckpt_path={run}/last.ckpt", "image_size=32")
    unfit = r"does not fit this model \(weights: (\d+ (have|are) [a-z ]+, such as [\w.]+(; )?)+\)$"
    assert re.search(unfit, err)


@pytest.mark.parametrize("what", [an_average, an_optimizer])
def test_without_a_good_checkpoint_it_says_so(what, refused, tiny, spoil):
    spoil(16, what)
    err = refused("fit", *tiny, "checkpoint_every_images=16", "hydra.run.dir=run")
    assert "there is no good checkpoint yet: start again with model.generator_op" in err
    assert not Path("run/last.ckpt").exists()


def test_a_run_without_a_checkpoint_begins_anew_and_says_so(textgan, refused, trained, tiny):
    run = Path(shutil.copytree(trained, "run"))
    (run / "last.ckpt").unlink()
    for given in ("run", "run/last.ckpt"):
        err = refused("fit", f"ckpt_path={given}")
        assert "the run in run ended before its first checkpoint was written; start it" in err
    status, out, err = textgan("fit", *tiny, f"hydra.run.dir={run}")
    assert status == 0, err
    assert "run holds a run that ended before its first checkpoint: the run starts again" in out
    assert images_in("run/last.ckpt") == 32


@pytest.mark.slow
def test_a_folder_and_the_words_last_and_best_name_a_checkpoint(textgan, trained):
    run = Path(shutil.copytree(trained, "runs/2026-01-01/one"))
    shutil.copy(run / "last.ckpt", run / "best.ckpt")
    for verb, *words in (["fit", "ckpt_path=last"], ["fit", "--ckpt_path", str(run)]):
        status, out, err = textgan(verb, *words)
        assert status == 0, err
        assert f"--model {run}/pipeline" in out
        assert (run / "last.ckpt").read_bytes() == (trained / "last.ckpt").read_bytes()
    for given in (f"ckpt_path={run}", "ckpt_path=best"):
        status, _, err = textgan("validate", given)
        assert status == 0, err
    config = f"{trained}/run.yaml"
    status, _, err = textgan("test", "--config", config, "--ckpt_path", str(run), "--run_dir", "t")
    assert status == 0, err


@pytest.fixture
def room(monkeypatch):
    """From now on no file may grow beyond so many bytes: what a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_leaves_the_checkpoint_before_and_says_which(refused, tiny, spoil, room):
    spoil(24, lambda model: room(50_000))
    words = [*tiny, "total_images=48", "checkpoint_every_images=16", "hydra.run.dir=run"]
    err = refused("fit", *words)
    last = "run/last.ckpt"
    start = f"continue from {last}, which is complete"
    assert err == f"textgan: {last} cannot be written: File too large; {start}"
    assert images_in(last) == 16
    assert not [*Path("run").rglob(".*")]


NO_ROOM = OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_ends_prediction(refused, trained, monkeypatch):
    Path("captions.txt").write_text("a red circle\n", encoding="utf-8")
    known = [f"ckpt_path={trained}/last.ckpt", "hydra.run.dir=run"]
    monkeypatch.setattr(Image.Image, "save", full_disk)
    err = refused("predict", *known, "captions_file=captions.txt")
    file = "run/predictions/0000_a_red_circle.png"
    assert err == f"textgan: {file} cannot be written: No space left on device"
    assert [*Path("run/predictions").iterdir()] == []


def test_a_full_disk_ends_the_report_of_a_test(refused, trained, monkeypatch):
    write = Path.write_text
    monkeypatch.setattr(
        Path,
        "write_text",
        lambda path, *w, **m: full_disk() if "evaluation" in path.name else write(path, *w, **m),
    )
    known = [f"ckpt_path={trained}/last.ckpt", "hydra.run.dir=run"]
    err = refused("test", *known)
    assert err == "textgan: run/evaluation.html cannot be written: No space left on device"
    assert not [*Path("run").rglob(".*")]


def full_disk(*words, **more):
    raise NO_ROOM


def test_a_run_folder_that_cannot_be_written_to_is_one_sentence(refused, tiny, monkeypatch):
    write = Path.write_text

    def read_only(path, *words, **more):
        if "run.yaml" in path.name:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return write(path, *words, **more)

    monkeypatch.setattr(Path, "write_text", read_only)
    err = refused("fit", *tiny, "hydra.run.dir=mine")
    assert err == (
        "textgan: the run folder mine cannot be written (Read-only file system): name another by "
        "hydra.run.dir=FOLDER or --run_dir FOLDER"
    )


def test_a_signal_ends_the_whole_sweep(textgan, tiny, monkeypatch):
    begun = []

    def stopped(verb, config, *rest):
        begun.append(config["model"]["init_args"]["seed"])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr("textgan.run.launch.launch_composed", stopped)
    try:
        status, _, err = textgan("fit", *tiny, "-m", "seed=0,1,2")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (status, begun) == (143, [0])
    assert err.endswith("textgan: stopped by SIGTERM\n")


def test_a_signal_keeps_its_status_where_the_pipeline_cannot_be_written(
    textgan, tiny, spoil, monkeypatch
):
    def full(pipeline, folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr("textgan.pretrained.part.Part.save_pretrained", full)
    spoil(16, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        status, _, err = textgan("fit", *tiny, "hydra.run.dir=run")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert status == 143
    assert "continue with: textgan fit ckpt_path=run/last.ckpt" in err
    assert images_in("run/last.ckpt") == 16


@pytest.mark.parametrize("where", ["training_step", "__init__"])
def test_too_little_memory_says_what_takes_less(where, refused, tiny, monkeypatch):
    def greedy(*words, **more):
        torch.empty(2**48)

    monkeypatch.setattr(GANModel, where, greedy)
    err = refused("fit", *tiny)
    assert err == "textgan: too little memory: data.batch_size=4 needs less"
