"""What an evaluation found, each number with the protocol that it rests on."""

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

import textgan
from textgan.comparison.stored import FILE, FORMAT_VERSION
from textgan.evaluation.examination import Examination
from textgan.evaluation.runner import Evaluator, Shown
from textgan.file.atomic import whole
from textgan.metric.base import Metric
from textgan.pipeline import ContrastivePipeline, Pipeline
from textgan.pretrained.frozen import weights_hash

_LIBRARIES = ("torch", "torchmetrics", "transformers")


@dataclass
class Report:
    """An evaluation, as `evaluation.json` has it, and the pictures that the page shows.

    Attributes:
        model: source, weights_sha256, parameters, images_seen.
        data: class, split, image_size, fingerprint and number of pictures.
        numbers: name -> value, n, low, high, spread (None where there is none), metric.
        protocols: metric -> all that its numbers depend on beside the model, and a `hash` of that.
        skipped: metric -> why it was left out.
        shown: captions with real pictures and draws.
        pictures: title -> picture.
        histograms: title -> name -> values.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    numbers: dict[str, dict[str, Any]]
    protocols: dict[str, dict[str, Any]]
    skipped: dict[str, str]
    shown: list[Shown] = field(default_factory=list)
    pictures: dict[str, Image.Image] = field(default_factory=dict)
    histograms: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The content of `evaluation.json`."""
        content = {
            "format_version": FORMAT_VERSION,
            "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "model": self.model,
            "data": self.data,
            "numbers": self.numbers,
            "protocols": self.protocols,
            "skipped": self.skipped,
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def save_json(self, folder: Path) -> Path:
        """Write `evaluation.json` into the folder, and return its path."""
        file = folder / FILE
        with whole(file, durable=True) as beside:
            beside.write_text(self.to_json(), encoding="utf-8")
        return file


def collect(
    evaluator: Evaluator,
    values: dict[str, float],
    pipeline: Pipeline,
    *,
    source: str | None,
    images_seen: int | None,
    data: dict[str, Any],
    precision: str = "32-true",
) -> Report:
    """The report of what an evaluator measured.

    Args:
        evaluator: after `compute`.
        values: what `compute` returned.
        pipeline: what was measured.
        source: the file or folder that it came from.
        images_seen: how many pictures it was trained on; None where nobody knows.
        data: class and split of the data; fingerprint and number of pictures are added.
        precision: Lightning's word for what was drawn in.

    Raises:
        FloatingPointError: a value is NaN or infinite.
    """
    fingerprint, n = evaluator.seen
    data = {**data, "fingerprint": fingerprint, "pictures": n}
    options = {option.name: option.default for option in pipeline.options}
    shared = {"seed": evaluator.seed, "options": options, **_shared(data, precision)}
    active = evaluator.active.items()
    return Report(
        model={"source": source, "images_seen": images_seen, **_facts(pipeline)},
        data=data,
        numbers=_numbers(values),
        protocols={
            name: _hashed({**metric.protocol(), **shared, **_training(metric, evaluator)})
            for name, metric in active
        },
        skipped=dict(evaluator.skipped),
        shown=evaluator.shown,
        pictures={t: picture for _, m in active for t, picture in m.pictures().items()},
        histograms={t: series for _, m in active for t, series in m.histograms().items()},
    )


def examined(
    examination: Examination,
    values: dict[str, float],
    pipeline: ContrastivePipeline,
    *,
    source: str | None,
    images_seen: int | None,
    data: dict[str, Any],
    precision: str = "32-true",
) -> Report:
    """The report of a contrastive model's examination, as `collect` makes one of draws."""
    from textgan.evaluation.confusion import draw  # imports matplotlib

    fingerprint, n = examination.seen
    data = {**data, "fingerprint": fingerprint, "pictures": n}
    shared = {"seed": 0, **_shared(data, precision)}  # nothing is drawn, by whatever seed
    protocols = examination.protocols().items()
    pictures = {"What captions find": examination.search_grid(pipeline)}
    if examination.confusion is not None:
        pictures["Classes"] = draw(examination.confusion, examination.names)
    return Report(
        model={"source": source, "images_seen": images_seen, **_facts(pipeline)},
        data=data,
        numbers=_numbers(values),
        protocols={name: _hashed({**own, **shared}) for name, own in protocols},
        skipped={},
        pictures=pictures,
    )


def _shared(data: dict[str, Any], precision: str) -> dict[str, Any]:
    """What all protocols of a report have in common."""
    return {
        "data": data,
        "ema": True,  # a pipeline has the averaged weights
        "precision": precision,
        "versions": {"textgan": textgan.__version__, **{n: version(n) for n in _LIBRARIES}},
    }


def _numbers(values: dict[str, float]) -> dict[str, dict[str, Any]]:
    return {name: _number(name, value) for name, value in values.items() if not _is_count(name)}


def _facts(pipeline: nn.Module) -> dict[str, Any]:
    return {
        "weights_sha256": weights_hash(pipeline),
        "parameters": sum(p.numel() for p in pipeline.parameters()),
    }


def _training(metric: Metric, evaluator: Evaluator) -> dict[str, Any]:
    """Which training pictures a metric was shown."""
    if metric.training_pictures not in evaluator.training_seen:
        return {}
    fingerprint, n = evaluator.training_seen[metric.training_pictures]
    return {"training_data": {"fingerprint": fingerprint, "pictures": n}}


def _number(name: str, value: float) -> dict[str, Any]:
    bounds = {key: getattr(value, key, None) for key in ("n", "low", "high", "spread")}
    for number in (value, *bounds.values()):
        if number is not None and not torch.isfinite(torch.tensor(float(number))):
            raise FloatingPointError(f"{name} is not a finite number: {number}")
    return {"value": float(value), **bounds, "metric": name.split("/", maxsplit=1)[0]}


def _is_count(name: str) -> bool:
    last = name.rsplit("/", maxsplit=1)[-1]
    return "/" in name and (last == "n" or last.startswith("n_"))


def _hashed(protocol: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(protocol, sort_keys=True, ensure_ascii=False)
    return {**protocol, "hash": hashlib.sha256(text.encode()).hexdigest()}
