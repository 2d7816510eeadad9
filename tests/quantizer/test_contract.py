"""What every quantizer of `conf/quantizer` keeps."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from textgan.quantizer import Quantizer

FILES = sorted((Path(__file__).parents[2] / "conf" / "quantizer").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def quantizer(request) -> Quantizer:
    torch.manual_seed(0)
    return instantiate(OmegaConf.load(request.param), _convert_="all")


@pytest.fixture
def latents(quantizer) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(4, quantizer.in_channels, 5, 3, requires_grad=True)


def test_shapes_and_ranges_are_as_stated(quantizer, latents):
    out = quantizer(latents)
    assert out.values.shape == (4, quantizer.channels, 5, 3)
    assert out.codes.shape == (4, quantizer.groups, 5, 3)
    assert out.codes.dtype == torch.int64
    assert 0 <= out.codes.min() <= out.codes.max() < quantizer.codebook_size
    assert out.loss.shape == ()
    assert quantizer.bits == quantizer.groups * 9  # 512 codes


def test_values_are_those_of_the_codes(quantizer, latents):
    quantizer(latents)  # a codebook starts with the first batch
    out = quantizer.eval()(latents)
    torch.testing.assert_close(quantizer.decode(out.codes), out.values, atol=1e-5, rtol=1e-5)


def test_the_values_of_codes_have_these_codes_again_or_the_same_vector(quantizer, latents):
    quantizer(latents)
    values = quantizer.eval().decode(quantizer(latents).codes)
    assert values.isfinite().all()
    assert len(values.movedim(1, -1).flatten(0, 2).unique(dim=0)) > 10


def test_the_gradient_reaches_the_latents(quantizer, latents):
    out = quantizer(latents)
    weights = torch.linspace(-1, 1, out.values.numel()).view_as(out.values)
    ((weights * out.values).sum() + out.loss).backward()
    assert (latents.grad != 0).float().mean() > 0.9
    assert latents.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_half_precisions_are_quantised_in_float32(quantizer, dtype):
    latents = torch.randn(2, quantizer.in_channels, 3, 3, dtype=dtype)
    if dtype == torch.float64:
        quantizer.double()
    assert quantizer(latents).values.dtype == torch.promote_types(dtype, torch.float32)


def test_a_saved_quantizer_decodes_the_same(quantizer, latents, tmp_path):
    codes = quantizer(latents).codes
    quantizer.eval().save_pretrained(tmp_path)
    again = Quantizer.from_pretrained(tmp_path)
    assert torch.equal(again.decode(codes), quantizer.decode(codes))


def test_foreign_codes_are_refused(quantizer):
    good = torch.zeros(1, quantizer.groups, 2, 2, dtype=torch.int64)
    quantizer.decode(good)
    with pytest.raises(ValueError, match=r"codes must be within \[0, 512\), got 0 to 512"):
        quantizer.decode(good.index_fill(3, torch.tensor([1]), 512))
    with pytest.raises(ValueError, match=r"codes must be within \[0, 512\), got -1 to -1"):
        quantizer.decode(good - 1)
    with pytest.raises(ValueError, match="codes must have the shape"):
        quantizer.decode(good.repeat(1, 2, 1, 1))
