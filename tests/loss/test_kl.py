import pytest
import torch
from torch.distributions import Normal, kl_divergence

from textgan.loss import KL
from textgan.types import Gaussian

STANDARD = Gaussian(torch.zeros(2, 3), torch.zeros(2, 3))


def test_a_posterior_that_says_no_more_than_the_prior_is_free(make_step):
    step = make_step(posterior=STANDARD, prior=STANDARD)
    assert KL().generator_loss(step).item() == 0


def test_a_mean_of_one_costs_half_a_nat_a_number(make_step):
    step = make_step(posterior=Gaussian(torch.ones(2, 3), torch.zeros(2, 3)), prior=STANDARD)
    assert KL().generator_loss(step).item() == pytest.approx(1.5)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 3)])
def test_it_is_the_divergence_of_torch_distributions(make_step, shape):
    torch.manual_seed(0)
    q, p = (Gaussian(torch.randn(4, *shape), torch.randn(4, *shape)) for _ in range(2))
    step = make_step(captions=[*"abcd"], posterior=q, prior=p)
    divergence = kl_divergence(*(Normal(g.mean, (0.5 * g.log_variance).exp()) for g in (q, p)))
    expected = divergence.flatten(1).sum(1).mean()
    torch.testing.assert_close(KL().generator_loss(step), expected)


def test_a_small_divergence_is_not_lost_in_half_precision(make_step):
    torch.manual_seed(0)
    mean = 0.01 * torch.randn(4, 12, 8, 8)
    posterior = Gaussian(mean, torch.full_like(mean, -0.01))
    prior = Gaussian(torch.zeros_like(mean), torch.zeros_like(mean))
    exact = KL().generator_loss(make_step(posterior=posterior, prior=prior)).item()
    with torch.autocast("cpu", torch.bfloat16):
        half = KL().generator_loss(make_step(posterior=posterior, prior=prior)).item()
    assert half == pytest.approx(exact, rel=1e-5)
