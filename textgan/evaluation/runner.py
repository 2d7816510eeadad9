"""Evaluation of a pipeline by several metrics, which share the samples."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from textgan.caption.word_swap import WordSwap
from textgan.errors import ConfigError, MissingWeightsError
from textgan.evaluation.bank import FeatureBank
from textgan.evaluation.fingerprint import Fingerprint
from textgan.file.feature_cache import FeatureCache
from textgan.metric.base import Metric
from textgan.pipeline.autoencoder import AutoencoderPipeline
from textgan.pipeline.base import Pipeline, TextToImagePipeline
from textgan.pipeline.upsampler import UpsamplerPipeline
from textgan.types import Batch, Evaluation

# (batch, number, seed) -> `number` samples for each of its B images or captions, those of one
# together: (B * number, C, H, W) in [-1, 1]
Sampler = Callable[[Batch, int, int], Tensor]
_SHOWN = 16
T = TypeVar("T")
# the errors of a metric that is not defined for the images and captions of an evaluation
UNDEFINED = (ValueError, ArithmeticError, torch.linalg.LinAlgError)


@dataclass
class Shown:
    """A caption with its real image, or None, and samples (k, C, H, W), for the report."""

    caption: str
    real: Tensor | None
    draws: Tensor


def by_captions(pipeline: TextToImagePipeline) -> Sampler:
    """Samples of a batch's captions, their noise keyed by the rows in the data set."""

    def sample(batch: Batch, number: int, seed: int) -> Tensor:
        return pipeline.sample(
            batch.captions, num_images_per_prompt=number, seed=seed, indices=batch.index.tolist()
        )

    return sample


def by_reconstruction(pipeline: AutoencoderPipeline) -> Sampler:
    """Reconstructions of a batch's images; those of one image are equal."""

    def sample(batch: Batch, number: int, seed: int) -> Tensor:
        images = pipeline.reconstruct(batch.images.float())
        return images.repeat_interleave(number, 0)

    return sample


def by_upsampling(pipeline: UpsamplerPipeline) -> Sampler:
    """Large images of the small versions of a batch's, their noise keyed as in `by_captions`."""

    def sample(batch: Batch, number: int, seed: int) -> Tensor:
        return pipeline.reconstruct(
            batch.images, batch.captions, number=number, seed=seed, indices=batch.index.tolist()
        )

    return sample


class Evaluator:
    """Computes several metrics from the same samples, and from features computed once.

    Call `begin`, `update` for each batch, `finish`, and `compute`. The metrics are no submodules of
    a model, so that no checkpoint, EMA or DDP contains their extractors.

    Args:
        metrics: name -> metric.
        seed: keys the noise of the samples, with the image's index in the data set.
        cache: where features of real images are kept between runs; None keeps none.

    Attributes:
        skipped: name -> why a metric is left out.
        shown: the first captions with their images.
        seen: after `compute`, a hash of the captions and images seen, and their number.
        training_seen: the same of training images, by the largest number that a metric needs.
    """

    def __init__(
        self, metrics: dict[str, Metric], *, seed: int = 0, cache: FeatureCache | None = None
    ):
        self.metrics, self.seed, self.cache = metrics, seed, cache
        self._device = torch.device("cpu")
        self._start(dict(metrics))

    def _start(self, active: dict[str, Metric]) -> None:
        self.active, self.skipped = active, dict[str, str]()
        self.shown: list[Shown] = []
        self._fingerprint = Fingerprint()
        self._testing = False
        self._swap: WordSwap | None = None
        self._bank: FeatureBank | None = None
        self.seen = "", 0
        self._training: dict[int, Fingerprint] = {}
        self.training_seen: dict[int, tuple[str, int]] = {}

    def prepare(
        self, *, testing: bool, device: torch.device, trained_against: Collection[str]
    ) -> None:
        """Forget earlier batches, and load what the metrics need; the first part of `begin`."""
        self._start({n: m for n, m in self.metrics.items() if testing or not m.test_only})
        for name, metric in list(self.active.items()):
            metric.reset()
            try:
                metric.to(device).prepare()
            except MissingWeightsError as error:
                self._leave_out(name, error)
            except (ValueError, OSError) as error:
                raise ConfigError(f"metric {name}: {error}") from error
            else:
                _check_judge(name, metric, trained_against)
        self._testing, self._device = testing, device

    def begin(
        self,
        pipeline: Pipeline,
        *,
        testing: bool,
        captions: Callable[[], list[str]] | None = None,
        training: Callable[[int], Iterable[Batch]] = lambda limit: [],
    ) -> None:
        """Forget earlier batches, load what the metrics need, and give them the training images.

        A metric whose weights are missing is left out (`skipped`).

        Args:
            pipeline: the pipeline to evaluate.
            testing: whether to compute the metrics that only a test computes, too.
            captions: training captions, which give the words for edited captions; without them
                metrics of edited captions are left out.
            training: largest number -> this process's share of the training images.

        Raises:
            ConfigError: the pipeline was trained against a metric's network, or a metric's weights
                cannot be read.
        """
        self.prepare(
            testing=testing, device=pipeline.device, trained_against=pipeline.trained_against
        )
        self._bank = FeatureBank(self.active.values(), self.cache)
        for name, metric in list(self.active.items()):
            if metric.edits and captions is None:
                self._leave_out(name, ValueError("it needs the training captions of a data module"))
        if any(metric.edits for metric in self.active.values()):
            self._swap = WordSwap(captions())
        for limit in sorted({metric.training_pictures for metric in self.active.values()} - {0}):
            self._add_training(training(limit), limit)

    def _add_training(self, batches: Iterable[Batch], limit: int) -> None:
        self._training[limit] = Fingerprint().to(self._device)
        learners = {n for n, m in self.active.items() if m.training_pictures == limit}
        for batch in batches:
            images = batch.images.to(self._device).float()
            evaluation = self._with_bank(Evaluation(batch.captions, images, images[:, None]))
            self._each(lambda metric, e=evaluation: metric.update_training(e), learners)
            self._training[limit].update(batch)

    @torch.no_grad()
    def update(self, sample: Sampler, batch: Batch) -> None:
        """Sample for one batch, as many as any metric uses, and update all metrics.

        Args:
            sample: makes the samples, from captions (`by_captions`) or images.
            batch: captions and real images.
        """
        if not self.active and not self._testing:
            return
        batch = batch.to(self._device)
        k = max((metric.draws_per_caption for metric in self.active.values()), default=1)
        draws = sample(batch, k, self.seed).unflatten(0, (-1, k))
        _check_size(draws, batch.images)
        edited = None
        if any(metric.edits for metric in self.active.values()):
            rows = zip(batch.captions, batch.index.tolist(), strict=True)
            captions = [self._swap(caption, self.seed, index) for caption, index in rows]
            edited = sample(replace(batch, captions=captions), 1, self.seed)
        evaluation = Evaluation(
            batch.captions, batch.images.float(), draws, edited, index=batch.index
        )
        evaluation = self._with_bank(evaluation)
        self._each(lambda metric: metric.to(draws.device).update(evaluation))
        self._fingerprint.to(self._device).update(batch)
        self._remember(evaluation)

    def finish(self, pipeline: Pipeline) -> None:
        """Let metrics measure the pipeline itself; on one process."""
        captions = [row.caption for row in self.shown]
        if captions:
            self._each(lambda metric: metric.observe(pipeline, captions))

    def compute(self) -> dict[str, float]:
        """`metric/name` -> value, over all batches of all processes.

        A metric is left out (`skipped`) if there are too few images for it, if it is not defined
        for them, as the sharpness of flat images, or if a value is NaN or infinite.
        """
        self._leave_out_everywhere()
        self.seen = self._fingerprint.compute() if self._fingerprint.update_called else ("", 0)
        self.training_seen = {limit: found.compute() for limit, found in self._training.items()}
        return {
            f"{name}/{key}" if key != name else name: value
            for name, found in self._each(_computed).items()
            for key, value in found.items()
        }

    def _each(
        self, call: Callable[[Metric], T], names: Iterable[str] | None = None
    ) -> dict[str, T]:
        """Name -> result of the call for each metric; one that raises `UNDEFINED` is left out."""
        found = {}
        for name in [n for n in self.active if names is None or n in names]:
            try:
                found[name] = call(self.active[name])
            except UNDEFINED as error:
                self._leave_out(name, error)
        return found

    def _leave_out_everywhere(self) -> None:
        """Leave out what another process left out: computing a metric needs all processes."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return
        found: list[dict[str, str]] = [{}] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(found, self.skipped)
        for name, reason in {n: r for skipped in found for n, r in skipped.items()}.items():
            if name in self.active:
                self._leave_out(name, ValueError(reason))

    def _leave_out(self, name: str, reason: Exception) -> None:
        self.skipped[name] = str(reason)
        del self.active[name]

    def _with_bank(self, evaluation: Evaluation) -> Evaluation:
        if self._bank is not None:
            evaluation.bank = self._bank.of(evaluation)
        return evaluation

    def _remember(self, evaluation: Evaluation) -> None:
        missing = _SHOWN - len(self.shown)
        rows = zip(evaluation.captions[:missing], evaluation.draws[:missing], strict=True)
        for row, (caption, draws) in enumerate(rows):
            real = None if evaluation.real is None else evaluation.real[row].cpu()
            self.shown.append(Shown(caption, real, draws[:3].cpu()))


def _computed(metric: Metric) -> dict[str, float]:
    values = metric.compute()
    for name, value in values.items():
        check_finite(name, value)
    return values


def check_finite(name: str, value: float) -> None:
    """Raise FloatingPointError if the value, or a bound of it, is NaN or infinite."""
    for number in (value, *(getattr(value, key, None) for key in ("low", "high", "spread"))):
        if number is not None and not math.isfinite(number):
            raise FloatingPointError(f"{name} must be a finite number, got {float(number)}")


def _check_size(draws: Tensor, real: Tensor) -> None:
    ours, theirs = (" x ".join(map(str, x.shape[-3:])) for x in (draws, real))
    if ours != theirs:
        raise ConfigError(
            f"samples are {ours} (channels, height, width) and the data's images {theirs}: "
            "image_size and channels must be those of the model"
        )


def _check_judge(name: str, metric: Metric, trained_against: Collection[str]) -> None:
    for net in (metric.judge, *metric.extractors()):
        known = getattr(net, "lineage", frozenset)() & set(trained_against)
        if known:
            raise ConfigError(
                f"metric {name} must not use a network that the model was trained against, or one "
                f"that was trained from it: {min(known)[:16]}"
            )
