"""The worked example of docs/contributing.md, a loss in 30 lines, does what the page says."""

import re
from pathlib import Path

import yaml

import textgan.loss
from textgan.loss import Loss

PAGE = Path(__file__).parents[2] / "docs" / "contributing.md"


def blocks(language: str) -> list[str]:
    page = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_example_is_a_loss_whose_test_passes(monkeypatch, make_step):
    source, test = blocks("python")
    names: dict = {"__name__": "colourfulness"}
    exec(source, names)
    colourfulness = names["Colourfulness"]
    assert issubclass(colourfulness, Loss)
    monkeypatch.setattr(textgan.loss, "Colourfulness", colourfulness, raising=False)
    exec(test, names)
    names["test_grey_samples_differ_by_the_deviation_of_the_real_images"](make_step)


def test_the_file_of_the_group_builds_it():
    (config,) = map(yaml.safe_load, blocks("yaml"))
    assert config.pop("_target_") == "textgan.loss.colourfulness.Colourfulness"
    names: dict = {"__name__": "colourfulness"}
    exec(blocks("python")[0], names)
    assert names["Colourfulness"](**config).generator_weight == 1.0
