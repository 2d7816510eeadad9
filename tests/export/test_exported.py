"""Samples of an exported folder equal those of the pipeline."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.caption.prompt import parse
from textgan.export import ExportedPipeline

CAPTIONS = ["a red circle", "", "a blue square left of a star", "<end> 两个 Ünïcode", "A STAR"]


def apart(one: list[Image.Image], other: list[Image.Image]) -> int:
    """The largest difference of two lists of images, of 255."""
    pairs = zip(one, other, strict=True)
    return max(np.abs(np.array(a).astype(int) - np.array(b)).max() for a, b in pairs)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 3},
        {"num_images_per_prompt": 3, "batch_size": 4},
        {"indices": [7, 7, 0, 1, 2], "truncation": 0.5},
        {"truncation": 0.0},
    ],
    ids=str,
)
def test_the_same_seed_gives_the_same_images(exported, pipeline, options):
    images = exported(CAPTIONS, **options).images
    assert apart(images, pipeline(CAPTIONS, **options).images) <= 1
    assert np.std([np.array(image) for image in images]) > 20  # they are not gray


def test_arrays_equal_those_of_the_pipeline_alone_and_in_a_batch(exported, pipeline):
    arrays = exported(CAPTIONS, output_type="np").images
    expected = pipeline(CAPTIONS, output_type="np").images
    assert arrays.dtype == np.float32
    np.testing.assert_allclose(arrays, expected, atol=1e-4, rtol=0)
    for index, caption in enumerate(CAPTIONS):
        alone = exported(caption, indices=[index], output_type="np").images
        np.testing.assert_allclose(alone, arrays[index : index + 1], atol=1e-4, rtol=0)


def test_another_seed_index_or_caption_gives_another_image(exported):
    first = exported("a star").images
    for other in (
        exported("a star", seed=1),
        exported("a star", indices=[1]),
        exported("a red circle"),
    ):
        assert apart(first, other.images) > 5


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 24), (2, 3), (5, 24), (33, 2)])
def test_the_graph_takes_any_number_of_captions_of_any_length(exported, pipeline, batch, length):
    torch.manual_seed(batch)
    token_ids = torch.randint(3, 250, (batch, length))
    mask = torch.arange(length) < torch.randint(1, length + 1, (batch, 1))
    noise = torch.randn(batch, 4)
    images = exported._session(token_ids.numpy(), mask.numpy(), noise.numpy())
    with torch.no_grad():
        expected = pipeline.generator(noise, pipeline.text_encoder.from_tokens(token_ids, mask))
    np.testing.assert_allclose(images, expected, atol=1e-4, rtol=0)


def test_a_caption_that_is_too_long_is_cut_alike_and_a_warning_says_so(exported, pipeline):
    long = ["a red circle above " * 9, "a star"]
    with pytest.warns(UserWarning, match="1 of 2 captions were cut to max_length = 24 tokens"):
        images = exported(long).images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which is given only once
        expected = pipeline(long).images
    assert apart(images, expected) <= 1


def test_onnx_is_sampled_without_torch(onnx_folder, pipeline, tmp_path):
    code = f"""
import sys
from textgan.export import ExportedPipeline
image = ExportedPipeline({str(onnx_folder)!r}, threads=1)("a red circle", seed=5).images[0]
image.save("sample.png")
print(sorted({{"torch", "transformers", "textgan.seed"}} & set(sys.modules)))
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
    image = Image.open(tmp_path / "sample.png")
    assert apart([image], pipeline("a red circle", seed=5).images) <= 1


@pytest.mark.parametrize(
    ("captions", "options", "sentence"),
    [
        ([], {}, "captions must hold at least one caption, got none"),
        ("a", {"truncation": 1.5}, r"truncation must be in \[0, 1\], got 1.5"),
        ("a", {"output_type": "pt"}, 'output_type must be "pil" or "np", got \'pt\''),
        ("a \ud800 star", {}, "captions must be valid Unicode, got"),
        (["a", "a (red:1.5) circle"], {}, r"takes no weights of words, got 1.5 for 'red'"),
    ],
)
def test_wrong_arguments_are_refused(exported, captions, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        exported(captions, **options)


@pytest.mark.parametrize("caption", ["(a) circle", "a circle (two: red)", "a:1.5", "(:1.5) a"])
def test_parentheses_without_a_weight_are_text(exported, pipeline, caption):
    assert not parse(caption).weights
    assert apart(exported(caption).images, pipeline(caption).images) <= 1


@pytest.mark.parametrize("caption", ["(red:1.5)", "a ( red circle : 0 ) x", "a (b:2)(c:.5:1)"])
def test_a_weight_of_a_prompt_is_refused(exported, caption):
    assert parse(caption).weights
    with pytest.raises(ValueError, match="takes no weights of words"):
        exported(caption)


@pytest.mark.parametrize("threads", [0, 1])
def test_threads_are_onnxruntimes(torch_folder, threads):
    with pytest.raises(ValueError, match=f"None for the format torch, got {threads}"):
        ExportedPipeline(torch_folder, format="torch", threads=threads)


def test_images_that_are_not_finite_are_an_error(exported, monkeypatch):
    nothing = np.full((3, 3, 16, 16), np.nan, np.float32)
    monkeypatch.setattr(exported, "_session", lambda *given: nothing)
    with pytest.raises(FloatingPointError, match="3 of 3 images have values that are not finite"):
        exported(["a", "b", "c"])
