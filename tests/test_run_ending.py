"""Runs that end otherwise than well: one sentence, and nothing lost."""

import math
import shlex
import shutil
from pathlib import Path

import pytest
import torch

from textgan.checkpoint import read_checkpoint
from textgan.model.gan import GANModel


def images_in(checkpoint: str) -> int:
    return int(read_checkpoint(checkpoint)["state_dict"]["images_seen"])


def said(err: str) -> str:
    (sentence,) = [line for line in err.splitlines() if line.startswith("textgan: ")]
    assert "Traceback" not in err
    return sentence


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


def test_weights_that_are_nan_leave_the_checkpoint_and_a_smaller_rate_goes_on(textgan, tiny, spoil):
    be_well = spoil(32, a_weight)
    words = [*tiny, "total_images=48", "checkpoint_every_images=16", "hydra.run.dir=run"]
    status, _, err = textgan("fit", *words)
    assert status == 2
    sentence, _, command = said(err).partition("; go on from the last good checkpoint with: ")
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


@pytest.mark.parametrize("what", [an_average, an_optimizer])
def test_without_a_good_checkpoint_it_says_so(what, textgan, tiny, spoil):
    spoil(16, what)
    status, _, err = textgan("fit", *tiny, "checkpoint_every_images=16", "hydra.run.dir=run")
    assert status == 2
    assert "there is no good checkpoint yet: begin anew with model.generator_op" in said(err)
    assert not Path("run/last.ckpt").exists()


def test_a_run_without_a_checkpoint_begins_anew_and_says_so(textgan, trained, tiny):
    run = Path(shutil.copytree(trained, "run"))
    (run / "last.ckpt").unlink()
    for given in ("run", "run/last.ckpt"):
        status, _, err = textgan("fit", f"ckpt_path={given}")
        assert status == 2
        assert "the run in run ended before its first checkpoint was written; begin it" in said(err)
    status, out, err = textgan("fit", *tiny, f"hydra.run.dir={run}")
    assert status == 0, err
    assert "run holds a run that ended before its first checkpoint: it begins anew" in out
    assert images_in("run/last.ckpt") == 32


def test_a_folder_and_the_words_last_and_best_name_a_checkpoint(textgan, trained):
    run = Path(shutil.copytree(trained, "runs/2026-01-01/one"))
    shutil.copy(run / "last.ckpt", run / "best.ckpt")
    for verb, *words in (["fit", "ckpt_path=last"], ["fit", "--ckpt_path", str(run)]):
        status, out, err = textgan(verb, *words)
        assert status == 0, err
        assert f"--model {run}/pipeline" in out
    for given in (f"ckpt_path={run}", "ckpt_path=best"):
        status, _, err = textgan("validate", given)
        assert status == 0, err
    config = f"{trained}/run.yaml"
    status, _, err = textgan("test", "--config", config, "--ckpt_path", str(run), "--run_dir", "t")
    assert status == 0, err
