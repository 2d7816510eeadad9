import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from textgan.export import ExportedPipeline
from textgan.pipeline import GANPipeline


@pytest.mark.slow
def test_a_model_of_8_bits_is_written_quietly_and_draws_nearly_as_before(
    textgan, generative, recwarn
):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extra: pip install textgan[export]")
    handlers = list(logging.getLogger().handlers)
    status, out, err = textgan("export", "graph", "--model", str(generative), "--int8")
    assert status == 0, err
    assert err == ""
    assert [line.split(": ")[0] for line in out.splitlines()] == ["graph", "next, in Python"]
    others = [w for w in recwarn.list if w.category is not ResourceWarning]  # of tests before
    assert not [str(warning.message) for warning in others]
    assert logging.getLogger().handlers == handlers
    assert logging.root.manager.disable == logging.NOTSET
    assert {file.name for file in Path("graph").iterdir()} == {
        *("model.onnx", "tokenizer.json", "export.json")
    }
    draw = ExportedPipeline("graph")
    assert draw.info.int8
    assert 1e-6 < draw.info.mean_difference < 0.05
    drawn, expected = (
        np.array(pipe("a red circle", seed=2).images[0]).astype(int)
        for pipe in (draw, GANPipeline.from_pretrained(generative))
    )
    assert np.abs(drawn - expected).mean() < 5


@pytest.mark.parametrize(
    ("words", "said"),
    [([], '("graph")'), (["--format", "torch"], '("graph", format="torch")')],
)
def test_the_next_command_opens_the_format_that_was_written(
    textgan, generative, monkeypatch, words, said
):
    info = SimpleNamespace(greatest_difference=0.0, mean_difference=0.0)
    monkeypatch.setattr("textgan.export.export_pipeline", lambda *given, **named: info)
    status, out, err = textgan("export", "graph", "--model", str(generative), *words)
    assert (status, err) == (0, "")
    assert f'textgan.export.ExportedPipeline{said}("a caption")' in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "torch", "--int8"], 'int8 must be False for the format "torch", got True'),
        (["--model", "nowhere"], "--model 'nowhere' does not exist"),
    ],
)
def test_what_cannot_be_is_one_sentence(refused, generative, words, sentence):
    if "--model" not in words:
        words = [*words, "--model", str(generative)]
    err = refused("export", "graph", *words)
    assert err.strip() == f"textgan: {sentence}"
    assert not Path("graph").exists()


def test_a_folder_that_is_taken_is_one_sentence(refused, generative):
    Path("graph").mkdir()
    Path("graph/mine.txt").touch()
    err = refused("export", "graph", "--model", str(generative), "--format", "torch")
    assert err.strip() == "textgan: folder must be new or empty, but 'graph' is not empty"
