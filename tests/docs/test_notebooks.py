"""The notebooks run as scripts; the one that trains has a smaller budget."""

import re
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"


def run(name: str, folder: Path, monkeypatch, *, cut: dict[str, str]) -> dict:
    """Run a notebook in a folder, with some of its texts replaced."""
    script = (FOLDER / name).read_text(encoding="utf-8")
    for before, after in cut.items():
        assert script.count(before) == 1, before
        script = script.replace(before, after)
    monkeypatch.chdir(folder)
    (folder / name).write_text(script, encoding="utf-8")
    return runpy.run_path(str(folder / name))


def test_every_notebook_is_tested():
    tested = set(re.findall(r'"(\w+\.py)"', Path(__file__).read_text(encoding="utf-8")))
    assert {path.name for path in FOLDER.glob("*.py")} == tested


def test_a_notebook_uses_the_shipped_model(tmp_path, monkeypatch):
    names = run("sample_and_look.py", tmp_path, monkeypatch, cut={})
    assert len(names["shown"]) == 5  # the sample, and the words red, circle, blue and square


@pytest.mark.slow
def test_a_notebook_trains_and_tests(tmp_path, monkeypatch):
    cut = {
        "total_images = 16_000": "total_images = 64",
        '"data.test_size=100"': '"data.test_size=4"',
        '"data.max_objects=1"': '"data.max_objects=1", "data.val_size=4"',
    }
    names = run("train_and_sample.py", tmp_path, monkeypatch, cut=cut)
    assert len(names["images"]) == 8
    assert names["grids"]
