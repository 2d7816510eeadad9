"""The Frechet distance: its value against scipy, its direction, and what it keeps to itself."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn

from textgan import image
from textgan.metric import FID
from textgan.types import Evaluation


class Projection(nn.Module):
    """Pictures -> 6 fixed random projections of 8 x 8 pixels."""

    def __init__(self, num_features: int | None = 6):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(192, 6, generator=generator) / 192)
        if num_features:
            self.num_features = num_features

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        small = nn.functional.adaptive_avg_pool2d(images.float(), 8)
        return small.flatten(1) @ self.weight


def pictures(n: int, *, seed: int, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, 8, 8, generator=generator) * 2 - 1


def evaluation(real: Tensor | None, fake: Tensor) -> Evaluation:
    return Evaluation(["a picture"] * len(fake), real, fake[:, None])


def distance(real: Tensor, fake: Tensor) -> float:
    fid = FID(Projection())
    fid.update(evaluation(real, fake))
    return fid.compute()["fd_projection"]


def by_scipy(real: Tensor, fake: Tensor) -> float:
    a, b = (Projection()(image.to_uint8(x)).detach().double().numpy() for x in (real, fake))
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    trace = np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + trace)


def test_a_set_is_at_distance_zero_of_itself_and_never_below():
    real = pictures(50, seed=0)
    assert 0 <= distance(real, real.flip(0)) < 1e-9


def test_it_rises_with_the_noise_on_the_draws():
    real = 0.2 * pictures(400, seed=0)
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(1))
    values = [distance(real, real + amount * noise) for amount in (0, 0.05, 0.1, 0.2, 0.4)]
    assert values == sorted(values)
    assert values[1] > values[0] + 1e-6


def test_it_is_the_formula_in_float64():
    real, fake = pictures(60, seed=0), 0.7 * pictures(40, seed=1) + 0.2
    fid = FID(Projection())
    for part in real.split(25):
        fid.update(Evaluation([], part, torch.empty(0, 1, 3, 8, 8)))
    fid.update(Evaluation([], torch.empty(0, 3, 8, 8), fake[:, None]))
    assert fid.compute()["fd_projection"] == pytest.approx(by_scipy(real, fake), rel=1e-6)


def test_autocast_around_it_changes_nothing():
    real, fake = pictures(30, seed=0), pictures(30, seed=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert distance(real, fake) == distance(real, fake)
        inside = distance(real, fake)
    assert inside == distance(real, fake)


def test_only_the_first_draw_counts_and_n_is_the_number_of_captions():
    real, fake = pictures(30, seed=0), pictures(30, seed=1)
    fid = FID(Projection(), name="fd_projection")
    fid.update(Evaluation(["x"] * 30, real, torch.stack([fake, pictures(30, seed=2)], 1)))
    assert fid.compute() == {"fd_projection": distance(real, fake), "n": 30.0}


def test_reset_forgets_real_pictures_and_draws():
    fid = FID(Projection())
    fid.update(evaluation(pictures(30, seed=3), pictures(30, seed=4)))
    fid.compute()
    fid.reset()
    real, fake = pictures(30, seed=0), pictures(30, seed=1)
    fid.update(evaluation(real, fake))
    assert fid.compute() == {"fd_projection": distance(real, fake), "n": 30.0}


def test_gray_is_repeated_and_transparency_laid_on_white():
    gray = pictures(30, seed=0, channels=1)
    assert distance(gray, gray.expand(-1, 3, -1, -1)) == pytest.approx(0, abs=1e-9)
    clear = torch.cat([pictures(30, seed=0), torch.full((30, 1, 8, 8), -1.0)], 1)
    assert distance(clear, torch.ones(30, 3, 8, 8)) == pytest.approx(0, abs=1e-9)


def test_pixels_beyond_the_range_are_clamped_and_do_not_wrap():
    white = torch.ones(30, 3, 8, 8)
    assert distance(white, white + 0.005) == 0


def test_fewer_than_two_pictures_are_one_clear_sentence():
    fid = FID(Projection(), name="fd_6")
    fid.update(evaluation(pictures(1, seed=0), pictures(1, seed=1)))
    with pytest.raises(ValueError, match="FID needs at least 2 images of each kind, got 1 real"):
        fid.compute()


def test_missing_real_pictures_and_broken_draws_are_refused():
    fid = FID(Projection())
    with pytest.raises(ValueError, match="FID needs real images, got none"):
        fid.update(evaluation(None, pictures(2, seed=0)))
    with pytest.raises(ValueError, match="needs finite pixels, got NaN or inf in 2 of 2 samples"):
        fid.update(evaluation(pictures(2, seed=0), pictures(2, seed=0) / 0))


def test_features_that_are_no_vectors_are_refused():
    fid = FID(nn.Identity())
    with pytest.raises(ValueError, match=r"\(N, D\) features, got the shape \(3, 3, 8, 8\)"):
        fid.update(evaluation(pictures(3, seed=0), pictures(3, seed=1)))


def test_the_extractor_is_in_no_state_dict_and_no_parameters():
    extractor = Projection()
    extractor.train()
    fid = FID(extractor)
    assert not extractor.training
    assert list(fid.parameters()) == []
    assert list(fid.buffers()) == []
    assert fid.state_dict() == {}


def test_the_extractor_moves_with_the_metric():
    extractor = Projection()
    FID(extractor).to("meta")
    assert extractor.weight.is_meta


def test_an_extractor_need_not_state_its_width():
    real, fake = pictures(30, seed=0), pictures(30, seed=1)
    fid = FID(Projection(num_features=None))
    fid.update(evaluation(real, fake))
    assert fid.compute()["fd_projection"] == distance(real, fake)


def test_its_interval_does_not_depend_on_the_order_in_which_pictures_come():
    real, fake = pictures(200, seed=0), 0.8 * pictures(200, seed=1)
    found = []
    for order in (torch.arange(200), torch.randperm(200, generator=torch.Generator())):
        fid = FID(Projection())
        for rows in order.split(70):
            captions = [""] * len(rows)
            fid.update(Evaluation(captions, real[rows], fake[rows][:, None], index=rows))
        found.append(fid.compute()["fd_projection"])
    first, second = ((value.low, value.high) for value in found)
    assert first == pytest.approx(second, rel=1e-6)
    assert first[0] < found[0] < first[1]


def test_only_inceptions_features_may_be_called_fid():
    assert FID(Projection()).name == "fd_projection"
    assert FID(Projection(), name="mine").name == "mine"
    for name in ("fid", "fid_768"):
        with pytest.raises(ValueError, match=r"fid unless it is 'fd_projection', .* got 'fid"):
            FID(Projection(), name=name)
    standard = Projection()
    standard.standard_suffix = "_6"
    assert FID(standard).name == "fid_6"
    with pytest.raises(ValueError, match=r"fid unless it is 'fid_6', .* got 'fid'"):
        FID(standard, name="fid")


@pytest.mark.slow
def test_neither_torchvision_nor_torch_fidelity_is_imported():
    code = (
        "import sys; sys.modules['torchvision'] = sys.modules['torch_fidelity'] = None\n"
        "import textgan.metric.fid, textgan.extractor.inception"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


RANK = """
import os, sys, torch
import torch.distributed as dist
from torch import nn
from textgan.metric import FID
from textgan.types import Evaluation

class Pool(nn.Module):
    num_features = 3
    def forward(self, images):
        return images.float().mean((2, 3))

rank = int(sys.argv[1])
real, fake = torch.rand(2, 12, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
whole, own = FID(Pool(), name="fd"), FID(Pool(), name="fd")
whole.update(Evaluation([], real, fake[:, None]))
expected = whole.compute()
dist.init_process_group("gloo", init_method=sys.argv[2], rank=rank, world_size=2)
mine = slice(0, 5) if rank == 0 else slice(5, 12)
own.update(Evaluation([], real[mine], fake[mine][:, None]))
result = own.compute()
assert result["n"] == 12, result
assert abs(result["fd"] - expected["fd"]) <= 1e-9 * expected["fd"], (result, expected)
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_agree_with_one(tmp_path):
    method = f"file://{tmp_path / 'meeting'}"
    command = [sys.executable, "-c", RANK]
    ranks = [subprocess.Popen([*command, str(rank), method]) for rank in range(2)]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
