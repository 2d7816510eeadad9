"""`textgan encode` and `textgan decode`."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import safe_open, save_file

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.image import to_pil
from textgan.image.folder import read_square
from textgan.pipeline import AutoencoderPipeline
from textgan.pipeline.encoded import EncodedImages
from textgan.pretrained.frozen import weights_hash
from textgan.quantizer import FSQ

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


@pytest.fixture(scope="module", params=["discrete", "continuous"])
def model(request, tmp_path_factory) -> Path:
    """The folder of a tiny autoencoder."""
    torch.manual_seed(0)
    quantizer = FSQ(levels=(8, 8, 8), groups=2) if request.param == "discrete" else None
    net = ConvolutionAutoencoder(sample_shape=(3, 16, 16), quantizer=quantizer, **SMALL)
    folder = tmp_path_factory.mktemp(request.param) / "pipeline"
    AutoencoderPipeline(net.eval()).save_pretrained(folder)
    return folder


@pytest.fixture
def image_files(tmp_path) -> Path:
    """Five images of noise, in several sizes; two have names that differ in the suffix only."""
    generator = np.random.default_rng(0)
    root = tmp_path / "image_files"
    (root / "below").mkdir(parents=True)
    for name in ("a.png", "a.webp", "b.png", "below/c.png", "below/d e.png"):
        pixels = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / name)
    return Path("image_files")


def test_decoded_codes_are_the_reconstruction_bitwise(textgan, image_files, model):
    status, out, err = textgan(
        "encode", str(image_files), "codes.safetensors", "--model", str(model)
    )
    assert status == 0, err
    pipeline = AutoencoderPipeline.from_pretrained(model)
    what = "latents" if pipeline.bits is None else "codes"
    assert out.startswith(f"codes.safetensors: {what} of 5 images")
    assert (", 72 bits each" in out) == (pipeline.bits is not None)  # 4 places of 2 groups, 9 bits
    assert textgan("decode", "codes.safetensors", "out", "--model", str(model))[0] == 0
    names = ["a.png", "a.webp", "b.png", "below/c.png", "below/d e.png"]
    written = ["a.png.png", "a.webp.png", "b.png", "below/c.png", "below/d e.png"]
    assert sorted(p.relative_to("out").as_posix() for p in Path("out").rglob("*.png")) == written
    squares = torch.stack([read_square(image_files / name, 16, 3) for name in names])
    expected = map(to_pil, pipeline.reconstruct(squares))
    for name, image in zip(written, expected, strict=True):
        assert Image.open(f"out/{name}").tobytes() == image.tobytes()


def test_codes_are_stored_in_few_bytes(textgan, image_files, model):
    textgan("encode", str(image_files), "x/codes.safetensors", "--model", str(model))
    with safe_open("x/codes.safetensors", "pt") as file:
        (name,) = file.keys()
        tensor = file.get_tensor(name)
    expected = {"codes": (torch.int16, (5, 2, 2, 2)), "latents": (torch.float32, (5, 12, 2, 2))}
    assert (tensor.dtype, tuple(tensor.shape)) == expected[name]


def test_broken_images_are_counted(textgan, image_files, model):
    (image_files / "b.png").write_bytes(b"broken")
    status, out, err = textgan("encode", str(image_files), "c.safetensors", "--model", str(model))
    assert status == 0
    assert "of 4 images" in out
    assert err.startswith("1 of 5 images was skipped: image_files/b.png")


def test_another_autoencoder_is_refused(textgan, refused, image_files, model, tmp_path):
    textgan("encode", str(image_files), "c.safetensors", "--model", str(model))
    torch.manual_seed(1)
    net = ConvolutionAutoencoder(sample_shape=(3, 16, 16), **SMALL)
    AutoencoderPipeline(net.eval()).save_pretrained("other")
    err = refused("decode", "c.safetensors", "out", "--model", "other")
    assert "must have been encoded by this autoencoder" in err


def stored(
    file: str, names: object = ("a.png",), version: str = "1", **tensors: torch.Tensor
) -> str:
    metadata = {"version": version, "model": "x", "names": json.dumps(names)}
    save_file(tensors, file, metadata)
    return file


CODES = torch.zeros(1, 2, 2, 2, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"version": "2", "codes": CODES}, "must be a file by `textgan encode`"),
        ({"weights": CODES}, "must be a file by `textgan encode`"),
        ({"codes": CODES, "more": CODES.clone()}, "must be a file by `textgan encode`"),
        ({"codes": CODES[0]}, "must hold one row of codes for each of its 1 names"),
        ({"codes": CODES.repeat(2, 1, 1, 1)}, "must hold one row of codes for each of its 1 names"),
        ({"codes": CODES.float()}, "must hold one row of codes"),
        ({"latents": CODES}, "must hold one row of latents"),
        ({"latents": CODES.float() * torch.nan}, "must hold finite latents"),
        ({"codes": CODES, "names": "a.png"}, "must have a list of names"),
        ({"codes": CODES, "names": ["../a.png"]}, "must have names inside of a folder"),
        ({"codes": CODES, "names": ["/etc/a.png"]}, "must have names inside of a folder"),
        ({"codes": CODES.repeat(2, 1, 1, 1), "names": ["a.png", "a.png"]}, "must have different"),
        ({"codes": CODES[:, :, :0]}, "must hold one row of codes"),
        ({"latents": CODES.long()}, "must hold one row of latents"),
        ({"codes": CODES, "names": [""]}, "must have names inside of a folder"),
        ({"codes": CODES, "names": ["a\n.png"]}, "must have names inside of a folder"),
    ],
)
def test_a_hostile_or_foreign_file_is_a_sentence(refused, tmp_path, monkeypatch, content, sentence):
    file = stored("hostile.safetensors", **content)
    assert sentence in refused("decode", file, "out", "--model", "nowhere")
    assert not Path("out").exists()


def test_names_that_nest_too_deeply_are_a_sentence(refused, tmp_path):
    metadata = {"version": "1", "model": "x", "names": "[" * 100_000}
    save_file({"codes": CODES}, "deep.safetensors", metadata)
    assert "must have its images' names as JSON" in refused("decode", "deep.safetensors", "out")


def test_a_pipe_is_a_sentence(refused, tmp_path):
    os.mkfifo("pipe.safetensors")
    assert "pipe.safetensors cannot be read" in refused("decode", "pipe.safetensors", "out")


@pytest.mark.parametrize("name", ["12:30.png", "at 10.30\u202fAM.png", "caf\u00e9 \u00a0.png"])
def test_any_name_of_an_image_comes_back(textgan, model, tmp_path, name):
    Path("odd").mkdir()
    Image.new("RGB", (8, 8), "red").save(Path("odd") / name)
    assert textgan("encode", "odd", "c.safetensors", "--model", str(model))[0] == 0
    status, _, err = textgan("decode", "c.safetensors", "out", "--model", str(model))
    assert status == 0, err
    assert [path.name for path in Path("out").iterdir()] == [name]


def test_names_stay_different(model, tmp_path):
    from textgan.pipeline.autoencoder import _png_names

    found = _png_names(["a.jpg", "a.png", "a.jpg.png", "b.webp"])
    assert len(set(found)) == 4
    assert found[-1] == "b.png"


def test_latents_of_other_channels_are_a_sentence(refused, model):
    pipeline = AutoencoderPipeline.from_pretrained(model)
    if pipeline.bits is not None:
        pytest.skip("a discrete autoencoder has codes")
    values = torch.zeros(1, 1, 2, 2)
    own = weights_hash(pipeline.autoencoder)
    EncodedImages(values, ["a.png"], own).save(Path("c.safetensors"))
    err = refused("decode", "c.safetensors", "out", "--model", str(model))
    assert "latents must have the shape (images, 12, height, width), got (1, 1, 2, 2)" in err


def test_what_is_no_safetensors_file_is_a_sentence(refused, tmp_path):
    assert "codes.safetensors cannot be read" in refused("decode", "codes.safetensors", "out")
    Path("codes.safetensors").write_bytes(b"\xff" * 40)
    assert "codes.safetensors cannot be read" in refused("decode", "codes.safetensors", "out")


def test_codes_out_of_range_are_a_sentence(refused, model):
    pipeline = AutoencoderPipeline.from_pretrained(model)
    if pipeline.bits is None:
        pytest.skip("a continuous autoencoder has no codes")
    values = torch.full((1, 2, 2, 2), 512)
    EncodedImages(values, ["a.png"], weights_hash(pipeline.autoencoder)).save(Path("c.safetensors"))
    err = refused("decode", "c.safetensors", "out", "--model", str(model))
    assert "c.safetensors does not fit the model: codes must be within [0, 512)" in err


def test_a_model_that_generates_cannot_encode(refused, generative, image_files):
    err = refused("encode", str(image_files), "c.safetensors", "--model", str(generative))
    assert (
        "a model that encodes images as latents is trained by `textgan fit model=autoencoder`"
        in err
    )


def test_the_file_must_be_a_safetensors_file(refused):
    assert "FILE must end in .safetensors, got 'codes.npz'" in refused("encode", ".", "codes.npz")
