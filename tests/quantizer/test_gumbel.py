import math

import pytest
import torch

from textgan.quantizer import GumbelQuantizer


def made(**arguments) -> GumbelQuantizer:
    torch.manual_seed(0)
    return GumbelQuantizer(**{"channels": 2, "codebook_size": 3, **arguments})


def logits(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows).T[None, :, :, None]


def test_the_loss_is_the_kl_to_the_uniform_distribution_by_hand():
    shares = [0.7, 0.2, 0.1]
    kl = sum(p * math.log(3 * p) for p in shares)
    latents = logits([math.log(p) for p in shares], [0.0, 0.0, 0.0])
    assert made()(latents).loss.item() == pytest.approx(kl / 2)


def test_the_loss_is_a_sum_over_groups():
    latents = logits([math.log(p) for p in (0.7, 0.2, 0.1)])
    one = made()(latents).loss
    two = made(groups=2)(torch.cat([latents, latents], 1)).loss
    torch.testing.assert_close(two, 2 * one)


def test_in_evaluation_the_most_probable_code_is_taken():
    quantizer = made().eval()
    out = quantizer(logits([0.0, 2.0, 1.0], [5.0, 2.0, 1.0]))
    assert out.codes.flatten().tolist() == [1, 0]
    assert torch.equal(out.values[0, :, 0, 0], quantizer.codebook[0, 1])


def test_a_low_temperature_takes_codes_as_often_as_they_are_probable():
    quantizer = made(temperature=1e-3)
    shares = torch.tensor([0.7, 0.2, 0.1])
    out = quantizer(shares.log()[None, :, None, None].expand(1, 3, 100, 100))
    vectors = out.values[0].flatten(1).T  # (10000, 2)
    nearest = torch.cdist(vectors, quantizer.codebook[0]).argmin(1)
    found = torch.bincount(nearest, minlength=3) / 10_000
    torch.testing.assert_close(found, shares, atol=0.02, rtol=0)


def test_the_temperature_follows_the_progress():
    quantizer = made(temperature=[[0, 10.0], [1, 1e-3]])
    latents = logits([0.0, 1.0, 0.0]).expand(1, 3, 500, 1)
    spreads = []
    for progress in (0.0, 1.0):
        torch.manual_seed(1)
        spreads.append(quantizer(latents, progress).values.var().item())
    assert spreads[0] < 0.1 * spreads[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"channels": 3, "groups": 2}, "channels must be a positive multiple of groups"),
        ({"codebook_size": 1}, "codebook_size must be at least 2, got 1"),
        ({"temperature": 0.0}, "temperature must be above 0, got 0.0"),
        ({"temperature": [[0, 1], [1, 0]]}, "temperature must be above 0, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        made(**arguments)
