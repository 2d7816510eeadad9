"""conf/ mirrors textgan/: each choice composes, and each part has a YAML of its name.

A class may have several: `shapes_hard.yaml`, `fid_768.yaml`; in data/ under any name.
"""

import importlib
import inspect
from pathlib import Path

import pytest
import pytorch_lightning as pl
import yaml
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

import textgan.composition.job  # noqa: F401  (the configuration's resolvers)
from textgan.cli.main import main
from textgan.composition.conf_folder import conf_folder
from textgan.data import CaptionedImages
from textgan.loss import ContrastiveLoss, Loss

PACKAGE = Path(__file__).parents[1] / "textgan"
CHOICES = sorted(
    path.relative_to(conf_folder())
    for path in conf_folder().glob("[!_]*/*.yaml")
    if path.parent.name != "hydra"
)
BASES = {
    "model": pl.LightningModule,
    "data": CaptionedImages,
    "callback": pl.Callback,
    "logger": pl.loggers.Logger,
    "loss": (Loss, ContrastiveLoss),
}


def defaults(choice: str) -> dict[str, object]:
    """What a YAML's defaults list and those of its bases choose: group, as written -> choice."""
    config = yaml.safe_load((conf_folder() / f"{choice}.yaml").read_text(encoding="utf-8"))
    found = {}
    for entry in config.get("defaults", []):
        if isinstance(entry, dict):
            found |= entry
        elif entry != "_self_":
            found |= defaults(str(Path(choice).with_name(entry)))
    return found


def experiments(model: str) -> list[str]:
    """Those that train this model."""
    names = sorted(path.stem for path in (conf_folder() / "experiment").glob("*.yaml"))
    chosen = {name: defaults(f"experiment/{name}").get("override /model", "gan") for name in names}
    return [name for name in names if chosen[name] == model]


def model_with(group: str) -> list[str]:
    """Words that choose a model with a part of this group, where the default one has none."""
    models = sorted(path.stem for path in (conf_folder() / "model").glob("*.yaml"))
    able = [model for model in models if f"/{group}" in defaults(f"model/{model}")]
    return [f"model={able[0]}"] if able and "gan" not in able else []


def base_of(group: str) -> type:
    """The class that `textgan/<group>/base.py` is about: the first that it defines."""
    module = importlib.import_module(f"textgan.{group}.base")
    own = [c for c in vars(module).values() if getattr(c, "__module__", "") == module.__name__]
    return own[0]


OF_EVERY_RUN = {("callback", "ending"), ("callback", "model_summary")}
"""Parts that `textgan.run.lightning_cli` adds by itself, so that there is nothing to choose."""


def parts() -> list[tuple[str, str]]:
    """(group, file) wherever a file of a group's folder defines what the group is made of."""
    found = []
    for folder in sorted(conf_folder().glob("[!_]*/")):
        for path in sorted((PACKAGE / folder.name).glob("[!_]*.py")):
            base = BASES.get(folder.name) or base_of(folder.name)
            module = importlib.import_module(f"textgan.{folder.name}.{path.stem}")
            own = [c for c in vars(module).values() if inspect.isclass(c)]
            own = [c for c in own if not inspect.isabstract(c)]
            own = [c for c in own if c.__module__ == module.__name__ and issubclass(c, base)]
            chosen = path.stem != "base" and (folder.name, path.stem) not in OF_EVERY_RUN
            if chosen and any(not c.__name__.startswith("_") for c in own):
                found.append((folder.name, path.stem))
    return found


def nodes(tree: object) -> list[dict]:
    """Those that name what is made of them, wherever in the tree."""
    if isinstance(tree, list):
        return [found for item in tree for found in nodes(item)]
    if not isinstance(tree, dict):
        return []
    own = [tree] if "_target_" in tree else []
    return own + [found for value in tree.values() for found in nodes(value)]


def place(term: str) -> str:
    """Where a loss term stands in the model: kl_falling in the place of kl."""
    first, _ = (conf_folder() / f"loss/{term}.yaml").read_text(encoding="utf-8").split("\n", 1)
    return first.removeprefix("# @package model.losses.")


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_choice_composes(choice, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    group, name = choice.parts[0], choice.stem
    assert main(["fit", *model_with(group), f"{group}={name}", "--cfg", "job"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["model"]["_target_"].startswith("textgan.model.")


@pytest.mark.parametrize("experiment", experiments("gan"))
@pytest.mark.parametrize(
    "parts",
    [
        [],
        ["posterior=null", "loss=[rpgan,r1r2]"],
        ["posterior=null", "loss=[rpgan,r1r2_light]"],
        ["discriminator=null", "augmentation=null", "loss=[reconstruction,kl]"],
        ["discriminator=null", "augmentation=null", "loss=[reconstruction,kl_falling]"],
        ["optimizers=adamw", "loss=[reconstruction,kl,hinge,r1r2]"],
        ["loss=[reconstruction,kl,rpgan,perceptual,alignment_guidance]"],
    ],
    ids=" ".join,
)
def test_an_experiment_can_do_with_other_parts(experiment, parts, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    words = [f"experiment={experiment}", "encoders=RUN/pipeline", *parts]
    assert main(["fit", *words, "--print_config"]) == 0
    model = yaml.safe_load(capsys.readouterr().out)["model"]["init_args"]
    absent = {part.partition("=")[0] for part in parts if part.endswith("=null")}
    assert {name for name in ("posterior", "discriminator") if model[name] is None} == absent - {
        "augmentation"
    }
    asked = [part[6:-1].split(",") for part in parts if part.startswith("loss=")]
    assert not asked or [*model["losses"]] == [place(name) for name in asked[0]]
    assert all(term["class_path"] for term in model["losses"].values())


@pytest.mark.parametrize("experiment", experiments("contrastive"))
@pytest.mark.parametrize(
    "parts",
    [[], ["loss=[siglip]", "image_encoder=vit"], ["loss=[info_nce,damsm]", "text_encoder=bert"]],
    ids=" ".join,
)
def test_a_contrastive_experiment_can_do_with_other_parts(
    experiment, parts, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))
    assert main(["fit", f"experiment={experiment}", *parts, "--print_config"]) == 0
    model = yaml.safe_load(capsys.readouterr().out)["model"]["init_args"]
    asked = [part[6:-1].split(",") for part in parts if part.startswith("loss=")]
    assert not asked or [*model["losses"]] == asked[0]
    assert ("ViT" in model["image_encoder"]["class_path"]) == ("image_encoder=vit" in parts)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_choice_names_a_class_and_only_arguments_that_it_has(choice):
    config = yaml.safe_load((conf_folder() / choice).read_text(encoding="utf-8"))
    for node in nodes(config):
        found = get_object(node["_target_"])  # a class, or a way to make one: C.from_pretrained
        assert inspect.isclass(found) or inspect.isclass(getattr(found, "__self__", None))
        given = node.keys() - {"_target_", "_partial_", "defaults"}
        assert given <= inspect.signature(found).parameters.keys()
    if "_target_" in config:
        module = config["_target_"].rpartition(".")[0]
        if (PACKAGE / choice.parts[0]).is_dir() and module.startswith("textgan."):
            file = module.rpartition(".")[2]
            assert module.startswith(f"textgan.{choice.parts[0]}.")
            is_preset = (
                choice.parts[0] == "data" and (conf_folder() / f"data/{file}.yaml").is_file()
            )
            of_any_class = module.rpartition(".")[0].endswith(".base")
            is_saved = of_any_class or choice.stem == "saved"
            is_named = f"_{file}_" in f"_{choice.stem}_"
            assert is_preset or is_saved or is_named


@pytest.mark.parametrize(("group", "file"), parts(), ids=str)
def test_a_part_has_a_yaml_of_its_name(group, file):
    folder = conf_folder() / group
    assert (folder / f"{file}.yaml").is_file() or [*folder.glob(f"{file}_*.yaml")]


@pytest.mark.parametrize(("every", "batches"), [(1000, 50), (1, 1), (0, 10**12)])
def test_an_interval_in_images_becomes_batches_and_0_means_never(every, batches):
    config = OmegaConf.create(
        {"data": {"batch_size": 10}, "trainer": {"devices": 2}, "n": f"${{batches:{every}}}"}
    )
    assert config.n == batches


@pytest.mark.parametrize(
    ("devices", "batches"),
    [(4, 25), ([0, 1], 50), ("4", 25), ("0,2", 50), ("auto", 100), (-1, 100)],
)
def test_intervals_count_all_processes_however_devices_are_named(devices, batches):
    trainer = {"devices": devices, "accelerator": "cpu"}
    config = OmegaConf.create(
        {"data": {"batch_size": 10}, "trainer": trainer, "n": "${batches:1000}"}
    )
    assert config.n == batches


def test_every_gpu_counts(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    trainer = {"devices": "auto", "accelerator": "gpu"}
    config = OmegaConf.create(
        {"data": {"batch_size": 10}, "trainer": trainer, "n": "${batches:1000}"}
    )
    assert config.n == 25


@pytest.mark.parametrize("experiment", [e for e in experiments("gan") if e.startswith("guided")])
def test_guidance_looks_at_what_its_encoders_were_pretrained_to_align(
    experiment, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTGAN_DATA", str(tmp_path))

    def model(name: str) -> dict:
        assert main(["fit", f"experiment={name}", "--cfg", "job"]) == 0
        return yaml.safe_load(capsys.readouterr().out)["model"]

    def aligned(terms: dict[str, dict]) -> set[str]:
        return {kind for term in terms.values() for kind in instantiate(term).aligns}

    guided, encoders = model(experiment), model(experiment.replace("guided", "clip"))
    assert aligned(guided["losses"]["alignment_guidance"]["terms"]) <= aligned(encoders["losses"])
