import torch

from textgan.layer import MappingNetwork


def test_a_narrow_noise_counts_beside_a_wide_text():
    torch.manual_seed(0)
    style = MappingNetwork(2, 512, 32)
    noise, text = torch.randn(64, 2), torch.randn(64, 512)
    by_noise = style(noise, text[:1].expand(64, -1)).var(0).mean()
    by_text = style(noise[:1].expand(64, -1), text).var(0).mean()
    assert 0.3 < by_noise / by_text < 10
