"""The Frechet distance: its value against scipy, its direction, and what it keeps to itself."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn

from textgan import image
from textgan.metric import FID, KID
from textgan.metric.fid import by_torchmetrics, frechet_distance
from textgan.types import Evaluation


class Projection(nn.Module):
    """Images -> 6 fixed random projections of 8 x 8 pixels."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(192, 6, generator=generator) / 192)

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        small = nn.functional.adaptive_avg_pool2d(images.float(), 8)
        return small.flatten(1) @ self.weight


def images(n: int, *, seed: int, channels: int = 3) -> Tensor:
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
    real = images(50, seed=0)
    assert 0 <= distance(real, real.flip(0)) < 1e-9


def test_it_rises_with_the_noise_on_the_draws():
    real = 0.2 * images(400, seed=0)
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(1))
    values = [distance(real, real + amount * noise) for amount in (0, 0.05, 0.1, 0.2, 0.4)]
    assert values == sorted(values)
    assert values[1] > values[0] + 1e-6


def test_it_is_the_formula_in_float64():
    real, fake = images(60, seed=0), 0.7 * images(40, seed=1) + 0.2
    fid = FID(Projection())
    for part in real.split(25):
        fid.update(Evaluation([], part, torch.empty(0, 1, 3, 8, 8)))
    fid.update(Evaluation([], torch.empty(0, 3, 8, 8), fake[:, None]))
    assert fid.compute()["fd_projection"] == pytest.approx(by_scipy(real, fake), rel=1e-6)


def test_the_fast_distance_of_the_jackknife_is_that_of_torchmetrics():
    a, b = (
        torch.randn(n, 12, generator=torch.Generator().manual_seed(n)).double() for n in (8, 40)
    )
    assert frechet_distance(a, 1.5 * b) == pytest.approx(by_torchmetrics(a, 1.5 * b), rel=1e-6)


def test_autocast_around_it_changes_nothing():
    real, fake = images(30, seed=0), images(30, seed=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert distance(real, fake) == distance(real, fake)
        inside = distance(real, fake)
    assert inside == distance(real, fake)


def test_only_the_first_sample_counts_and_n_is_the_number_of_captions():
    real, fake = images(30, seed=0), images(30, seed=1)
    fid = FID(Projection(), name="fd_projection")
    fid.update(Evaluation(["x"] * 30, real, torch.stack([fake, images(30, seed=2)], 1)))
    assert fid.compute() == {"fd_projection": distance(real, fake), "n": 30.0}


def test_reset_forgets_real_images_and_samples():
    fid, real, fake = FID(Projection()), images(30, seed=0), images(30, seed=1)
    fid.update(evaluation(images(30, seed=3), images(30, seed=4)))
    fid.reset()
    fid.update(evaluation(real, fake))
    assert fid.compute() == {"fd_projection": distance(real, fake), "n": 30.0}


def test_gray_is_repeated_and_transparency_laid_on_white():
    gray = images(30, seed=0, channels=1)
    assert distance(gray, gray.expand(-1, 3, -1, -1)) == pytest.approx(0, abs=1e-9)
    clear = torch.cat([images(30, seed=0), torch.full((30, 1, 8, 8), -1.0)], 1)
    assert distance(clear, torch.ones(30, 3, 8, 8)) == pytest.approx(0, abs=1e-9)


def test_pixels_beyond_the_range_are_clamped_and_do_not_wrap():
    white = torch.ones(30, 3, 8, 8)
    assert distance(white, white + 0.005) == pytest.approx(0, abs=1e-20)


def test_fewer_than_two_images_are_one_clear_sentence():
    fid = FID(Projection(), name="fd_6")
    fid.update(evaluation(images(1, seed=0), images(1, seed=1)))
    with pytest.raises(ValueError, match="FID needs at least 2 images of each kind, got 1 real"):
        fid.compute()


def test_missing_real_images_and_broken_samples_are_refused():
    fid = FID(Projection())
    with pytest.raises(ValueError, match="FID needs real images, got none"):
        fid.update(evaluation(None, images(2, seed=0)))
    with pytest.raises(ValueError, match="needs finite pixels, got NaN or inf in 2 of 2 samples"):
        fid.update(evaluation(images(2, seed=0), images(2, seed=0) / 0))


def test_features_that_are_no_vectors_are_refused():
    fid = FID(nn.Identity())
    with pytest.raises(ValueError, match=r"\(N, D\) features, got the shape \(3, 3, 8, 8\)"):
        fid.update(evaluation(images(3, seed=0), images(3, seed=1)))


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


def test_its_interval_does_not_depend_on_the_order_in_which_images_come():
    real, fake = images(200, seed=0), 0.8 * images(200, seed=1)
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


@pytest.mark.parametrize(("metric", "standard", "other"), [(FID, "fid", "fd"), (KID, "kid", "kd")])
def test_only_inceptions_features_may_have_the_standard_name(metric, standard, other):
    assert metric(Projection()).name == f"{other}_projection"
    mine = metric(Projection(), name="mine")
    assert (mine.name, mine.protocol()["arguments"]["name"]) == ("mine", "mine")
    for name in (standard, f"{standard}_768"):
        rule = f"{standard} unless it is '{other}_projection', .* got '{name}'"
        with pytest.raises(ValueError, match=rule):
            metric(Projection(), name=name)
    extractor = Projection()
    extractor.standard_suffix = "_6"
    assert metric(extractor).name == f"{standard}_6"
    with pytest.raises(ValueError, match=f"unless it is '{standard}_6', .* got '{standard}'"):
        metric(extractor, name=standard)


@pytest.mark.slow
def test_neither_torchvision_nor_torch_fidelity_is_imported():
    code = (
        "import sys; sys.modules['torchvision'] = sys.modules['torch_fidelity'] = None\n"
        "import textgan.metric.fid, textgan.extractor.inception"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
