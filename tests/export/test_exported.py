"""What is drawn from an exported folder is what the pipeline draws."""

import json
import shutil
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
    """The largest difference of two lists of pictures, of 255."""
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
def test_the_same_seed_draws_the_same_pictures(draw, pipeline, options):
    drawn = draw(CAPTIONS, **options).images
    assert apart(drawn, pipeline(CAPTIONS, **options).images) <= 1
    assert np.std([np.array(picture) for picture in drawn]) > 20  # pictures, not gray


def test_another_seed_index_or_caption_draws_another_picture(draw):
    first = draw("a star").images
    for other in (draw("a star", seed=1), draw("a star", indices=[1]), draw("a red circle")):
        assert apart(first, other.images) > 5


def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(draw):
    whole = draw(CAPTIONS).images
    for index, caption in enumerate(CAPTIONS):
        assert apart(draw(caption, indices=[index]).images, whole[index : index + 1]) <= 1


def test_arrays_are_the_pictures(draw, pipeline):
    arrays = draw(CAPTIONS, output_type="np").images
    expected = pipeline(CAPTIONS, output_type="np").images
    assert arrays.dtype == np.float32
    np.testing.assert_allclose(arrays, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 24), (2, 3), (5, 24), (33, 2)])
def test_the_graph_takes_any_number_of_captions_of_any_length(draw, pipeline, batch, length):
    torch.manual_seed(batch)
    token_ids = torch.randint(3, 250, (batch, length))
    mask = torch.arange(length) < torch.randint(1, length + 1, (batch, 1))
    noise = torch.randn(batch, 4)
    images = draw._session(token_ids.numpy(), mask.numpy(), noise.numpy())
    with torch.no_grad():
        expected = pipeline.generator(noise, pipeline.text_encoder.from_tokens(token_ids, mask))
    np.testing.assert_allclose(images, expected, atol=1e-4, rtol=0)


def test_a_caption_that_is_too_long_is_cut_alike_and_a_warning_says_so(draw, pipeline):
    long = ["a red circle above " * 9, "a star"]
    with pytest.warns(UserWarning, match="1 of 2 captions were cut to max_length = 24 tokens"):
        drawn = draw(long).images
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which it says once only
        expected = pipeline(long).images
    assert apart(drawn, expected) <= 1


def test_onnx_is_drawn_without_torch(onnx_folder, pipeline, tmp_path):
    code = f"""
import sys
from textgan.export import ExportedPipeline
picture = ExportedPipeline({str(onnx_folder)!r}, threads=1)("a red circle", seed=5).images[0]
picture.save("drawn.png")
print(sorted({{"torch", "transformers", "textgan.seed"}} & set(sys.modules)))
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
    drawn = Image.open(tmp_path / "drawn.png")
    assert apart([drawn], pipeline("a red circle", seed=5).images) <= 1


@pytest.mark.parametrize(
    ("captions", "options", "sentence"),
    [
        ([], {}, "captions must hold at least one caption, got none"),
        ("a", {"num_images_per_prompt": 0}, "must be at least 1, got 0 and 64"),
        ("a", {"batch_size": 0}, "must be at least 1, got 1 and 0"),
        ("a", {"truncation": 1.5}, r"truncation must be in \[0, 1\], got 1.5"),
        ("a", {"output_type": "pt"}, 'output_type must be "pil" or "np", got \'pt\''),
        ("a \ud800 star", {}, "captions must be valid Unicode, got"),
        (["a", "a (red:1.5) circle"], {}, r"cannot weigh words, got '\(red:1.5\)'"),
    ],
)
def test_wrong_arguments_are_sentences(draw, captions, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw(captions, **options)


@pytest.mark.parametrize("caption", ["(a) circle", "a circle (two: red)", "a:1.5", "(:1.5) a"])
def test_parentheses_without_a_weight_are_text(draw, pipeline, caption):
    assert not parse(caption).weights
    assert apart(draw(caption).images, pipeline(caption).images) <= 1


@pytest.mark.parametrize("caption", ["(red:1.5)", "a ( red circle : 0 ) x", "a (b:2)(c:.5:1)"])
def test_what_has_a_weight_for_the_pipeline_has_one_here(draw, caption):
    assert parse(caption).weights
    with pytest.raises(ValueError, match="cannot weigh words"):
        draw(caption)


@pytest.mark.parametrize("threads", [0, 1])
def test_threads_are_onnxruntimes(torch_folder, threads):
    with pytest.raises(ValueError, match=f"None for the format torch, got {threads}"):
        ExportedPipeline(torch_folder, format="torch", threads=threads)


def test_pictures_that_are_not_finite_are_never_handed_out(draw, monkeypatch):
    nothing = np.full((3, 3, 16, 16), np.nan, np.float32)
    monkeypatch.setattr(draw, "_session", lambda *given: nothing)
    with pytest.raises(FloatingPointError, match="3 of 3 pictures hold values"):
        draw(["a", "b", "c"])


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("model.onnx", b"half", "model.onnx is not an ONNX graph"),
        ("tokenizer.json", b'{"model"', "tokenizer.json is not a tokenizer's JSON"),
        ("tokenizer.json", b"[]", "tokenizer.json is not a tokenizer's JSON with an object under"),
        ("tokenizer.json", b"{}", "tokenizer.json is not a tokenizer's JSON"),
        ("export.json", b"[", "export.json is not valid JSON"),
        ("export.json", b"{}", "must have all fields of format_version 1"),
    ],
)
def test_a_broken_folder_is_a_sentence(onnx_folder, tmp_path, file, content, sentence):
    folder = shutil.copytree(onnx_folder, tmp_path / "folder")
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        ExportedPipeline(folder)


@pytest.mark.parametrize(("field", "value"), [("noise_shape", 5), ("format", []), ("int8", "no")])
def test_a_field_of_a_wrong_kind_is_named(onnx_folder, tmp_path, field, value):
    folder = shutil.copytree(onnx_folder, tmp_path / "folder")
    known = json.loads((folder / "export.json").read_text()) | {field: value}
    (folder / "export.json").write_text(json.dumps(known))
    with pytest.raises(ValueError, match=r"export.json must have"):
        ExportedPipeline(folder)
