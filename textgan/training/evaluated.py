"""Validation, test and prediction, shared by all models."""

from abc import abstractmethod
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from textgan.errors import ConfigError
from textgan.evaluation.base import Evaluation, Split
from textgan.evaluation.report import Origin, Report
from textgan.pipeline import Pipeline, TextToImagePipeline
from textgan.types import Batch

_CAPTIONS = 20_000  # at most, whose words replace others in edited captions


class EvaluatedModel(LightningModule):
    """A model that is evaluated on data, and generates images for captions if its pipeline does.

    Args:
        evaluation: computes the metrics of validation and test; None computes none.
        seed: keys the noise of predictions.

    Attributes:
        images_seen: int64, number of training images until now, over all processes.
        values: metric/name -> value, of the last evaluation.
        trained_against: as in `Pipeline`.
        composed_config: the configuration that a command line composed, for the checkpoint; None
            without one.
    """

    def __init__(self, evaluation: Evaluation | None, *, seed: int):
        super().__init__()
        self.evaluation, self.seed = evaluation, seed
        self.values: dict[str, float] = {}
        self.trained_against: list[str] = []
        self.composed_config: dict[str, Any] | None = None
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    @abstractmethod
    def pipeline(self) -> Pipeline:
        """The pipeline with the averaged weights, in eval mode."""

    def on_fit_start(self) -> None:
        if self.evaluation is not None:
            self.evaluation.prepare(device=self.device, trained_against=self.trained_against)

    def on_validation_start(self) -> None:
        self._begin("val")

    def on_test_start(self) -> None:
        self._begin("test")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._update(batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._update(batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Samples for the batch's captions -> (B, C, H, W) in [-1, 1].

        Raises:
            ConfigError: the pipeline generates no images from captions.
        """
        pipeline = self.pipeline()
        if not isinstance(pipeline, TextToImagePipeline):
            kind = type(pipeline).__name__
            raise ConfigError(f"predict needs a model that generates images, and this is a {kind}")
        return pipeline.sample(batch.captions, seed=self.seed, indices=batch.index.tolist())

    def on_validation_epoch_end(self) -> None:
        self._conclude("val")

    def on_test_epoch_end(self) -> None:
        if self.trainer.is_global_zero and self.evaluation is not None:
            with self.trainer.precision_plugin.forward_context():
                self.evaluation.finish(self.pipeline())
        self._conclude("test")

    def report(self, *, source: str | None = None) -> Report | None:
        """The values of the last test with the protocol of each; None without an evaluation.

        Args:
            source: the file or folder of the model, named in the report.
        """
        if self.evaluation is None:
            return None
        data = type(self.trainer.datamodule or self.trainer.test_dataloaders)
        origin = Origin(
            source=source,
            images_seen=int(self.images_seen) or None,  # unknown for a saved pipeline
            data={"class": f"{data.__module__}.{data.__qualname__}", "split": self._split("test")},
            precision=str(self.trainer.precision),
        )
        return self.evaluation.report(self.values, self.pipeline(), origin)

    def _begin(self, name: str) -> None:
        if self.evaluation is None:
            return
        data, split = self.trainer.datamodule, Split(testing=name == "test")
        if data is not None:
            split.captions = partial(data.captions, limit=_CAPTIONS)
            if self._split(name) != "train":
                split.training = partial(self._training_batches, data)
            split.class_names = getattr(data, "class_names", ())
            split.labels = data.labels(name) if split.class_names else None
        self.evaluation.begin(self.pipeline(), split)
        if self.trainer.state.fn == "validate" and self.evaluation.only_testing:
            later = ", ".join(self.evaluation.only_testing)
            rank_zero_warn(f"left out: {later}: only textgan test computes them")
        self._warn_of_skipped()

    def _update(self, batch: Batch) -> None:
        if self.evaluation is not None:
            self.evaluation.update(self.pipeline(), batch)

    def _split(self, split: str) -> str:
        """The split that the data set uses in place of `split`."""
        shown = getattr(self.trainer.datamodule, "shown_split", None)
        return shown(split) if shown else split

    def _training_batches(self, data: LightningDataModule, limit: int) -> Iterable[Batch]:
        """Training images without random changes, with a progress bar."""
        batches = data.still_batches("train", limit=limit)
        watch = getattr(self.trainer.progress_bar_callback, "watch", None)
        return watch(batches, "training images") if watch else batches

    def _conclude(self, stage: str) -> None:
        if self.evaluation is None:
            return
        known = set(self.evaluation.skipped)
        self.values = self.evaluation.compute()
        self._warn_of_skipped(known)
        values = {f"{stage}/{name}": float(value) for name, value in self.values.items()}
        self.log_dict({**values, "step": float(self.images_seen)}, rank_zero_only=False)

    def _warn_of_skipped(self, known: Collection[str] = ()) -> None:
        reasons: dict[str, list[str]] = {}
        for name, reason in self.evaluation.skipped.items():
            if name not in known:
                reasons.setdefault(reason, []).append(name)
        for reason, names in reasons.items():
            rank_zero_warn(f"left out: {', '.join(names)}: {reason}")
