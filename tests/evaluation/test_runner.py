import pytest
import torch

from textgan.errors import ConfigError, MissingWeightsError, TooFewError
from textgan.evaluation import Evaluator, by_captions
from textgan.extractor.pixels import Pixels
from textgan.metric import FID
from textgan.metric.base import Metric
from textgan.types import Batch


class Pipeline:
    """Draws images that tell their index, their draw and their seed."""

    device, trained_against = torch.device("cpu"), ()

    def __init__(self):
        self.calls = []

    def sample(self, captions, *, num_images_per_prompt, seed, indices):
        self.calls.append((list(captions), num_images_per_prompt, seed, list(indices)))
        values = [index + draw / 10 for index in indices for draw in range(num_images_per_prompt)]
        return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


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
    Evaluator({"few": few, "many": many}, seed=7).update(by_captions(pipeline), batch(4, 9))
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
    evaluator.update(by_captions(pipeline), batch(0, 1))
    evaluator.update(by_captions(pipeline), batch(5))
    values = evaluator.compute()
    assert values == {
        "recording": pytest.approx(2.0),  # a value called like its metric needs no second name
        "recording/n": 3.0,
        "other/recording": pytest.approx(2.0),
        "other/n": 3.0,
    }
    assert all(isinstance(value, float) for value in values.values())


def test_beginning_again_forgets_what_was_seen(pipeline):
    evaluator = Evaluator({"recording": Recording()})
    evaluator.update(by_captions(pipeline), batch(0, 1))
    evaluator.begin(pipeline, testing=True)
    evaluator.update(by_captions(pipeline), batch(5))
    assert evaluator.compute()["recording"] == pytest.approx(5.0)


def test_without_metrics_nothing_is_drawn(pipeline):
    evaluator = Evaluator({})
    evaluator.update(by_captions(pipeline), batch(0))
    assert pipeline.calls == []
    assert evaluator.compute() == {}


def test_edited_captions_are_drawn_with_the_noise_of_the_first_draw(pipeline):
    metric = Recording(2)
    metric.edits = True
    evaluator = Evaluator({"mine": metric}, seed=3)
    evaluator.begin(pipeline, testing=True, captions=lambda: ["caption x", "caption y"])
    evaluator.update(by_captions(pipeline), batch(4, 9))
    (captions, k, seed, index), (edited, edits, edit_seed, edit_index) = pipeline.calls
    assert (captions, k) == (["caption 4", "caption 9"], 2)
    assert (edits, edit_seed, edit_index) == (1, seed, index)
    assert all(text in ("caption x", "caption y") for text in edited)
    (shown,) = metric.shown
    assert torch.equal(shown.edited, shown.draws[:, 0])  # this pipeline looks at the noise alone


def test_metrics_for_tests_only_are_left_out_of_a_validation(pipeline):
    always, late = Recording(), Recording(5)
    late.test_only = True
    evaluator = Evaluator({"always": always, "late": late})
    for testing, draws in ((False, 1), (True, 5)):
        evaluator.begin(pipeline, testing=testing)
        evaluator.update(by_captions(pipeline), batch(0))
        assert pipeline.calls[-1][1] == draws
        assert ("late/recording" in evaluator.compute()) == testing


def test_a_metric_without_weights_or_with_too_few_images_is_left_out_and_says_why(pipeline):
    def fails(error):
        def method():
            raise error

        return method

    poor, few, good = Recording(), Recording(), Recording()
    poor.prepare = fails(MissingWeightsError("no weights here"))
    few.compute = fails(TooFewError("needs 100"))
    evaluator = Evaluator({"poor": poor, "few": few, "good": good})
    evaluator.begin(pipeline, testing=True)
    assert evaluator.skipped == {"poor": "no weights here"}
    evaluator.update(by_captions(pipeline), batch(0))
    assert evaluator.compute().keys() == {"good/recording", "good/n"}
    assert evaluator.skipped == {"poor": "no weights here", "few": "needs 100"}
    assert poor.shown == []


def test_a_metric_whose_weights_are_broken_is_one_sentence_with_its_name(pipeline):
    metric = Recording()

    def prepare():
        raise ValueError("the file is cut short")

    metric.prepare = prepare
    with pytest.raises(ConfigError, match=r"^metric mine: the file is cut short$"):
        Evaluator({"mine": metric}).begin(pipeline, testing=True)


def test_training_images_are_shown_before_the_first_sample_to_those_that_ask(pipeline):
    metric, seen = Recording(), []
    metric.training_pictures = 3
    metric.update_training = lambda evaluation: seen.append(evaluation.real)
    evaluator = Evaluator({"mine": metric, "other": Recording()})
    evaluator.begin(pipeline, testing=True, training=lambda limit: [batch(0, 1), batch(limit)])
    assert [len(real) for real in seen] == [2, 1]
    assert pipeline.calls == []
    evaluator.update(by_captions(pipeline), batch(0))
    evaluator.compute()
    assert evaluator.training_seen.keys() == {3}
    assert evaluator.training_seen[3][1] == 3


def test_a_judge_that_was_trained_against_is_refused_and_so_is_its_descendant(pipeline):
    class Judge(torch.nn.Module):
        def lineage(self):
            return frozenset({"own", "parent"})

    class Judged(Recording):
        judge = Judge()

    evaluator = Evaluator({"mine": Judged()})
    pipeline.trained_against = ("another",)
    evaluator.begin(pipeline, testing=True)
    for known in ("own", "parent"):
        pipeline.trained_against = ("another", known)
        with pytest.raises(ConfigError, match=f"metric mine must not use a network .*: {known}"):
            evaluator.begin(pipeline, testing=True)


def test_the_first_sixteen_captions_are_remembered_for_the_report(pipeline):
    evaluator = Evaluator({"mine": Recording(4)})
    for start in (0, 10, 20):
        evaluator.update(by_captions(pipeline), batch(*range(start, start + 10)))
    assert [shown.caption for shown in evaluator.shown] == [f"caption {n}" for n in range(16)]
    assert evaluator.shown[0].draws.shape == (3, 3, 2, 2)


def test_images_of_another_size_are_refused(pipeline):
    other = batch(0)
    other.images = torch.zeros(1, 3, 4, 4)
    with pytest.raises(ConfigError, match=r"samples are 3 x 2 x 2 .* images 3 x 4 x 4: image_size"):
        Evaluator({"mine": Recording()}).update(by_captions(pipeline), other)


def test_samples_may_come_from_images(pipeline):
    def reconstruct(batch: Batch, number: int, seed: int) -> torch.Tensor:
        return batch.images.repeat_interleave(number, 0)

    images = torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    shown = Batch(images, ["a"] * 8, torch.arange(8))
    metric = Recording(3)
    evaluator = Evaluator({"fid": FID(Pixels(2)), "mine": metric})
    evaluator.begin(pipeline, testing=True)
    evaluator.update(reconstruct, shown)
    assert pipeline.calls == []
    assert evaluator.compute()["fid/fd_pixels"] == pytest.approx(0, abs=1e-6)
    assert torch.equal(metric.shown[0].draws[:, 2], images)


def test_a_pipeline_without_options_is_measured(gray):
    metric, pipeline = Recording(2), gray.Gray()
    evaluator = Evaluator({"mine": metric}, seed=1)
    evaluator.begin(pipeline, testing=True)
    evaluator.update(
        by_captions(pipeline), Batch(torch.zeros(1, 3, 8, 8), ["a"], torch.tensor([4]))
    )
    assert evaluator.compute()["mine/recording"] == pytest.approx(0.13)
