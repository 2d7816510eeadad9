"""The results of an evaluation, each number with its protocol."""

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn

import textgan
from textgan.comparison.stored import FILE, FORMAT_VERSION, SECTIONS
from textgan.evaluation.runner import Evaluator, Shown, check_finite
from textgan.file.atomic import whole
from textgan.metric.base import Metric
from textgan.pipeline import Pipeline
from textgan.pretrained.frozen import weights_hash

_LIBRARIES = ("torch", "torchmetrics", "transformers")


@dataclass
class Origin:
    """Facts for the report that an evaluation does not know itself.

    Attributes:
        source: the file or folder that the model came from; None if it was not saved.
        images_seen: number of training images; None if it is unknown.
        data: class and split of the data.
        precision: Lightning's name of the numeric precision.
    """

    source: str | None = None
    images_seen: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    precision: str = "32-true"


@dataclass
class Report:
    """An evaluation, as `evaluation.json` stores it, and the images of the page.

    Attributes:
        model: source, weights_sha256, parameters, images_seen.
        data: class, split, image_size, fingerprint and number of images (`pictures`).
        numbers: name -> value, n, low, high, spread (None where there is none), metric.
        protocols: metric -> what its numbers depend on besides the model, and the `hash` of that.
        skipped: metric -> why it was left out.
        shown: captions with real images and samples.
        images: title -> image.
        histograms: title -> name -> values.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    numbers: dict[str, dict[str, Any]]
    protocols: dict[str, dict[str, Any]]
    skipped: dict[str, str] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    images: dict[str, Image.Image] = field(default_factory=dict)
    histograms: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The content of `evaluation.json`."""
        content = {
            "format_version": FORMAT_VERSION,
            "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            **{section: getattr(self, section) for section in SECTIONS},
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def save_json(self, folder: Path) -> Path:
        """Write `evaluation.json` into the folder, and return its path."""
        file = folder / FILE
        with whole(file, durable=True) as beside:
            beside.write_text(self.to_json(), encoding="utf-8")
        return file


def collect(
    evaluator: Evaluator, values: dict[str, float], pipeline: Pipeline, origin: Origin
) -> Report:
    """The report of an evaluator's values.

    Args:
        evaluator: after `compute`.
        values: the result of `compute`.
        pipeline: the evaluated pipeline.
        origin: where model and data come from.

    Raises:
        FloatingPointError: a value is NaN or infinite.
    """
    options = {option.name: option.default for option in pipeline.options}
    active = evaluator.active
    return make_report(
        values,
        pipeline,
        origin,
        evaluator.seen,
        {name: {**m.protocol(), **_training(m, evaluator)} for name, m in active.items()},
        {"seed": evaluator.seed, "options": options},
        skipped=dict(evaluator.skipped),
        shown=evaluator.shown,
        images={title: image for m in active.values() for title, image in m.images().items()},
        histograms={title: x for m in active.values() for title, x in m.histograms().items()},
    )


def make_report(
    values: dict[str, float],
    pipeline: nn.Module,
    origin: Origin,
    seen: tuple[str, int],
    protocols: dict[str, dict[str, Any]],
    shared: dict[str, Any],
    **content: Any,
) -> Report:
    """A report with the facts that evaluations of all kinds have.

    Args:
        values: metric/name -> value.
        pipeline: the evaluated pipeline.
        origin: where model and data come from.
        seen: fingerprint and number of the images.
        protocols: metric -> what its values depend on.
        shared: what the values of all metrics depend on.
        content: further arguments of `Report`.
    """
    data = {**origin.data, "fingerprint": seen[0], "pictures": seen[1]}
    shared = {
        **shared,
        "data": data,
        "precision": origin.precision,
        "versions": {"textgan": textgan.__version__, **{n: version(n) for n in _LIBRARIES}},
    }
    return Report(
        model={
            "source": origin.source,
            "images_seen": origin.images_seen,
            "weights_sha256": weights_hash(pipeline),
            "parameters": sum(p.numel() for p in pipeline.parameters()),
        },
        data=data,
        numbers={name: _number(name, x) for name, x in values.items() if not _is_count(name)},
        protocols={name: _hashed({**own, **shared}) for name, own in protocols.items()},
        **content,
    )


def _training(metric: Metric, evaluator: Evaluator) -> dict[str, Any]:
    """The training images that a metric was given, as a part of its protocol."""
    if metric.training_pictures not in evaluator.training_seen:
        return {}
    fingerprint, n = evaluator.training_seen[metric.training_pictures]
    return {"training_data": {"fingerprint": fingerprint, "pictures": n}}


def _number(name: str, value: float) -> dict[str, Any]:
    bounds = {key: getattr(value, key, None) for key in ("n", "low", "high", "spread")}
    check_finite(name, value)
    return {"value": float(value), **bounds, "metric": name.split("/", maxsplit=1)[0]}


def _is_count(name: str) -> bool:
    last = name.rsplit("/", maxsplit=1)[-1]
    return "/" in name and (last == "n" or last.startswith("n_"))


def _hashed(protocol: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(protocol, sort_keys=True, ensure_ascii=False)
    return {**protocol, "hash": hashlib.sha256(text.encode()).hexdigest()}
