"""Metrics with a judge: it is hidden, loaded and moved, and its encodings are checked."""

import pytest
import torch
from torch import Tensor, nn

from textgan.metric.judged import JudgedMetric
from textgan.types import Evaluation


class Judge(nn.Module):
    """A linear map of four pixels; captions are numbers."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.loaded = 0

    def load(self) -> None:
        self.loaded += 1

    def encode_images(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))

    def encode_texts(self, captions: list[str]) -> Tensor:
        return torch.tensor([[float(text), 2.0, 0.0] for text in captions])


class Judged(JudgedMetric):
    def update(self, evaluation: Evaluation) -> None:
        pass

    def compute(self) -> dict[str, float]:
        return {}


def evaluation(draws: Tensor, real: Tensor | None = None) -> Evaluation:
    return Evaluation(["3"] * len(draws), real, draws)


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, 1, 2, 2, generator=torch.Generator().manual_seed(0))


def test_the_judge_is_in_eval_mode_and_in_no_state_dict_and_no_parameters():
    judge = Judge()
    metric = Judged(judge)
    assert metric.judge is judge
    assert not judge.training
    assert [*metric.parameters()] == []
    assert all(module is not judge for module in metric.modules())
    assert metric.state_dict() == {}


def test_the_judge_is_loaded_by_prepare_and_moves_with_the_metric():
    metric = Judged(Judge())
    metric.prepare()
    assert metric.judge.loaded == 1
    metric.to("meta")
    assert metric.judge.linear.weight.is_meta


def test_encodings_have_length_1_and_are_of_the_first_draws():
    metric, draws = Judged(Judge()), images(5, 2)
    encoded = metric.encode_images(evaluation(draws), "draws")
    expected = nn.functional.normalize(metric.judge.encode_images(draws[:, 0]))
    torch.testing.assert_close(encoded, expected)
    assert not encoded.requires_grad
    texts = metric.encode_captions(evaluation(draws))
    torch.testing.assert_close(texts[0], torch.tensor([3.0, 2.0, 0.0]) / 13**0.5)
    assert metric.encode_images(evaluation(draws), "real") is None


def test_autocast_around_it_changes_nothing():
    metric, shown = Judged(Judge()), evaluation(images(5, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = metric.encode_images(shown, "draws")
    assert torch.equal(inside, metric.encode_images(shown, "draws"))


def test_broken_images_and_broken_encodings_are_refused():
    metric, draws = Judged(Judge()), images(3, 1)
    real = draws[:, 0].clone()
    real[1, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="finite pixels, got NaN or inf in 1 of 3 real images"):
        metric.encode_images(evaluation(draws, real), "real")
    metric.judge.encode_images = lambda images: images
    with pytest.raises(ValueError, match=r"as \(3, D\), got the shape \(3, 1, 2, 2\)"):
        metric.encode_images(evaluation(draws), "draws")
    metric.judge.encode_images = lambda images: images.flatten(1) / 0
    with pytest.raises(ValueError, match="judge must return finite encodings"):
        metric.encode_images(evaluation(draws), "draws")
