from types import SimpleNamespace

import pytest
import torch

from textgan.evaluation import Evaluator
from textgan.metric.base import Metric
from textgan.types import Batch


class Pipeline:
    """Draws pictures that tell their index, their draw and their seed."""

    def __init__(self):
        self.calls = []

    def __call__(self, captions, *, num_images_per_prompt, seed, indices, output_type):
        assert output_type == "pt"
        self.calls.append((list(captions), num_images_per_prompt, seed, list(indices)))
        values = [index + draw / 10 for index in indices for draw in range(num_images_per_prompt)]
        return SimpleNamespace(images=torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 2, 2))


class Recording(Metric):
    """Keeps what it is shown; its value is the mean of the draws that it looks at."""

    def __init__(self, draws_per_caption: int = 1):
        super().__init__()
        self.draws_per_caption, self.shown = draws_per_caption, []
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, evaluation):
        self.shown.append(evaluation)
        draws = evaluation.draws[:, : self.draws_per_caption]
        self.total += draws.mean((2, 3, 4)).sum()
        self.count += draws.shape[0] * draws.shape[1]

    def compute(self):
        return {"recording": float(self.total / self.count), "n": float(self.count)}


def batch(*index: int) -> Batch:
    captions = [f"caption {n}" for n in index]
    return Batch(torch.zeros(len(index), 3, 2, 2), captions, torch.tensor(index))


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def test_all_metrics_share_one_drawing_of_as_many_as_the_greediest_looks_at(pipeline):
    few, many = Recording(1), Recording(3)
    Evaluator({"few": few, "many": many}, seed=7).update(pipeline, batch(4, 9))
    assert pipeline.calls == [(["caption 4", "caption 9"], 3, 7, [4, 9])]
    for metric in (few, many):
        (shown,) = metric.shown
        assert shown.captions == ["caption 4", "caption 9"]
        assert shown.draws.shape == (2, 3, 3, 2, 2)
        assert shown.real.shape == (2, 3, 2, 2)
        expected = torch.tensor([[4.0, 4.1, 4.2], [9.0, 9.1, 9.2]])
        torch.testing.assert_close(shown.draws[:, :, 0, 0, 0], expected)


def test_values_are_of_all_batches_and_bear_the_name_of_their_metric(pipeline):
    evaluator = Evaluator({"recording": Recording(), "other": Recording()})
    evaluator.update(pipeline, batch(0, 1))
    evaluator.update(pipeline, batch(5))
    values = evaluator.compute()
    assert values == {
        "recording": pytest.approx(2.0),  # a value called like its metric needs no second name
        "recording/n": 3.0,
        "other/recording": pytest.approx(2.0),
        "other/n": 3.0,
    }
    assert all(isinstance(value, float) for value in values.values())


def test_a_reset_forgets_what_was_seen(pipeline):
    evaluator = Evaluator({"recording": Recording()})
    evaluator.update(pipeline, batch(0, 1))
    evaluator.reset()
    evaluator.update(pipeline, batch(5))
    assert evaluator.compute()["recording"] == pytest.approx(5.0)


def test_without_metrics_nothing_is_drawn(pipeline):
    evaluator = Evaluator({})
    evaluator.update(pipeline, batch(0))
    assert pipeline.calls == []
    assert evaluator.compute() == {}


def test_a_metric_of_edited_captions_is_refused_by_name():
    metric = Recording()
    metric.edits = True
    with pytest.raises(ValueError, match="metric mine looks at draws of edited captions"):
        Evaluator({"mine": metric})
