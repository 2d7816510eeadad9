"""Which z a picture is reconstructed from."""

from types import SimpleNamespace

import pytest
import torch

from textgan.model.step import sample_z
from textgan.types import Posterior


def step(progress: float) -> SimpleNamespace:
    keyed = torch.Generator().manual_seed(0)
    return SimpleNamespace(progress=progress, randn=lambda s: torch.randn(s, generator=keyed))


@pytest.mark.parametrize("shape", [(4000, 2), (4000, 1, 2, 2)])
@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.4), (0.15, 0.2), (0.3, 0.0), (1.0, 0.0)])
def test_a_share_of_the_pictures_is_drawn_from_the_prior_by_the_schedule(shape, progress, share):
    posterior = Posterior(torch.full(shape, 100.0), torch.zeros(shape))
    rows = sample_z(posterior, step(progress), [[0.0, 0.4], [0.3, 0.0]]).flatten(1)
    from_prior = (rows < 50).all(1)
    assert from_prior.float().mean().item() == pytest.approx(share, abs=0.03)
    assert (rows[~from_prior] > 50).all()
    if share:
        assert rows[from_prior].std().item() == pytest.approx(1, abs=0.1)
