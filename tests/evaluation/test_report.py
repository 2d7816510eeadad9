import hashlib
import json

import pytest
import torch
from PIL import Image

from textgan.errors import MissingWeightsError
from textgan.evaluation import Evaluator, Report, by_captions, collect
from textgan.evaluation.report import Origin
from textgan.metric.base import Metric
from textgan.pipeline import Option
from textgan.pretrained.frozen import weights_hash
from textgan.types import Batch, Measurement


class Pipeline(torch.nn.Linear):
    """Six parameters, and gray draws."""

    device, trained_against = torch.device("cpu"), ()
    options = (Option("strength", float, 2.5, "Of the gray."),)

    def __init__(self, weight: float = 0.0):
        super().__init__(2, 2)
        torch.nn.init.constant_(self.weight, weight)
        torch.nn.init.zeros_(self.bias)

    def sample(self, captions, *, num_images_per_prompt, seed, indices):
        return torch.zeros(len(captions) * num_images_per_prompt, 3, 2, 2)


class Fake(Metric):
    """Says what it is told to."""

    def __init__(self, *, strength: float = 1.0):
        super().__init__()
        self.strength, self.values = strength, {"fake": 0.5, "n": 2.0}

    def update(self, evaluation):
        pass

    def compute(self):
        return self.values

    def images(self):
        return {"A picture": Image.new("L", (3, 2))}

    def histograms(self):
        return {"A distance": {"draws": torch.ones(4)}}


def reported(
    metrics: dict[str, Metric],
    *,
    seed: int = 0,
    pipeline: Pipeline | None = None,
    shade: float = 0.0,
    training: int | None = None,
) -> Report:
    pipeline = pipeline or Pipeline()
    pictures = Batch(torch.full((2, 3, 2, 2), shade), ["a circle", "a star"], torch.arange(2))
    evaluator = Evaluator(metrics, seed=seed)
    shown = [] if training is None else [Batch(pictures.images, ["x", "y"], torch.arange(2))]
    evaluator.begin(pipeline, testing=True, training=lambda limit: shown)
    evaluator.update(by_captions(pipeline), pictures)
    values = evaluator.compute()
    data = {"class": "textgan.data.Mine", "split": "test"}
    return collect(evaluator, values, pipeline, Origin("run", 640, data))


def test_every_number_bears_its_value_what_it_rests_on_and_whose_it_is():
    metric = Fake()
    metric.values = {
        "fake": Measurement(0.5, n=8, low=0.25, high=0.75, spread=0.125),
        "share": Measurement(0.2, n=5),
        "plain": 3.0,
    }
    nothing = {"n": None, "low": None, "high": None, "spread": None}
    assert reported({"fake": metric}).numbers == {
        "fake": {
            "value": 0.5, "n": 8, "low": 0.25, "high": 0.75, "spread": 0.125, "metric": "fake"
        },
        "fake/share": {**nothing, "value": 0.2, "n": 5, "metric": "fake"},
        "fake/plain": {**nothing, "value": 3.0, "metric": "fake"},
    }  # fmt: skip


def test_counts_are_no_numbers():
    metric = Fake()
    metric.values = {"all": 0.5, "n": 10.0, "n_seen": 6.0, "nearer": 0.25}
    report = reported({"shape_alignment": metric})
    assert report.numbers.keys() == {"shape_alignment/all", "shape_alignment/nearer"}


def test_a_metric_called_n_keeps_its_number():
    metric = Fake()
    metric.values = {"n": 0.5}
    assert reported({"n": metric}).numbers["n"]["value"] == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_with_a_number_that_is_not_finite_is_left_out_by_name(value):
    metric = Fake()
    metric.values = {"mine": value}
    report = reported({"fake": metric})
    assert not report.numbers
    assert report.skipped == {"fake": f"mine must be a finite number, got {value}"}
    metric.values = {"mine": Measurement(0.5, n=3, low=0.0, high=value)}
    assert "mine must be a finite number" in reported({"fake": metric}).skipped["fake"]


def test_the_json_says_all_that_the_report_knows(tmp_path):
    report = reported({"fake": Fake(), "other": Fake(strength=2.0)})
    file = report.save_json(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]
    content = json.loads(file.read_text(encoding="utf-8"))
    for section in ("model", "data", "numbers", "protocols", "skipped"):
        assert content[section] == getattr(report, section)
    assert content["format_version"] == 1
    assert content["model"] == {
        "source": "run",
        "weights_sha256": weights_hash(Pipeline()),
        "parameters": 6,
        "images_seen": 640,
    }
    assert content["data"]["split"] == "test"
    assert content["data"]["pictures"] == 2


def test_a_protocol_has_the_metrics_arguments_the_data_the_seed_and_the_versions():
    report = reported({"fake": Fake(strength=2.5)}, seed=3)
    protocol = report.protocols["fake"]
    assert protocol["metric"].endswith(".Fake")
    assert protocol["arguments"] == {"strength": 2.5}
    assert protocol["draws_per_caption"] == 1
    assert protocol["seed"] == 3
    assert protocol["options"] == {"strength": 2.5}
    assert protocol["data"] == report.data
    assert protocol["versions"]["torch"] == torch.__version__


def test_the_hash_is_of_the_protocol_with_its_keys_in_order():
    protocol = dict(reported({"fake": Fake()}).protocols["fake"])
    digest = protocol.pop("hash")
    text = json.dumps(protocol, sort_keys=True, ensure_ascii=False)
    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_the_hash_changes_with_seed_data_and_argument_and_not_with_the_model():
    def digest(metric: Metric | None = None, **keywords: object) -> str:
        report = reported({"fake": metric or Fake()}, **keywords)
        return report.protocols["fake"]["hash"]

    first = digest()
    others = [digest(seed=1), digest(shade=0.5), digest(Fake(strength=2.0))]
    assert len({first, *others}) == 4
    assert digest(pipeline=Pipeline(1.0)) == first


def test_only_a_metric_that_saw_training_images_has_them_in_its_protocol():
    learner = Fake()
    learner.training_pictures = 5
    protocols = reported({"learner": learner, "fake": Fake()}, training=2).protocols
    assert protocols["learner"]["training_data"]["pictures"] == 2
    assert "training_data" not in protocols["fake"]


def test_a_metric_that_was_left_out_has_a_reason_and_no_protocol():
    poor = Fake()

    def prepare() -> None:
        raise MissingWeightsError("no weights here")

    poor.prepare = prepare
    report = reported({"poor": poor, "fake": Fake()})
    assert report.skipped == {"poor": "no weights here"}
    assert report.protocols.keys() == {"fake"}
    assert report.numbers.keys() == {"fake"}


def test_captions_images_and_histograms_are_there_for_the_page():
    report = reported({"fake": Fake()}, shade=0.5)
    assert [shown.caption for shown in report.shown] == ["a circle", "a star"]
    assert torch.equal(report.shown[0].real, torch.full((3, 2, 2), 0.5))
    assert report.shown[0].draws.shape == (1, 3, 2, 2)
    assert report.images["A picture"].size == (3, 2)
    assert report.histograms["A distance"]["draws"].tolist() == [1, 1, 1, 1]
