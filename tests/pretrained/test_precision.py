"""Pipelines with weights of 16 or 64 bits sample, compare and load as those with 32 bits."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.generator import AttentionGenerator
from textgan.image_encoder import ResNetImageEncoder, ViTImageEncoder
from textgan.pipeline import ContrastivePipeline, GANPipeline, rerank
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder

CAPTIONS = ["a red circle", "", "two (blue:1.5) squares left of a green star"]
# The greatest and the mean difference to float32 in [-1, 1]: 2 to 4 times what was measured.
PRECISIONS = {
    torch.float16: (0.02, 0.002),
    torch.bfloat16: (0.15, 0.02),
    torch.float64: (1e-4, 1e-5),
}
EVERY = pytest.mark.parametrize("dtype", PRECISIONS, ids=str)


def bert() -> BertTextEncoder:
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=16, depth=1, num_heads=2, vocab_size=300)
    encoder.fit_tokenizer(CAPTIONS)
    return encoder


def perturbed(pipeline):
    """Change every weight, so that zeros of the initialisation do not hide an error."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in pipeline.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.05)
    return pipeline.eval()


@pytest.fixture(params=["from scratch", "frozen"])
def generating(request) -> GANPipeline:
    encoder = bert() if request.param == "from scratch" else FrozenTextEncoder(bert())
    generator = AttentionGenerator(
        sample_shape=(3, 16, 16), text_width=16, noise_width=4, width=8, max_width=16
    )
    return perturbed(GANPipeline(generator, encoder))


@pytest.fixture(params=["resnet", "vit"])
def comparing(request) -> ContrastivePipeline:
    torch.manual_seed(0)
    if request.param == "resnet":
        images = ResNetImageEncoder(image_size=16, width=16, base_width=4, max_width=8)
    else:
        images = ViTImageEncoder(image_size=16, width=16, patch_size=4, depth=1, num_heads=2)
    return perturbed(ContrastivePipeline(images, bert()))


def apart(one: torch.Tensor, other: torch.Tensor, dtype: torch.dtype) -> None:
    """Both are float32, and as close as the dtype allows, though not equal."""
    assert one.dtype == other.dtype == torch.float32
    gap, (greatest, mean) = (one - other).abs(), PRECISIONS[dtype]
    assert 0 < gap.max() <= greatest
    assert gap.mean() <= mean


SAMPLES = {
    "plain": lambda p: p(CAPTIONS, seed=3, num_images_per_prompt=4, output_type="pt"),
    "guided": lambda p: p(CAPTIONS, guidance_scale=1.5, output_type="pt"),
    "captions": lambda p: p.interpolate(CAPTIONS[0], CAPTIONS[2], frames=5, output_type="pt"),
    "noises": lambda p: p.interpolate(CAPTIONS[0], end_seed=7, frames=5, output_type="pt"),
}


@EVERY
@pytest.mark.parametrize("how", SAMPLES)
def test_images_are_float32_and_nearly_those_of_float32(generating, dtype, how):
    expected = SAMPLES[how](generating).images
    generating.to(dtype)  # cached features of the captions have the other dtype
    assert generating.dtype == dtype
    apart(SAMPLES[how](generating).images, expected, dtype)
    assert generating(CAPTIONS, output_type="np").images.dtype == np.float32
    assert isinstance(generating(CAPTIONS).images[0], Image.Image)


@EVERY
def test_attention_is_float32_and_nearly_that_of_float32(generating, dtype):
    expected = generating.attention(CAPTIONS[2])
    generating.to(dtype)
    for one, other in zip(generating.attention(CAPTIONS[2]), expected, strict=True):
        assert one.word == other.word
        assert one.map.dtype == torch.float32
        assert (one.map - other.map).abs().max() < 0.1


@EVERY
def test_texts_and_images_are_compared_in_it(comparing, generating, dtype, tmp_path):
    images = generating(CAPTIONS, output_type="pt").images
    listed = generating(CAPTIONS).images
    listed[0].resize((40, 30)).save(tmp_path / "a.png")
    expected = comparing.similarity(images, CAPTIONS), comparing.similarity(listed, CAPTIONS)
    kinds = comparing.classify(images, ["star", "circle"])
    comparing.to(dtype)
    assert comparing.dtype == dtype
    apart(comparing.similarity(images, CAPTIONS), expected[0], dtype)
    apart(comparing.similarity(listed, CAPTIONS), expected[1], dtype)
    apart(comparing.classify(images, ["star", "circle"]), kinds, dtype)
    assert len(comparing.search(tmp_path, "a star")) == 1
    assert rerank(generating.to(dtype), comparing, "a star", candidates=3).images


def test_an_interpolation_works_under_autocast(generating):
    expected = SAMPLES["captions"](generating).images
    with torch.autocast("cpu", torch.bfloat16):
        images = SAMPLES["captions"](generating).images
    assert images.dtype == torch.float32
    assert (images - expected).abs().max() < 0.2


@pytest.mark.parametrize("dtype", [torch.bfloat16, "float16"], ids=str)
def test_a_pipeline_is_loaded_in_a_given_dtype(comparing, dtype, tmp_path):
    wanted = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    comparing.save_pretrained(tmp_path)
    again = ContrastivePipeline.from_pretrained(tmp_path, dtype=dtype)
    assert {weight.dtype for weight in again.parameters()} == {again.dtype} == {wanted}
    assert again.config() == comparing.config()
    assert ContrastivePipeline.from_pretrained(tmp_path).dtype == torch.float32
    part = BertTextEncoder.from_pretrained(tmp_path, "text_encoder", dtype=dtype)
    comparing.to(wanted)
    assert all(map(torch.equal, again.parameters(), comparing.parameters()))
    assert all(map(torch.equal, part.parameters(), comparing.text_encoder.parameters()))


def test_an_image_encoder_of_16_bits_descends_from_that_of_32(comparing, tmp_path):
    comparing.save_pretrained(tmp_path)
    kind = type(comparing.image_encoder)
    encoder = kind.from_pretrained(tmp_path, "image_encoder", dtype="bfloat16")
    assert next(encoder.parameters()).dtype == torch.bfloat16
    assert kind.from_pretrained(tmp_path, "image_encoder").lineage() < encoder.lineage()


def test_auto_is_the_dtype_of_the_file(generating, tmp_path):
    generating.bfloat16().save_pretrained(tmp_path)
    again = GANPipeline.from_pretrained(tmp_path, dtype="auto")
    assert again.dtype == torch.bfloat16
    options = {"output_type": "pt"}
    assert torch.equal(again(CAPTIONS, **options).images, generating(CAPTIONS, **options).images)
    assert GANPipeline.from_pretrained(tmp_path).dtype == torch.float32


@pytest.mark.parametrize("dtype", ["half", torch.int64, torch.float8_e4m3fn, 16])
def test_another_dtype_is_refused_before_anything_is_read(dtype, tmp_path):
    with pytest.raises(ValueError, match=r"dtype must be one of float16, bfloat16, float32, float"):
        GANPipeline.from_pretrained(tmp_path / "nowhere", dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_bundled_model_samples_nearly_the_same_in_16_bits(dtype):
    import textgan.weights

    folder = Path(textgan.weights.__file__).parent / "shapes"
    captions = ["a small red circle left of a large blue square", "a green star"]
    expected = GANPipeline.from_pretrained(folder)(captions, output_type="pt").images
    images = GANPipeline.from_pretrained(folder, dtype=dtype)(captions, output_type="pt").images
    gap = (images - expected).abs()
    assert gap.mean() < {torch.float16: 0.001, torch.bfloat16: 0.008}[dtype]
