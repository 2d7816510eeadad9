"""Speed, by a clock that the test turns."""

import json

import pytest
import torch
from torch import nn

from textgan.metric.speed import Speed


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Pipeline(nn.Module):
    """The i-th call with n captions takes as many seconds as it is told."""

    def __init__(self, clock: Clock, seconds):
        super().__init__()
        self.linear, self.frozen = nn.Linear(4, 3), nn.Linear(2, 1)  # 15 and 3 parameters
        self.frozen.requires_grad_(False)
        self.again = self.linear
        self.clock, self.seconds, self.calls = clock, seconds, []

    def sample(self, captions, *, seed):
        self.calls.append((list(captions), seed))
        self.clock.now += self.seconds(len(captions), seed)
        return torch.zeros(len(captions), 3, 2, 2)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("textgan.metric.speed.time", clock)
    return clock


def observed(pipeline: nn.Module, **arguments) -> Speed:
    metric = Speed(**arguments)
    metric.update(None)
    metric.observe(pipeline, ["a", "b", "c"])
    return metric


def test_values_are_medians_whose_interval_is_of_order_statistics(clock):
    # the warm-up calls 0 to 2 take long; the others 1, 2, ... 30 thousandths in a mixed order
    slow = Pipeline(clock, lambda n, i: 9 if i < 3 else n * (1 + 7 * i % 30) / 1000)
    result = observed(slow, batch_size=4).compute()
    latency, rate = result["latency_ms"], result["images_per_second"]
    assert latency == pytest.approx(15.5)
    # fewer than 9 of 30 fall below the median with a probability of 0.8 %, fewer than 10 of 2.1 %
    assert 9 - 1e-6 <= latency.low <= 10 + 1e-6
    assert 21 - 1e-6 <= latency.high <= 22 + 1e-6
    assert 1000 / 16 < rate < 1000 / 15
    assert rate.low == pytest.approx(1000 / latency.high)
    assert rate.high == pytest.approx(1000 / latency.low)
    assert (latency.n, rate.n) == (30, 30)


def test_captions_come_in_turn_and_each_call_has_its_own_seed(clock):
    pipeline = Pipeline(clock, lambda *_: 1)
    observed(pipeline, repeats=2, batch_size=4, warmup=1)
    assert pipeline.calls[:3] == [(["a"], 0), (["b"], 1), (["c"], 2)]
    assert pipeline.calls[3:5] == [([*"abca"], 0), ([*"bcab"], 1)]
    assert len(pipeline.calls) == 6


def test_parameters_are_counted_once_frozen_or_not(clock):
    result = observed(Pipeline(clock, lambda *_: 1), repeats=1).compute()
    assert result["parameters"] == 18


def test_a_few_repeats_have_no_interval_and_a_cpu_no_peak_of_memory(clock):
    result = observed(Pipeline(clock, lambda *_: 1), repeats=5).compute()
    assert (result["latency_ms"].low, result["latency_ms"].high) == (None, None)
    assert result.keys() == {"parameters", "latency_ms", "images_per_second"}


def test_what_observed_nothing_says_nothing_and_reset_forgets(clock):
    metric = Speed()
    metric.update(None)
    assert metric.compute() == {}
    metric.observe(Pipeline(clock, lambda *_: 1), ["a"])
    assert metric.compute()["parameters"] == 18
    metric.reset()
    metric.update(None)
    assert metric.compute() == {}


def test_only_a_test_measures_it_and_its_protocol_names_device_and_threads():
    assert Speed.test_only
    protocol = Speed(repeats=7).protocol()
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol["arguments"]["repeats"] == 7
    assert protocol["threads"] == torch.get_num_threads()
    assert protocol["device"]


def test_wrong_arguments_and_no_captions_are_refused(clock):
    for wrong in ({"repeats": 0}, {"batch_size": 0}, {"warmup": -1}):
        with pytest.raises(ValueError, match="at least 1, and warmup at least 0, got"):
            Speed(**wrong)
    with pytest.raises(ValueError, match="at least one caption, got none"):
        Speed().observe(Pipeline(clock, lambda *_: 1), [])


class Greedy(nn.Module):
    """Takes 2 MiB a caption while it draws, beside weights of 4 MiB."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2**20))

    def sample(self, captions, *, seed):
        taken = [torch.zeros(2**19, device=self.weight.device) for _ in captions]
        return torch.zeros(len(taken), 3, 2, 2, device=self.weight.device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_peak_on_cuda_is_of_weights_and_of_what_a_batch_takes():
    beside = torch.zeros(2**24, device="cuda")  # another metric's net
    metric = observed(Greedy().cuda(), repeats=2, batch_size=8)
    assert metric.compute()["peak_memory_mib"] == pytest.approx(4 + 8 * 2, abs=0.5)
    assert metric.protocol()["device"] == torch.cuda.get_device_name()
    assert beside.sum() == 0
