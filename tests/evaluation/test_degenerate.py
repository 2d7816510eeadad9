"""No images and no captions, however poor, end the evaluation of the other metrics."""

import hydra
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from textgan.composition.conf_folder import conf_folder
from textgan.evaluation import Evaluator, by_captions
from textgan.evaluation.report import Origin, collect
from textgan.metric.base import Metric
from textgan.types import Batch

FILES = sorted((conf_folder() / "metric").glob("*.yaml"))
SIZE = 16


class Judge(nn.Module):
    """Compares captions, by their lengths, with the means of images' channels."""

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(images.mean((2, 3)), dim=-1)

    def encode_texts(self, captions: list[str]) -> torch.Tensor:
        rows = [[len(text), 1.0, len(text) ** 2] for text in captions]
        return nn.functional.normalize(torch.tensor(rows), dim=-1)


class Pipeline(nn.Module):
    """Draws what it is told to: a function of the shape."""

    trained_against, device, options = (), torch.device("cpu"), ()

    def __init__(self, draw):
        super().__init__()
        self.draw, self.weight = draw, nn.Parameter(torch.ones(1))

    def sample(self, captions, *, num_images_per_prompt=1, **more):
        return self.draw(len(captions) * num_images_per_prompt)


def flat(n: int) -> torch.Tensor:
    return torch.full((n, 3, SIZE, SIZE), 0.25)


def noise(n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.rand(n, 3, SIZE, SIZE, generator=generator) * 2 - 1


def scenes(n: int) -> list[str]:
    colours = ("red", "green", "blue", "yellow")
    return [f"a large {colours[i % 4]} circle on a white background" for i in range(n)]


CASES = {
    "flat images": (8, flat, noise, scenes),
    "flat samples": (8, noise, flat, scenes),
    "all flat": (8, flat, flat, scenes),
    "one image": (1, noise, noise, scenes),
    "two images": (2, noise, flat, scenes),
    "one caption": (8, noise, noise, lambda n: scenes(1) * n),
    "empty captions": (8, noise, noise, lambda n: [""] * n),
}


@pytest.fixture
def metrics(load_choice) -> dict[str, Metric]:
    """Every metric of `conf/`, with a network that needs no weights."""
    found = {}
    for file in FILES:
        if "_target_" not in file.read_text(encoding="utf-8"):
            continue
        config = load_choice(file)
        plain = OmegaConf.to_container(config, resolve=False)
        plain = {key: value for key, value in plain.items() if "${" not in str(value)}
        for net in {"extractor", "judge"} & plain.keys():
            plain[net] = {"_target_": "textgan.extractor.pixels.Pixels", "side": 2}
        judge = {"judge": Judge()} if plain.pop("judge", None) else {}
        found[file.stem] = hydra.utils.instantiate(plain, **judge)
    return found


def evaluated(case: str, names: dict[str, Metric]) -> tuple[Evaluator, dict[str, float]]:
    n, real, draw, caption = CASES[case]
    evaluator, pipeline = Evaluator(names), Pipeline(draw)
    batch = Batch(real(n), caption(n), torch.arange(n))
    evaluator.begin(pipeline, testing=True, captions=lambda: scenes(8), training=lambda _: [batch])
    evaluator.update(by_captions(pipeline), batch)
    return evaluator, evaluator.compute()


@pytest.mark.parametrize("case", CASES)
def test_every_metric_has_finite_values_or_a_reason(case, metrics):
    evaluator, values = evaluated(case, metrics)
    assert values, "the others are measured"
    for name, reason in evaluator.skipped.items():
        assert reason.strip(), name
    report = collect(evaluator, values, Pipeline(flat), Origin(data={"split": "test"}))
    report.to_json()  # which holds no NaN
    assert {number["metric"] for number in report.numbers.values()} <= evaluator.active.keys()


def test_sharpness_of_flat_images_is_left_out_with_its_reason(metrics):
    evaluator, values = evaluated("flat images", metrics)
    assert evaluator.skipped["sharpness"].startswith("sharpness needs real images with detail")
    assert not any(name.startswith("sharpness") for name in values)


class Poor(Metric):
    """Fails where it is told to."""

    def __init__(self, where: str, error: Exception):
        super().__init__()
        self.where, self.error = where, error

    def _maybe(self, where: str) -> None:
        if where == self.where:
            raise self.error

    def update_training(self, evaluation):
        self._maybe("update_training")

    def update(self, evaluation):
        self._maybe("update")

    def observe(self, pipeline, captions):
        self._maybe("observe")

    def compute(self):
        self._maybe("compute")
        return {"poor": float("nan" if self.where == "value" else 1)}


@pytest.mark.parametrize("where", ["update_training", "update", "observe", "compute", "value"])
@pytest.mark.parametrize(
    "error", [ValueError("odd"), ZeroDivisionError("none"), torch.linalg.LinAlgError("singular")]
)
def test_a_metric_that_fails_anywhere_leaves_the_others_in_peace(where, error):
    poor, good = Poor(where, error), Poor("never", error)
    poor.training_pictures = good.training_pictures = 4
    pipeline, batch = Pipeline(noise), Batch(noise(4), scenes(4), torch.arange(4))
    evaluator = Evaluator({"bad": poor, "good": good})
    evaluator.begin(pipeline, testing=True, training=lambda _: [batch])
    evaluator.update(by_captions(pipeline), batch)
    evaluator.finish(pipeline)
    assert evaluator.compute() == {"good/poor": 1.0}
    said = "poor must be a finite number, got nan" if where == "value" else str(error)
    assert evaluator.skipped == {"bad": said}


def test_a_bug_of_a_metric_is_not_hidden():
    evaluator = Evaluator({"bad": Poor("update", KeyError("bug"))})
    batch = Batch(noise(4), scenes(4), torch.arange(4))
    with pytest.raises(KeyError):
        evaluator.update(by_captions(Pipeline(noise)), batch)


def test_every_metric_takes_part(metrics):
    assert {"fid_768", "inception_score", "r_precision", "speed", "sharpness"} <= metrics.keys()
    with_target = [file for file in FILES if "_target_" in file.read_text(encoding="utf-8")]
    assert len(metrics) == len(with_target)
