import torch
from torch.distributions import Normal, kl_divergence

from textgan.layer import TextPrior


def test_it_is_the_standard_normal_at_first():
    mean, log_variance = TextPrior(8, 3)(torch.randn(4, 8))
    assert mean.shape == log_variance.shape == (4, 3)
    assert not mean.any()
    assert not log_variance.any()


def test_its_variance_is_bounded_and_can_come_back():
    for sign in (1.0, -1.0):
        prior = TextPrior(8, 3)
        torch.nn.init.constant_(prior.last.bias, sign * 50)
        log_variance = prior(torch.randn(4, 8))[1]
        assert torch.equal(log_variance, torch.full((4, 3), sign * 6))
        (sign * log_variance.sum()).backward()
        assert prior.last.bias.grad[3:].abs().min() > 0


def test_it_learns_where_each_texts_z_lies():
    torch.manual_seed(0)
    prior, text = TextPrior(2, 1), torch.eye(2)
    wanted = Normal(torch.tensor([[-2.0], [1.0]]), torch.tensor([[0.1], [2.0]]))
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.03)
    for _ in range(300):
        mean, log_variance = prior(text)
        loss = kl_divergence(wanted, Normal(mean, (0.5 * log_variance).exp())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02
