"""The latency experiment: what stands beside the GAN is of its size, and the tables are whole."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest
import torch

from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline
from textgan.text_encoder import BertTextEncoder

FOLDER = Path(__file__).parents[2] / "experiments" / "latency"


@pytest.fixture
def script(monkeypatch):
    """Imports one of the experiment's files."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name: str):
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def threads():
    """Leaves torch its number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pipeline() -> GANPipeline:
    encoder = BertTextEncoder(width=16, depth=1, num_heads=2, vocab_size=300)
    encoder.fit_tokenizer(["a large red circle on a white background"] * 2)
    generator = AttentionGenerator(image_size=16, text_width=16, width=12, max_width=48)
    return GANPipeline(generator, encoder).eval()


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"needs {package}, which is not installed")


def test_the_diffusion_has_the_generators_parameters_and_picture_size(script, pipeline):
    needs("diffusers")
    draw = script("contestants").Diffusion(pipeline, steps=50)
    ours, theirs = (
        sum(weight.numel() for weight in net.parameters()) for net in (pipeline.generator, draw.net)
    )
    assert abs(theirs - ours) <= 0.1 * ours
    assert len(draw.scheduler.timesteps) == 50
    called = []
    draw.net.register_forward_pre_hook(lambda net, given: called.append(given[0].shape))
    draw.scheduler.set_timesteps(3)
    pictures = draw(["a red circle", "a"])
    assert [picture.size for picture in pictures] == [(16, 16)] * 2
    assert called == [(2, 3, 16, 16)] * 3  # one pass a step: no guidance


def test_a_generator_too_small_for_any_u_net_is_refused(script):
    needs("diffusers")
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    generator = AttentionGenerator(image_size=16, text_width=8, width=4, max_width=4)
    contestants = script("contestants")
    with pytest.raises(contestants.ConfigError, match=r"must have .* parameters to 10 %, got"):
        contestants.Diffusion(GANPipeline(generator, encoder), steps=2)


def test_what_is_compiled_draws_the_same(script, pipeline, monkeypatch):
    contestants, captions = script("contestants"), ["a red circle", "a"]
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: None)  # takes minutes
    drawn = contestants.Compiled(pipeline)(captions)
    expected = pipeline(captions).images
    assert [picture.tobytes() for picture in drawn] == [p.tobytes() for p in expected]


def test_methods_take_turns_over_the_same_new_captions(script, threads):
    measure = script("measure")
    calls = []
    draws = {
        measure.Setting(name, 1): lambda asked, name=name: calls.append((name, tuple(asked)))
        for name in ("eager", "onnx", "diffusion")
    }
    times = measure.measure(draws, [str(i) for i in range(1000)], seconds=0)
    rounds = [calls[i : i + 6] for i in range(0, len(calls), 6)]
    assert len(rounds) == measure.WARMUP + measure.FEWEST_ROUNDS
    assert len({turn[0][0] for turn in rounds}) == 3  # each goes first at some time
    for turn in rounds:
        for size in (1, 16):
            asked = [captions for _, captions in turn if len(captions) == size]
            assert len(asked) == 3
            assert len(set(asked)) == 1
    assert len({turn[0][1] for turn in rounds}) == len(rounds)
    assert {one.n for sizes in times.values() for one in sizes.values()} == {3}


def test_the_tables_are_printed_and_written(
    script, pipeline, tmp_path, monkeypatch, capsys, threads
):
    needs("onnx", "onnxscript", "onnxruntime", "diffusers")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    pipeline.save_pretrained(tmp_path / "pipeline")
    words = ["--methods", "eager", "int8", "diffusion", "--steps", "2", "--seconds", "0"]
    words += ["--captions", "8", "--scenes", "plain", "--out", str(tmp_path / "new" / "table.md")]
    assert script("measure").main([str(tmp_path / "pipeline"), *words]) == 0
    said = capsys.readouterr().out
    assert (tmp_path / "new" / "table.md").read_text(encoding="utf-8") == said
    assert re.match(r"20\d\d-\d\d-\d\d, `.*`.* 16 px, seed 0, 3 rounds, ", said)
    base = r"\| 1 \| GAN, PyTorch \| \*\*[\d.]+\*\* \| \*\*[\d.]+\*\* \| 1.00 \| 1.00 \|"
    assert re.search(base, said)
    for row in ("| 1 | GAN, ONNX, int8 |", "| 1 | diffusion, DDIM, 2 steps |"):
        assert row in said
    assert re.search(r"\| float32 \| 8 \| \*\*[\d.]+%\*\* \(.*\) \|  \|", said)
    assert re.search(r"\| int8 \| 8 \| \*\*.* \| [\d.]+ on average, \d+ at most \|", said)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "path must be a folder by save_pretrained, got 'nowhere'"),
        (["PIPELINE", "--size", "64"], r"--size must be left out, or 16 as .* draws, got 64"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(script, pipeline, words, sentence, tmp_path, capsys):
    pipeline.save_pretrained(tmp_path)
    words = [str(tmp_path) if word == "PIPELINE" else word for word in words]
    with pytest.raises(SystemExit):
        script("measure").main([*words, "--methods", "eager"])
    assert re.search(sentence, capsys.readouterr().err)


def test_a_missing_package_is_a_sentence(script, monkeypatch, capsys):
    measure = script("measure")
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: None)
    for method, sentence in {
        "diffusion": "diffusers is not installed: pip install diffusers",
        "onnx": "onnxruntime is not installed: pip install textgan[export]",
    }.items():
        with pytest.raises(SystemExit):
            measure.main(["--methods", method])
        assert sentence in capsys.readouterr().err
