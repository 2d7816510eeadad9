"""The latency benchmark times a U-Net of the GAN's size, and its tables are complete."""

import os
import re

import pytest
import torch

from benchmarks.latency import contestants, measure
from textgan.errors import ConfigError
from textgan.generator import AttentionGenerator
from textgan.pipeline import GANPipeline
from textgan.text_encoder import BertTextEncoder


@pytest.fixture
def threads():
    """Restore the number of threads of torch after the test."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pipeline() -> GANPipeline:
    encoder = BertTextEncoder(width=16, depth=1, num_heads=2, vocab_size=300)
    encoder.fit_tokenizer(["a large red circle on a white background"] * 2)
    generator = AttentionGenerator(sample_shape=(3, 16, 16), text_width=16, width=12, max_width=48)
    return GANPipeline(generator, encoder).eval()


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"needs {package}, which is not installed")


def test_the_diffusion_has_the_generators_parameters_and_image_size(pipeline):
    needs("diffusers")
    diffusion = contestants.Diffusion(pipeline, steps=50)
    ours, theirs = (
        sum(weight.numel() for weight in net.parameters())
        for net in (pipeline.generator, diffusion.net)
    )
    assert abs(theirs - ours) <= 0.1 * ours
    assert len(diffusion.scheduler.timesteps) == 50
    called = []
    diffusion.net.register_forward_pre_hook(lambda net, given: called.append(given[0].shape))
    diffusion.scheduler.set_timesteps(3)
    images = diffusion(["a red circle", "a"])
    assert [image.size for image in images] == [(16, 16)] * 2
    assert called == [(2, 3, 16, 16)] * 3  # one pass a step: no guidance


def test_a_generator_too_small_for_any_u_net_is_refused():
    needs("diffusers")
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    generator = AttentionGenerator(sample_shape=(3, 16, 16), text_width=8, width=4, max_width=4)
    with pytest.raises(ConfigError, match=r"must have .* parameters to 10 %, got"):
        contestants.Diffusion(GANPipeline(generator, encoder), steps=2)


def test_the_compiled_pipeline_has_the_same_samples(pipeline, monkeypatch):
    captions = ["a red circle", "a"]
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: None)  # takes minutes
    images = contestants.Compiled(pipeline)(captions)
    expected = pipeline(captions).images
    assert [image.tobytes() for image in images] == [image.tobytes() for image in expected]


def test_methods_take_turns_over_the_same_new_captions(threads):
    calls = []
    samplers = {
        contestants.Setting(name, 1): lambda texts, name=name: calls.append((name, tuple(texts)))
        for name in ("eager", "onnx", "diffusion")
    }
    times = measure.measure(samplers, [str(i) for i in range(1000)], seconds=0)
    rounds = [calls[i : i + 6] for i in range(0, len(calls), 6)]
    assert len(rounds) == measure.WARMUP + measure.FEWEST_ROUNDS
    assert (
        len({turn[0][0] for turn in rounds}) == 3
    )  # each method is the first of a round at some time
    for turn in rounds:
        for size in (1, 16):
            asked = [captions for _, captions in turn if len(captions) == size]
            assert len(asked) == 3
            assert len(set(asked)) == 1
    assert len({turn[0][1] for turn in rounds}) == len(rounds)
    assert {one.n for sizes in times.values() for one in sizes.values()} == {3}


def test_the_tables_are_printed_and_written(pipeline, tmp_path, monkeypatch, capsys, threads):
    needs("onnx", "onnxscript", "onnxruntime", "diffusers")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    pipeline.save_pretrained(tmp_path / "pipeline")
    words = ["--methods", "eager", "int8", "diffusion", "--steps", "2", "--seconds", "0"]
    words += ["--captions", "8", "--scenes", "plain", "--out", str(tmp_path / "new" / "table.md")]
    assert measure.main([str(tmp_path / "pipeline"), *words]) == 0
    printed = capsys.readouterr().out
    assert (tmp_path / "new" / "table.md").read_text(encoding="utf-8") == printed
    assert re.match(r"20\d\d-\d\d-\d\d, `.*`.* 16 px, seed 0, 3 rounds, ", printed)
    base = r"\| 1 \| GAN, PyTorch \| \*\*[\d.]+\*\* \| \*\*[\d.]+\*\* \| 1.00 \| 1.00 \|"
    assert re.search(base, printed)
    for row in ("| 1 | GAN, ONNX, int8 |", "| 1 | diffusion, DDIM, 2 steps |"):
        assert row in printed
    assert re.search(r"\| float32 \| 8 \| \*\*[\d.]+%\*\* \(.*\) \|  \|", printed)
    assert re.search(r"\| int8 \| 8 \| \*\*.* \| [\d.]+ on average, \d+ at most \|", printed)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "path must be a folder by save_pretrained, got 'nowhere'"),
        (["PIPELINE", "--size", "64"], r"--size must be left out, or 16 as in .*, got 64"),
    ],
)
def test_a_wrong_option_is_reported_in_one_sentence(pipeline, words, sentence, tmp_path, capsys):
    pipeline.save_pretrained(tmp_path)
    words = [str(tmp_path) if word == "PIPELINE" else word for word in words]
    with pytest.raises(SystemExit):
        measure.main([*words, "--methods", "eager"])
    assert re.search(sentence, capsys.readouterr().err)


def test_a_missing_package_is_reported_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(measure.importlib.util, "find_spec", lambda name: None)
    for method, sentence in {
        "diffusion": "diffusers is not installed: pip install diffusers",
        "onnx": "onnxruntime is not installed: pip install textgan[export]",
    }.items():
        with pytest.raises(SystemExit):
            measure.main(["--methods", method])
        assert sentence in capsys.readouterr().err
