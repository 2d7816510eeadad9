import pytest
import torch
from torch.distributions import Normal, kl_divergence

from textgan.loss import KL
from textgan.types import Posterior


def test_a_standard_normal_posterior_is_free(make_step):
    step = make_step(posterior=Posterior(torch.zeros(2, 3), torch.zeros(2, 3)))
    assert KL().generator_loss(step).item() == 0


def test_a_mean_of_one_costs_half_a_nat_a_number(make_step):
    step = make_step(posterior=Posterior(torch.ones(2, 3), torch.zeros(2, 3)))
    assert KL().generator_loss(step).item() == pytest.approx(1.5)


@pytest.mark.parametrize("shape", [(5,), (2, 3, 3)])
def test_it_is_the_divergence_of_torch_distributions(make_step, shape):
    torch.manual_seed(0)
    mean, log_variance = torch.randn(4, *shape), torch.randn(4, *shape)
    step = make_step(captions=[*"abcd"], posterior=Posterior(mean, log_variance))
    divergence = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    expected = divergence.flatten(1).sum(1).mean()
    torch.testing.assert_close(KL().generator_loss(step), expected)
