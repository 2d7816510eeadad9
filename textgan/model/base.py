"""What every model here does outside training: draw and be measured."""

from abc import abstractmethod
from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from textgan.evaluation import Evaluator, FeatureCache, Report, collect, default_folder
from textgan.metric.base import Metric
from textgan.pipeline import TextToImagePipeline
from textgan.types import Batch

_CAPTIONS = 20_000  # that words for edited captions are taken from


class MeasuredModel(LightningModule):
    """Validation, test and predict of a model that draws; a subclass trains it.

    Args:
        metrics: name -> metric, computed on validation and test data.
        seed: keys the noise of the draws.

    Attributes:
        images_seen: int64, how many pictures training has shown, over all processes.
        values: metric/name -> value, of the last evaluation.
        trained_against: as in `TextToImagePipeline`.
        composed_config: what a command line composed, for the checkpoint; None without one.
    """

    def __init__(self, metrics: dict[str, Metric], *, seed: int):
        super().__init__()
        cache = FeatureCache(default_folder())
        self.evaluator, self.seed = Evaluator(metrics, seed=seed, cache=cache), seed
        self.values: dict[str, float] = {}
        self.trained_against: list[str] = []
        self.composed_config: dict[str, Any] | None = None
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    @abstractmethod
    def pipeline(self) -> TextToImagePipeline:
        """What draws."""

    def on_fit_start(self) -> None:
        # so that a mistake is said before hours of training
        self.evaluator.prepare(
            testing=False, device=self.device, trained_against=self.trained_against
        )

    def on_validation_start(self) -> None:
        self._begin_evaluation(testing=False)

    def on_test_start(self) -> None:
        self._begin_evaluation(testing=True)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Draws for the batch's captions -> (B, C, H, W) in [-1, 1]."""
        pipeline = self.pipeline()
        return pipeline(
            batch.captions,
            seed=self.seed,
            indices=batch.index.tolist(),
            weighted_words=False,
            output_type="pt",
        ).images

    def on_validation_epoch_end(self) -> None:
        self._report("val")

    def on_test_epoch_end(self) -> None:
        if self.trainer.is_global_zero:
            with self.trainer.precision_plugin.forward_context():
                self.evaluator.finish(self.pipeline())
        self._report("test")

    def report(self, *, source: str | None = None) -> Report:
        """What the last test found, with the protocol of each number.

        Args:
            source: the file or folder that the model came from, to be named in it.
        """
        data = type(self.trainer.datamodule or self.trainer.test_dataloaders)
        return collect(
            self.evaluator,
            self.values,
            self.pipeline(),
            source=source,
            images_seen=int(self.images_seen) or None,  # a saved pipeline does not know
            data={"class": f"{data.__module__}.{data.__qualname__}", "split": self._split("test")},
            precision=str(self.trainer.precision),
        )

    def _begin_evaluation(self, *, testing: bool) -> None:
        data, from_data = self.trainer.datamodule, {}
        if data is not None:
            from_data["captions"] = partial(data.captions, limit=_CAPTIONS)
            if self._split("test" if testing else "val") != "train":
                from_data["training"] = partial(self._training_batches, data)
        self.evaluator.begin(self.pipeline(), testing=testing, **from_data)
        if self.trainer.state.fn == "validate":
            later = [name for name, metric in self.evaluator.metrics.items() if metric.test_only]
            if later:
                rank_zero_warn(f"left out: {', '.join(later)}: only textgan test measures them")
        self._say_skipped()

    def _split(self, split: str) -> str:
        """The split whose pictures are shown in the place of `split`'s."""
        shown = getattr(self.trainer.datamodule, "shown_split", None)
        return shown(split) if shown else split

    def _training_batches(self, data: LightningDataModule, limit: int) -> Iterable[Batch]:
        """Training pictures as they are, with how many are done."""
        batches = data.still_batches("train", limit=limit)
        watch = getattr(self.trainer.progress_bar_callback, "watch", None)
        return watch(batches, "training pictures") if watch else batches

    def _report(self, stage: str) -> None:
        said = set(self.evaluator.skipped)
        self.values = self.evaluator.compute()
        self._say_skipped(said)
        values = {f"{stage}/{name}": float(value) for name, value in self.values.items()}
        self.log_dict({**values, "step": float(self.images_seen)}, rank_zero_only=False)

    def _say_skipped(self, said: Collection[str] = ()) -> None:
        reasons: dict[str, list[str]] = {}
        for name, reason in self.evaluator.skipped.items():
            if name not in said:
                reasons.setdefault(reason, []).append(name)
        for reason, names in reasons.items():
            rank_zero_warn(f"left out: {', '.join(names)}: {reason}")
