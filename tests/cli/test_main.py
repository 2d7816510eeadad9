import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image

from textgan.callback.checkpoint import Checkpoint
from textgan.cli.main import main
from textgan.errors import ConfigError
from textgan.run.verbs import LIGHTNING_VERBS, commands
from textgan.run.words import split


def printed_config(out: str) -> dict:
    config = yaml.safe_load(
        out[re.search(r"^(seed_everything|trainer)", out, re.MULTILINE).start() :]
    )
    return {key: config[key] for key in ("seed_everything", "model", "data", "trainer")}


def test_help_lists_every_verb_without_importing_torch():
    code = (
        "import sys; from textgan.cli.main import main; status = main(['--help']); "
        "sys.exit(status or ('torch' in sys.modules) or ('hydra' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in [*LIGHTNING_VERBS, *commands()])


def test_words_go_to_the_grammar_that_reads_them():
    words = split(
        [*("a=1", "--x", "a=b", "-m", "+b=2", "~c"), *("--cfg", "job", "--y=3", "--print_config")]
    )
    assert words.overrides == ["a=1", "+b=2", "~c"]
    assert words.flags == ["-m", "--cfg", "job"]
    assert words.options == ["--x", "a=b", "--y=3", "--print_config"]
    with pytest.raises(ConfigError, match="'shapes' is neither"):
        split(["shapes"])


def test_both_grammars_and_a_file_reach_the_same_configuration(textgan, tiny, tmp_path):
    def printed(*words: str) -> dict:
        status, out, _ = textgan("fit", *words, "--print_config")
        assert status == 0
        return printed_config(out)

    first = printed(*tiny, "model.caption_dropout=0.25")
    assert first["model"]["init_args"]["caption_dropout"] == 0.25
    assert printed(*tiny, "--model.caption_dropout", "0.25") == first
    (tmp_path / "file.yaml").write_text(yaml.safe_dump(first))
    assert printed("--config", "file.yaml") == first
    assert not Path("runs").exists()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]


MISTAKES = [
    (["fitt"], "did you mean 'fit'?"),
    (["fit", "generatr=attention"], "did you mean 'generator'?"),
    (["fit", "total_image=4"], "did you mean 'total_images'?"),
    (["fit", "generator=none_such"], "no generator called 'none_such'"),
    (["fit", "+modle.x=1"], "did you mean 'model'?"),
    (
        ["fit", "model.generator.widht=4"],
        "model.generator: AttentionGenerator has no setting 'widht'; did you mean 'width'?",
    ),
    (["fit", "--model.generator.widht", "4"], "did you mean 'width'?"),
    (["fit", "trainer.precison=4"], "did you mean 'trainer.precision'?"),
    (["fit", "--trainer.precison", "4"], "did you mean 'trainer.precision'?"),
    (["fit", "model.caption_dropout=often"], "model.caption_dropout must be float, got often"),
    (["fit", "model.caption_dropout=2"], "caption_dropout must be within [0, 1], got 2"),
    (["fit", "model.losses.kl.weight=much"], "model.losses.weight of KL must be"),
    (["fit", "model.generator_optimizer.lrr=1"], "Adam has no setting 'lrr'; did you mean 'lr'?"),
    (["fit", "model.caption_dropout=0.1,0.2"], "sweep over them with -m"),
    (["fit", "validate_every_images=-1"], "an interval in images must be at least 0, got -1"),
    (
        ["fit", "metric=[sharpness]", "objective=val/sharpnes"],
        "objective must begin with one of the metrics val/sharpness, got 'val/sharpnes'",
    ),
    (["fit", "data=folder"], "data.root must be given"),
    (["fit", "data=folder", "data.root=/no/such/folder"], "/no/such/folder"),
    (["fit", "~model.posterior"], "needs a posterior"),
    (["fit", "trainer.strategy=dpp"], "strategy"),
    (["fit", "trainer=gpu"], "gpu"),
    (["fit", "trainer.default_root_dir=x"], "use hydra.run.dir=FOLDER (or --run_dir FOLDER)"),
    (["fit", "model.seed=[1"], "[1"),
    (["fit", "--config", "missing.yaml"], "missing.yaml"),
    (["fit", "--config", "missing.yaml", "a=1"], "'a=1' cannot be used with --config"),
    (["test"], "ckpt_path must be given"),
    (["predict", "ckpt_path=x"], "captions_file must be given"),
    (["fit", "ckpt_path=missing.ckpt"], "'missing.ckpt' does not exist"),
    (["sample", "a", "--model", "missing"], "'missing' does not exist"),
    (["sample", "a", "--model", "./missing"], "'./missing' does not exist"),
    (["sample", "a", "--number", "0"], "--number must be at least 1"),
]


@pytest.mark.parametrize(
    ("words", "said"), MISTAKES, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_a_mistake_is_one_sentence_and_exit_2_and_leaves_no_folder(words, said, refused, tiny):
    if torch.cuda.is_available() and "trainer=gpu" in words:
        pytest.skip("there is a GPU")
    tiny = [] if words[0] != "fit" or {"--config", "data=folder"} & {*words} else tiny
    assert said in refused(words[0], *tiny, *words[1:])
    assert not Path("runs").exists() or not any(p.is_file() for p in Path("runs").rglob("*"))


def test_a_variable_that_is_not_set_is_named_and_the_folder_stays(refused, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.delenv("TEXTGAN_DATA", raising=False)
    err = refused("fit", "experiment=emoji64", "--print_config")
    assert "the environment variable TEXTGAN_DATA must be set, or data.root given" in err
    assert list(empty.iterdir()) == []


@pytest.fixture
def image_folder(tmp_path) -> Path:
    """Six images with a text file each."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(6):
        Image.new("RGB", (20, 20), (40 * i, 0, 0)).save(folder / f"{i}.jpg")
        (folder / f"{i}.txt").write_text(f"red number {i}\n", encoding="utf-8")
    return folder


def on_folder(tiny: list[str], root: Path) -> list[str]:
    own = [word for word in tiny if not re.match(r"data(\.(val|test|train)_size)?=", word)]
    return ["fit", *own, "data=folder", f"data.root={root}"]


def test_a_cut_image_is_named_and_counted_and_the_run_ends_well(textgan, tiny, image_folder):
    whole = (image_folder / "3.jpg").read_bytes()
    (image_folder / "3.jpg").write_bytes(whole[: len(whole) // 2])
    status, out, err = textgan(*on_folder(tiny, image_folder))
    assert status == 0, err
    assert re.search(r"1 of 6 images was skipped: \S*3\.jpg \(.+\)", out)
    assert "Traceback" not in out + err


@pytest.mark.parametrize("name", ["captions.jsonl", "captions.csv"])
def test_an_empty_captions_file_is_one_sentence(name, refused, tiny, image_folder):
    for text in image_folder.glob("*.txt"):
        text.unlink()
    (image_folder / name).touch()
    assert name in refused(*on_folder(tiny, image_folder))


@pytest.mark.parametrize(
    "words", [[], pytest.param(["-m", "seed=1", "hydra.sweep.dir=all"], marks=pytest.mark.slow)]
)
def test_a_bug_in_training_keeps_its_traceback(words, tiny, monkeypatch, tmp_path):
    from textgan.model.gan import GANModel

    def broken(*_):
        raise ValueError("a bug")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GANModel, "training_step", broken)
    with pytest.raises(ValueError, match="a bug"):
        main(["fit", *tiny, *words])
    assert "HYDRA_FULL_ERROR" not in os.environ


def test_a_loss_that_is_no_number_any_more_is_one_sentence(refused, tiny):
    err = refused("fit", *tiny, "model.generator_optimizer.lr=1e30")
    assert re.search("training stopped at [0-9]+ images: loss term [a-z0-9/]+", err), err
    assert [*Path("runs").rglob("run.yaml")], "the folder shows how it came"


def test_an_objective_that_training_did_not_log_costs_no_run(refused, tiny):
    err = refused("fit", *tiny, "objective=train/nothing")
    assert "objective must be one of the metrics" in err
    assert [*Path("runs").rglob("last.ckpt")]


@pytest.mark.parametrize("content", [b"hello\n", b"", "cut", "foreign"], ids=str)
def test_a_file_that_is_no_checkpoint_is_one_sentence(content, refused, trained, tmp_path):
    path = tmp_path / "bad.ckpt"
    if content == "cut":
        path.write_bytes((trained / "last.ckpt").read_bytes()[:5000])
    elif content == "foreign":
        torch.save({"state_dict": {}}, path)
    else:
        path.write_bytes(content)
    for words in (["test", f"ckpt_path={path}"], ["sample", "a", "--model", str(path)]):
        assert "checkpoint" in refused(*words)


def test_help_of_a_class_is_its_docstring(textgan):
    status, out, _ = textgan("fit", "--model.help", "textgan.model.gan.GANModel")
    assert status == 0
    assert "share of captions replaced by the empty one" in " ".join(out.split())


def test_a_run_folder_says_how_the_run_came_about(trained):
    names = {path.name for path in trained.iterdir()}
    assert {"run.yaml", "environment.json", "last.ckpt", "metrics.csv", "pipeline"} <= names
    environment = json.loads((trained / "environment.json").read_text())
    assert environment["command"][:2] == ["textgan", "fit"]
    assert environment["torch"] == torch.__version__
    assert environment["seed"] == 0


def test_run_yaml_reproduces_the_losses_in_a_folder_of_its_own(textgan, trained):
    status, out, _ = textgan("fit", "--config", str(trained / "run.yaml"))
    assert status == 0
    (folder,) = Path("runs").glob("*/*")
    assert (folder / "metrics.csv").read_text() == (trained / "metrics.csv").read_text()
    assert (folder / "run.yaml").is_file()
    assert f"--model {folder}/pipeline" in out


def test_training_goes_on_in_its_folder_and_the_command_line_wins(textgan, trained):
    run = Path(shutil.copytree(trained, "run"))
    before = rows(run / "metrics.csv")
    changed = ["total_images=48", "model.caption_dropout=0.5", "model.generator_optimizer.lr=0.125"]
    status, _, err = textgan("fit", f"ckpt_path={run}/last.ckpt", *changed)
    assert status == 0, err
    checkpoint = torch.load(run / "last.ckpt", weights_only=True)
    assert int(checkpoint["state_dict"]["images_seen"]) == 48
    assert checkpoint["textgan"]["config"]["model"]["caption_dropout"] == 0.5
    assert checkpoint["textgan"]["config"]["model"]["budget"]["total_images"] == 48
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["initial_lr"] == 0.125
    after = rows(run / "metrics.csv")
    assert after[: len(before)] == before
    assert after[-1]["step"] == "48"
    assert (run / "run-2.yaml").is_file()
    assert not Path("runs").exists()


@pytest.mark.slow
def test_a_run_that_was_cut_off_ends_with_the_weights_of_one_that_was_not(
    textgan, tiny, trained, monkeypatch
):
    every = ["checkpoint_every_images=16", "validate_every_images=8"]
    with monkeypatch.context() as killed:
        killed.setattr(Checkpoint, "on_train_end", lambda *_: None)
        words = [*tiny, *every, "trainer.max_steps=3", "hydra.run.dir=cut"]
        assert textgan("fit", *words)[0] == 0
    before = torch.load("cut/last.ckpt", weights_only=True)
    assert int(before["state_dict"]["images_seen"]) == 16
    status, _, err = textgan("fit", "ckpt_path=cut/last.ckpt", "trainer.max_steps=-1")
    assert status == 0
    assert "resum" not in err
    whole = torch.load(trained / "last.ckpt", weights_only=True)["state_dict"]
    after = torch.load("cut/last.ckpt", weights_only=True)["state_dict"]
    assert whole.keys() == after.keys()
    assert all(torch.equal(whole[name], after[name]) for name in whole)


def test_a_new_run_never_begins_in_an_old_folder(refused, trained, tiny):
    run = Path(shutil.copytree(trained, "run"))
    for words in (
        [*tiny, f"hydra.run.dir={run}"],
        ["--config", f"{run}/run.yaml", "--run_dir", str(run)],
    ):
        assert "run holds a run" in refused("fit", *words)
    assert (run / "last.ckpt").read_bytes() == (trained / "last.ckpt").read_bytes()


def test_a_checkpoint_is_tested_without_naming_its_model(textgan, trained):
    status, out, err = textgan("test", f"ckpt_path={trained}/last.ckpt", "metric=[sharpness]")
    assert status == 0, err
    assert "test/sharpness" in out


def test_groups_on_the_command_line_replace_the_section_of_the_checkpoint(textgan, trained):
    path = trained / "last.ckpt"
    status, out, _ = textgan(
        "test", f"ckpt_path={path}", "data=folder", "data.root=x", "--cfg", "job"
    )
    config = yaml.safe_load(out)
    assert status == 0
    assert config["data"]["_target_"] == "textgan.data.folder.Folder"
    assert "held_out" not in config["data"]
    assert config["data"]["image_size"] == "${image_size}"
    assert config["image_size"] == 16
    assert config["model"]["generator"]["width"] == 8
    status, out, _ = textgan("test", f"ckpt_path={path}", "trainer=ddp_cpu", "--cfg", "job")
    config = yaml.safe_load(out)
    assert config["trainer"]["devices"] == 2
    assert config["trainer"]["max_epochs"] == -1
    assert "checkpoint" in config["trainer"]["callbacks"]


@pytest.mark.slow
def test_settings_taken_from_the_data_survive_other_data(textgan, tiny):
    metric = ["metric=[shape_alignment]", "data.hard=true", "hydra.run.dir=run"]
    assert textgan("fit", *tiny, *metric, "validate_every_images=1000")[0] == 0
    Path("captions.txt").write_text("a red circle\n")
    path = "ckpt_path=run/last.ckpt"
    assert textgan("fit", path, "total_images=40")[0] == 0
    assert textgan("predict", path, "captions_file=captions.txt")[0] == 0
    for data, hard in ((["data=folder", "data.root=x"], True), (["data=shapes"], False)):
        status, out, _ = textgan("test", path, *data, "--cfg", "job", "--resolve")
        assert status == 0
        metrics = yaml.safe_load(out)["model"]["metrics"]
        assert metrics["shape_alignment"]["hard"] is hard


@pytest.mark.slow
def test_a_failing_job_does_not_stop_the_sweep(textgan, tiny):
    environment = dict(os.environ)
    status, _, err = textgan("fit", "-m", *tiny, "model.caption_dropout=2,0.5")
    assert status != 0
    (sweep,) = Path("sweeps").glob("*/*")
    assert "caption_dropout must be within" in (sweep / "0" / "failed.txt").read_text()
    assert (sweep / "1" / "pipeline" / "config.json").is_file()
    assert "1 of the sweep's jobs failed" in err
    assert dict(os.environ) == environment


@pytest.mark.slow
@pytest.mark.parametrize(
    "extra",
    [
        ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "model.caption_dropout=0.1,0.2"],
        ["hydra/launcher=submitit_local", "model.caption_dropout=0.1,0.2"],
        ["trainer=ddp_cpu", "data.batch_size=4", "model.caption_dropout=0.1,0.2"],
        [
            "hydra/sweeper=optuna",
            "hydra.sweeper.n_trials=2",
            "objective=train/generator/kl",
            "model.caption_dropout=interval(0.1,0.2)",
        ],
    ],
    ids=lambda extra: extra[0],
)
def test_sweeps_run_on_every_launcher(extra, textgan, tiny):
    status, _, err = textgan("fit", "-m", *tiny, *extra)
    assert status == 0, err
    (sweep,) = Path("sweeps").glob("*/*")
    assert len(list(sweep.glob("*/pipeline/config.json"))) == 2


def test_captions_are_drawn_into_files(textgan, trained):
    Path("captions.txt").write_text("a red circle\n\nzwei Kreise: ä/b\n", encoding="utf-8")
    path = f"ckpt_path={trained}/last.ckpt"
    status, out, err = textgan("predict", path, "captions_file=captions.txt")
    assert status == 0, err
    names = sorted(path.name for path in Path("runs").rglob("*.png"))
    assert names == ["0000_a_red_circle.png", "0001_zwei_Kreise_ä_b.png"]
    assert "predictions" in out


def test_the_installed_command_runs(tmp_path):
    command = [sys.executable, "-m", "textgan", "--version"]
    assert subprocess.check_output(command, text=True, cwd=tmp_path).startswith("textgan ")


def test_completion_names_verbs_choices_and_settings(textgan):
    def candidates(line: str) -> list[str]:
        return textgan("completion", "query", line)[1].split()

    assert candidates("textgan f") == ["fit"]
    assert "sample" in candidates("textgan ")
    assert "data=shapes" in candidates("textgan fit data=")
    assert "model.generator." in candidates("textgan fit model.gen")
    assert "--trainer.max_epochs=" in candidates("textgan fit --trainer.max")
    assert candidates("textgan sample ") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_completion_script_fills_in_bash(tmp_path):
    (tmp_path / "textgan").write_text(f'#!/bin/sh\nexec {sys.executable} -m textgan "$@"\n')
    (tmp_path / "textgan").chmod(0o755)
    script = (
        'eval "$(textgan completion bash)"; COMP_LINE="textgan fit trainer=ddp"; '
        'COMP_POINT=${#COMP_LINE}; _textgan_complete; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["ddp", "ddp_cpu"]
