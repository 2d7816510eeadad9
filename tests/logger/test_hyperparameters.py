from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from textgan.logger import CSVLogger, LogHyperparameters
from textgan.logger.hyperparameters import hyperparameters

CONFIG = {
    "seed_everything": 3,
    "model": {"_target_": "textgan.model.gan.GANModel", "generator": {"width": 24}},
    "data": {"root": "/home/me/pictures", "captions": ["a", "b"]},
    "trainer": {"logger": {"wandb": {"project": "mine", "api_key": "abc", "offline": False}}},
    "composition": {
        "scalars": {"image_size": 32, "seed": 3},
        "links": {"data.root": "${oc.env:PICTURES}/mine", "model.generator.width": "${width}"},
        "lists": {},
    },
}


def test_sections_and_shared_settings_are_nested_and_no_record_of_composing_is_among_them():
    shown = hyperparameters(CONFIG)
    assert shown["model"]["generator"]["width"] == 24
    assert (shown["image_size"], shown["seed_everything"]) == (32, 3)
    assert shown["data"]["captions"] == ["a", "b"]
    assert "composition" not in shown


@pytest.mark.parametrize("name", ["api_key", "token", "HF_TOKEN", "db_password", "secret"])
def test_what_is_named_like_a_secret_is_left_out(name):
    assert hyperparameters({"data": {name: "abc", "root": "x"}}) == {"data": {"root": "x"}}


@pytest.mark.parametrize("name", ["pad_token", "tokenizer_captions", "keys", "num_tokens"])
def test_what_only_resembles_a_secret_is_kept(name):
    assert hyperparameters({"data": {name: 1}}) == {"data": {name: 1}}


def test_neither_the_value_of_a_variable_nor_a_login_in_an_address_is_shown():
    shown = hyperparameters(CONFIG)
    assert shown["data"]["root"] == "${oc.env:PICTURES}/mine"
    assert "abc" not in str(shown)
    with_login = {"data": {"root": ["https://me:pw@host.example/a.tar"]}}
    assert hyperparameters(with_login)["data"]["root"] == ["https://host.example/a.tar"]


def test_every_logger_gets_them_and_a_model_without_a_configuration_none(tmp_path):
    loggers = [CSVLogger(str(tmp_path / "one")), CSVLogger(str(tmp_path / "two"))]
    trainer = SimpleNamespace(loggers=loggers)
    LogHyperparameters().setup(trainer, SimpleNamespace(composed_config=None), "test")
    assert not [*tmp_path.rglob("hparams.yaml")]
    LogHyperparameters().setup(trainer, SimpleNamespace(composed_config=CONFIG), "fit")
    files = sorted(tmp_path.rglob("hparams.yaml"))
    assert len(files) == 2
    assert yaml.safe_load(files[0].read_text())["model"]["generator"] == {"width": 24}


def test_a_run_shows_them_in_csv_and_tensorboard(textgan, tiny):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    status, _, err = textgan("fit", *tiny, "logger=[csv,tensorboard]", "hydra.run.dir=run")
    assert status == 0, err
    for file in ("run/hparams.yaml", "run/tensorboard/hparams.yaml"):
        shown = yaml.safe_load(Path(file).read_text())
        assert shown["total_images"] == 32
        assert shown["model"]["caption_dropout"] == 0.1
        assert shown["trainer"]["callbacks"]["checkpoint"]["every_images"] == 20_000
    events = EventAccumulator("run/tensorboard").Reload()
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    session = HParamsPluginData.FromString(content).session_start_info
    assert session.hparams["model/generator/width"].number_value == 8
    assert "train/gradient_norm/generator" in events.Tags()["scalars"]
    assert "train/learning_rate/discriminator" in events.Tags()["scalars"]
