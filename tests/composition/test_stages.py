"""Folders of earlier runs on the command line."""

import pytest
import yaml

from textgan.cli.main import main
from textgan.composition.stages import with_saved_parts


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["autoencoder=RUN/pipeline"], ["autoencoder=saved", "autoencoder_folder=RUN/pipeline"]),
        (["autoencoder=mine"], ["autoencoder=saved", "autoencoder_folder=mine"]),
        (["autoencoder=convolutoin"], ["autoencoder=convolutoin"]),
        (["autoencoder=convolution"], ["autoencoder=convolution"]),
        (
            ["autoencoder=saved", "autoencoder_folder=x"],
            ["autoencoder=saved", "autoencoder_folder=x"],
        ),
        (["~autoencoder", "encoders=a/b", "seed=1"], ["~autoencoder", "encoders=a/b", "seed=1"]),
    ],
)
def test_a_folder_may_stand_where_a_choice_does(typed, meant, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert with_saved_parts(typed) == meant


@pytest.mark.parametrize(
    "typed", [["autoencoder=RUN/pipeline"], ["--autoencoder", "RUN/pipeline"]], ids=" ".join
)
def test_a_prior_takes_the_autoencoder_of_a_folder(typed, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = ["model=token_prior", *typed, "--cfg", "job", "--resolve"]
    assert main(["fit", *words]) == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["autoencoder"]["path"] == "RUN/pipeline"
    assert config["model"]["autoencoder"]["part"] == "autoencoder"


def test_a_prior_without_an_autoencoder_is_a_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "model=token_prior"]) == 2
    said = capsys.readouterr().err
    assert "autoencoder must be given, as in autoencoder=runs/.../pipeline" in said
    assert "textgan fit model=autoencoder saved" in said
