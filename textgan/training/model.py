"""The base class of all models that are trained."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from textgan.evaluation.base import Evaluation
from textgan.seed import seed_from
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import refill, stamp
from textgan.training.ema import ImageEMA
from textgan.training.evaluated import EvaluatedModel
from textgan.training.manual import count_one_batch
from textgan.training.optimization import Optimization, Optimized
from textgan.training.slow_precision import warn_of_slow_precision
from textgan.training.vocabulary import check_captions, fit_vocabulary
from textgan.types import Batch

Log = dict[str, Any]


class TrainedModel(EvaluatedModel):
    """Base of every model that is trained; a subclass computes losses and builds a pipeline.

    It counts images, steps the optimizers, averages the weights, fits the vocabulary, and saves and
    resumes. All randomness is keyed by (seed, images seen, rank), so that no random state is saved
    and a resumed run is bitwise equal to an uninterrupted one.

    Args:
        parts: name -> part; each becomes an attribute of the model. The part named `text_encoder`,
            if there is one, gets its vocabulary from training captions.
        averaged: names of the parts whose weights are averaged.
        budget: length of the training.
        evaluation: computes the metrics of validation and test; None computes none.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: greatest number of training captions that the tokenizer is fitted on.
        seed: keys all randomness.

    Raises:
        ValueError: `compile` names no part.

    Attributes:
        ema: the averaged parts, under `ema.averaged[name]`.
        seen: number of training images until now, as `images_seen`, but not on the GPU, so that
            reading it does not wait.
    """

    def __init__(
        self,
        parts: dict[str, nn.Module | None],
        *,
        averaged: Sequence[str],
        budget: Budget,
        evaluation: Evaluation | None = None,
        compile: Sequence[str] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        super().__init__(evaluation, seed=seed)
        self.automatic_optimization = False
        for name, part in parts.items():
            setattr(self, name, part)
        known = [name for name, part in parts.items() if _compiles(part)]
        if unknown := [name for name in compile if name not in known]:
            raise ValueError(f"compile must name parts among {', '.join(known)}, got {unknown[0]}")
        self.budget, self.compiled = budget, list(compile)
        self.tokenizer_captions = tokenizer_captions
        self.optimization = Optimization(budget)
        self._averaged = list(averaged)
        self.ema = ImageEMA(self._followed(), half_life_images=budget.ema_half_life_images)
        self.seen = 0
        self._shown = 0  # images of the present batch, over all processes
        self._lengths_checked = False
        self._gradients: dict[str, Tensor] = {}  # accumulated until a checkpoint within a step

    @abstractmethod
    def optimized(self) -> dict[str, Optimized]:
        """Name -> optimizer and its parameters; the first one steps first."""

    @abstractmethod
    def learn(self, batch: Batch, log: Log) -> None:
        """Compute the losses of a batch, and call `step_optimizer` for each optimizer.

        Args:
            batch: of this process.
            log: key -> value, for `train/<part>/<term>`.
        """

    @property
    def progress(self) -> float:
        """Images seen over the total of the budget, in [0, 1]."""
        return self.seen / self.budget.total_images

    def step_optimizer(self, name: str, loss: Tensor, log: Log) -> None:
        """Backpropagate, and step the optimizer of this name unless gradients are accumulated."""
        self.optimization.step(self, name, loss, seen=self.seen, shown=self._shown, log=log)

    def setup(self, stage: str) -> None:
        """Fit the tokenizer on training captions, unless it is fitted or a checkpoint has one."""
        if stage != "fit":
            return
        self.train()  # a loaded part is in eval mode, which Lightning does not change
        for name in self.compiled:
            getattr(self, name).compile()
        encoder, limit = self._text_encoder(), self.tokenizer_captions
        if encoder is not None and fit_vocabulary(encoder, self.trainer, limit=limit):
            self.ema.copy_from(self._followed())
            self._lengths_checked = True

    def configure_optimizers(self) -> list[Optimizer]:
        return self.optimization.make(self.optimized())

    def on_train_start(self) -> None:
        self.seen = int(self.images_seen)
        warn_of_slow_precision(self.trainer)
        self.optimization.restore(self.trainer.optimizers)
        for name, parameter in self.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}
        encoder = self._text_encoder()
        if encoder is not None and not self._lengths_checked:
            check_captions(encoder, self.trainer, limit=self.tokenizer_captions)
        self.trainer.should_stop |= self.seen >= self.budget.total_images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self._shown = shown = self.trainer.world_size * len(batch)
        torch.manual_seed(seed_from(self.seed, self.seen, self.trainer.global_rank))
        log: Log = {"step": float(self.seen + shown)}
        self.learn(batch, log)
        self.seen += shown
        self.images_seen += shown
        self.ema.update(self._followed(), images=shown, images_seen=self.seen)
        count_one_batch(self.trainer)
        if (batch_idx + 1) % self.trainer.log_every_n_steps == 0:
            self.log_dict(log, batch_size=len(batch))
        self.trainer.should_stop |= self.seen >= self.budget.total_images

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stamp(checkpoint, self)
        if self.budget.accumulate_batches > 1:  # it may lie between two batches of a step
            gradients = {n: p.grad for n, p in self.named_parameters() if p.grad is not None}
            checkpoint["textgan"]["gradients"] = gradients

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        refill(checkpoint, self)
        before = checkpoint["textgan"]["pipeline"].get("trained_against", [])
        if before != list(self.trained_against):
            raise ValueError(
                "the checkpoint must have been trained against the frozen networks of this model, "
                f"{_few(self.trained_against)}, got {_few(before)}"
            )
        self._gradients = checkpoint["textgan"].get("gradients", {})

    def _followed(self) -> dict[str, nn.Module]:
        return {name: getattr(self, name) for name in self._averaged}

    def _text_encoder(self) -> TextEncoder | None:
        return getattr(self, "text_encoder", None)


def trainable(*modules: nn.Module | None) -> list[nn.Parameter]:
    """The parameters of the modules that require gradients; None stands for no module.

    Those of embeddings are marked, since some optimizers (Muon) treat them otherwise.
    """
    present = [module for module in modules if module is not None]
    for table in (each for m in present for each in m.modules() if isinstance(each, nn.Embedding)):
        table.weight.is_embedding = True
    return [p for module in present for p in module.parameters() if p.requires_grad]


def _compiles(part: nn.Module | None) -> bool:
    """Whether torch.compile has an effect on a part: it compiles its calls, not its methods."""
    is_part = part is not None and not isinstance(part, nn.ModuleDict)
    return is_part and getattr(part, "compiles", True)


def _few(hashes: Sequence[str]) -> str:
    return ", ".join(digest[:8] for digest in hashes) or "none"
