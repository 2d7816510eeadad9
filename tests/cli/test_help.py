import inspect
import subprocess
import sys
import time

import pytest
import pytorch_lightning as pl

from textgan.cli import settings
from textgan.composition.conf_folder import choices
from textgan.errors import ConfigError
from textgan.run import trainer_options
from textgan.run.trainer_options import DEFAULTS, OURS
from textgan.run.verbs import LIGHTNING_VERBS


@pytest.mark.parametrize("verb", LIGHTNING_VERBS)
def test_help_is_short_and_names_every_choice_of_every_group(verb, textgan):
    status, out, _ = textgan(verb, "--help")
    lines = out.splitlines()
    assert status == 0
    assert len(lines) < 85
    assert max(map(len, lines)) <= 100
    named = out.replace("*", "").replace(",", " ").split()
    assert {name for names in choices().values() for name in names} <= {*named}
    assert all(option in out for option in OURS)


def test_the_settings_that_most_runs_change_come_first(textgan):
    _, out, _ = textgan("fit", "--help")
    first = "\n".join(out.splitlines()[:20])
    for name, default in (
        ("total_images", "1000000"),
        ("image_size", "64"),
        ("data.root", "(must be given)"),
        ("data.batch_size", "32"),
    ):
        assert f"{name}={default}" in first
    assert "Side of the square images, in pixels" in first
    assert "captions_file" in "".join(textgan("predict", "-h")[1].splitlines(True)[:20])


def test_help_beside_a_choice_shows_all_its_settings_with_what_they_mean(textgan):
    status, out, _ = textgan("fit", "data=shapes", "--help", "loss=[kl_falling,r1r2_light]")
    assert status == 0
    assert "data.held_out=null\n      [colour, shape] pairs that never occur in training" in out
    assert "data.batch_size=32\n      images per process and step." in out  # of the base class
    assert "model.losses.kl.weight=[[0.0" in out
    assert "model.losses.r1r2.gamma=" in out  # of the file that r1r2_light starts from


def test_every_choice_and_every_setting_of_a_part_of_ours_says_what_it_means():
    unsaid = [setting.name for setting in settings.shared() if not setting.description]
    for group, names in choices().items():
        for name in names:
            assert settings.describe_choice(group, name), (group, name)
            if group in ("generator", "posterior", "data", "image_encoder", "augmentation"):
                unsaid += [s.name for s in settings.of_choice(group, name) if not s.description]
    assert unsaid == []


def test_what_is_chosen_by_default_is_marked():
    chosen = settings.defaults()
    assert chosen["data"] == ["shapes"]
    assert "rpgan" in chosen["loss"]
    assert chosen["metric"] == []


def test_help_imports_neither_torch_nor_hydra_and_takes_no_time():
    code = (
        "import sys; from textgan.cli.main import main; status = main(['fit', '--help']); "
        "sys.exit(status or ('torch' in sys.modules) or ('hydra' in sys.modules))"
    )
    start = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert time.process_time() - start < 2


def test_all_options_of_lightning_are_shown_on_demand(textgan):
    status, out, _ = textgan("fit", "--help_all")
    assert status == 0
    assert "--trainer.max_epochs" in out
    assert "--ckpt_path" in out


REFUSED = [
    ("default_root_dir", "x", "hydra.run.dir=FOLDER (or --run_dir FOLDER)"),
    ("max_epochs", 2, "total_images"),
    ("min_epochs", 2, "total_images"),
    ("min_steps", 100, "total_images"),
    ("accumulate_grad_batches", 2, "model.budget.accumulate_batches"),
    ("gradient_clip_val", 0.5, "model.budget.gradient_clip_norm"),
    ("gradient_clip_algorithm", "norm", "model.budget.gradient_clip_norm"),
    ("use_distributed_sampler", True, "data.batch_size"),
]


@pytest.mark.parametrize(("option", "value", "ours"), REFUSED)
def test_an_option_of_the_trainer_that_cannot_be_set_names_ours(option, value, ours):
    with pytest.raises(ConfigError) as refused:
        trainer_options.check({option: value})
    said = str(refused.value)
    assert said.startswith(f"trainer.{option} cannot be set, as ")
    assert said.endswith(f"use {ours} instead, got {value}")


def test_what_is_composed_and_what_lightning_has_by_default_is_not_refused():
    trainer_options.check({"max_epochs": -1, "use_distributed_sampler": False, "max_steps": 3})
    by_default = inspect.signature(pl.Trainer).parameters
    others = {name: p.default for name, p in by_default.items() if name not in DEFAULTS}
    trainer_options.check({**others, **DEFAULTS})


@pytest.mark.parametrize("typed", ["trainer.max_epochs=2", "--trainer.gradient_clip_val=0.5"])
def test_such_an_option_on_the_command_line_leaves_no_file(typed, refused, tiny, tmp_path):
    err = refused("fit", *tiny, typed)
    assert "textgan: trainer." in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_every_refused_option_is_tried():
    assert {option for option, *_ in REFUSED} == {*OURS}


def test_the_switches_of_the_trainer_leave_our_callbacks_out(textgan, tiny, tmp_path):
    off = ["trainer.enable_progress_bar=false", "trainer.enable_checkpointing=false"]
    status, out, err = textgan("fit", *tiny, *off, "hydra.run.dir=run")
    assert status == 0, err
    assert "images/s" not in out
    assert not (tmp_path / "run" / "last.ckpt").exists()
    assert (tmp_path / "run" / "pipeline").is_dir()
