"""Features are computed once for all metrics, and those of real images once for all runs."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn

from textgan.evaluation.bank import FeatureBank
from textgan.extractor.base import FeatureExtractor
from textgan.file.feature_cache import FeatureCache, default_folder
from textgan.image import to_rgb_uint8
from textgan.metric.feature import FeatureMetric
from textgan.types import Evaluation


class Net(FeatureExtractor):
    """Outputs "mean" (3 features) and, deeper, "all" (48), and counts the images it is shown."""

    shown: list[int] = []

    def __init__(self, tap: str, weights: str = "w"):
        super().__init__()
        self.tap, self.depth, self.weights = tap, ["mean", "all"].index(tap), weights

    def load(self) -> None:
        pass

    def network(self) -> str:
        return f"net:{self.weights}"

    def protocol(self) -> dict[str, str]:
        return {"network": self.network()}

    def outputs(self, images: Tensor, taps: Iterable[str]) -> dict[str, Tensor]:
        assert self.depth or "all" not in taps
        Net.shown.append(len(images))
        both = {"mean": images.float().mean((2, 3)), "all": images.float().flatten(1)}
        return {tap: both[tap] for tap in taps}


class Looking(FeatureMetric):
    def __init__(self, extractor: nn.Module, draws: int = 1):
        super().__init__(extractor)
        self.draws_per_caption = draws

    def update(self, evaluation: Evaluation) -> None:
        self.real, self.draws = (self.features(evaluation, kind) for kind in ("real", "draws"))

    def compute(self) -> dict[str, float]:
        return {}


def evaluation(bank: FeatureBank | None = None) -> Evaluation:
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(2, 3, 4, 4, generator=generator) * 2 - 1
    draws = torch.rand(2, 5, 3, 4, 4, generator=generator) * 2 - 1
    made = Evaluation(["a", "b"], real, draws)
    made.bank = bank and bank.of(made)
    return made


@pytest.fixture(autouse=True)
def shown() -> list[int]:
    Net.shown.clear()
    return Net.shown


def test_one_pass_serves_metrics_of_several_outputs_and_numbers_of_draws(shown):
    metrics = [Looking(Net("mean"), 1), Looking(Net("all"), 3), Looking(Net("mean"), 2)]
    alone = evaluation()
    expected = []
    for metric in metrics:
        metric.update(alone)
        expected.append((metric.real, metric.draws))
    shown.clear()
    shared = evaluation(FeatureBank(metrics))
    for metric, (real, draws) in zip(metrics, expected, strict=True):
        metric.update(shared)
        assert torch.equal(metric.real, real)
        assert torch.equal(metric.draws, draws)
    assert sorted(shown) == [2, 6]


def test_nets_of_other_weights_and_plain_modules_are_not_taken_for_each_other(shown):
    class Plain(nn.Module):
        def forward(self, images):
            return images.float().amax((2, 3))

    metrics = [Looking(Net("mean")), Looking(Net("mean", "v")), Looking(Plain()), Looking(Plain())]
    bank = FeatureBank(metrics)
    assert len(bank.networks) == 2
    shared = evaluation(bank)
    for metric in metrics:
        metric.update(shared)
    assert shown == [2, 2, 2, 2]
    assert torch.equal(metrics[2].real, to_rgb_uint8(shared.real).float().amax((2, 3)))


def test_real_images_are_kept_between_runs_and_samples_are_not(shown, tmp_path):
    def run(**changes: str) -> Looking:
        metric = Looking(Net("mean", **changes))
        metric.update(evaluation(FeatureBank([metric], FeatureCache(tmp_path))))
        return metric

    first = run()
    assert shown == [2, 2]
    again = run()
    assert shown == [2, 2, 2]
    assert torch.equal(first.real, again.real)
    run(weights="v")
    assert shown == [2, 2, 2, 2, 2]


def test_a_kept_file_is_never_stale_and_a_broken_one_counts_as_none(tmp_path):
    cache, pixels = FeatureCache(tmp_path), torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    assert cache.get("net", "tap", pixels) is None
    cache.put("net", "tap", pixels, torch.ones(2, 5))
    assert torch.equal(cache.get("net", "tap", pixels), torch.ones(2, 5))
    other = pixels.clone()
    other[1, 2, 3, 3] = 1
    assert cache.get("net", "tap", other) is None
    assert cache.get("net", "other", pixels) is None
    assert cache.get("net2", "tap", pixels) is None
    assert cache.get("net", "tap", pixels.view(2, 3, 2, 8)) is None
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:-3])
    assert cache.get("net", "tap", pixels) is None


def test_the_folder_is_the_users_cache_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTGAN_CACHE", str(tmp_path))
    assert default_folder() == tmp_path / "features"
    monkeypatch.delenv("TEXTGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert default_folder() == tmp_path / "caches" / "textgan" / "features"
