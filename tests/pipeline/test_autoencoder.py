import pytest
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.pipeline import AutoencoderPipeline, Pipeline
from textgan.quantizer import FSQ

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def made(quantizer: FSQ | None = None) -> AutoencoderPipeline:
    torch.manual_seed(0)
    net = ConvolutionAutoencoder(sample_shape=(3, 16, 16), quantizer=quantizer, **SMALL)
    return AutoencoderPipeline(net.eval(), trained_against=["x"])


def images() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(5, 3, 16, 16) * 2 - 1


@pytest.mark.parametrize("quantizer", [None, FSQ(levels=(4, 4), groups=3)], ids=["kl", "fsq"])
def test_batches_make_no_difference_and_a_saved_pipeline_is_the_same(quantizer, tmp_path):
    pipeline = made(quantizer)
    expected = pipeline.reconstruct(images())
    torch.testing.assert_close(pipeline.reconstruct(images(), 2), expected, atol=1e-5, rtol=0)
    pipeline.save_pretrained(tmp_path)
    again = Pipeline.from_pretrained(tmp_path)
    assert torch.equal(again.reconstruct(images()), expected)
    assert again.trained_against == ["x"]


def test_the_bits_are_those_of_all_codes():
    assert made().bits is None
    assert made(FSQ(levels=(4, 4), groups=3)).bits == 2 * 2 * 3 * 4


def test_latents_decode_to_the_reconstruction():
    pipeline = made()
    latents = pipeline.encode(images())
    assert latents.shape == (5, 12, 2, 2)
    assert torch.equal(pipeline.decode(latents), pipeline.reconstruct(images()))


def test_codes_decode_to_the_reconstruction():
    pipeline = made(FSQ(levels=(4, 4), groups=3))
    codes = pipeline.encode_to_codes(images())
    assert codes.shape == (5, 3, 2, 2)
    assert torch.equal(pipeline.decode_codes(codes), pipeline.reconstruct(images()))
    with pytest.raises(ValueError, match=r"codes must be within \[0, 16\), got 16 to 16"):
        pipeline.decode_codes(torch.full_like(codes, 16))
