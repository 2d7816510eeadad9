"""Adversarial training, with or without a VAE in it."""

from typing import Any

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.adversarial.game import begin, detached, has_started, imagine, judge
from textgan.augmentation.base import Augmentation
from textgan.discriminator.base import Discriminator
from textgan.generator.base import Generator
from textgan.loss.base import Loss
from textgan.metric.base import Metric
from textgan.model.base import MeasuredModel
from textgan.pipeline import GANPipeline
from textgan.posterior.base import PosteriorEncoder
from textgan.schedule import check_shares
from textgan.seed import seed_from
from textgan.step import AdversarialStep
from textgan.text_encoder.base import TextEncoder
from textgan.training.checkpoint import refill, stamp
from textgan.training.descent import Descent
from textgan.training.ema import ImageEMA
from textgan.training.manual import count_one_batch, frozen
from textgan.training.terms import (
    check_channels,
    check_noise,
    check_terms,
    check_text_width,
    weighted_sum,
)
from textgan.training.vocabulary import check_captions, fit_vocabulary
from textgan.types import Batch


class GANModel(MeasuredModel):
    """A generator and its text encoder against a critic, a posterior, or both.

    With a posterior, the conditional VAE-GAN (Larsen et al. 2016; BicycleGAN, Zhu et al. 2017): a z
    that explains each picture lets its pixels teach the generator directly, and from
    `discriminator_start` on the critic judges draws from the prior. Without one, a plain GAN. What
    is minimised is the weighted sum of `losses`.

    One step: one forward of the generator, the critic's turn on it, the generator's turn. All
    randomness is keyed by (seed, images seen), so a resumed run needs no random state, and W
    processes train as one would with W times the batch, but for augmentation and dropout, whose
    draws are each process's own.

    Args:
        generator: draws from noise and text.
        text_encoder: reads captions; trained by the generator's optimizer.
        losses: name -> term.
        generator_optimizer: optimizer of generator, text encoder and posterior.
        discriminator_optimizer: optimizer of the critic and of losses that have parameters.
        total_images: the budget, over all processes; every schedule runs over it.
        discriminator: the critic, or None.
        posterior: q(z | image, text), or None.
        augmentation: what the critic's pictures go through, or None.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        discriminator_start: share of the budget at which the critic starts; without a posterior it
            starts at once.
        learning_rate_decay_start: share of the budget from which the learning rates fall, by half a
            cosine to 0 at its end; 1 keeps them constant.
        warmup_images: length of the learning rates' linear rise.
        ema_half_life_images: half-life of the averaged weights, which are the ones sampled.
        caption_dropout: share of captions replaced by the empty one, which unconditional draws and
            guidance need.
        accumulate_batches: batches whose gradients are averaged before the optimizers step.
        gradient_clip_norm: greatest norm of each optimizer's gradient, or None.
        compile_generator: compile the generator with torch.compile.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's draws.

    Raises:
        ValueError: a term lacks a part, no term trains a part, noise shapes differ, or a number is
            out of range.
    """

    def __init__(
        self,
        *,
        generator: Generator,
        text_encoder: TextEncoder,
        losses: dict[str, Loss],
        generator_optimizer: OptimizerCallable,
        discriminator_optimizer: OptimizerCallable,
        total_images: int,
        discriminator: Discriminator | None = None,
        posterior: PosteriorEncoder | None = None,
        augmentation: Augmentation | None = None,
        metrics: dict[str, Metric] | None = None,
        discriminator_start: float = 0.0,
        learning_rate_decay_start: float = 0.0,
        warmup_images: int = 0,
        ema_half_life_images: float = 5_000,
        caption_dropout: float = 0.0,
        accumulate_batches: int = 1,
        gradient_clip_norm: float | None = None,
        compile_generator: bool = False,
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        super().__init__(metrics or {}, seed=seed)
        self.automatic_optimization = False
        self.descent = Descent(
            total_images=total_images,
            warmup_images=warmup_images,
            learning_rate_decay_start=learning_rate_decay_start,
            accumulate_batches=accumulate_batches,
            gradient_clip_norm=gradient_clip_norm,
        )
        check_shares(discriminator_start=discriminator_start, caption_dropout=caption_dropout)
        check_terms(
            losses,
            {"discriminator": discriminator, "posterior": posterior, "augmentation": augmentation},
        )
        check_noise(posterior, generator)
        reading = {"generator": generator, "discriminator": discriminator, "posterior": posterior}
        check_text_width(text_encoder, reading)
        self.generator, self.text_encoder = generator, text_encoder
        self.discriminator, self.posterior = discriminator, posterior
        self.augmentation, self.losses = augmentation, nn.ModuleDict(losses)
        self.ema = ImageEMA(self._sampled(), half_life_images=ema_half_life_images)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.total_images, self.accumulate_batches = total_images, accumulate_batches
        self.discriminator_start = 0.0 if posterior is None else discriminator_start
        self.caption_dropout, self.tokenizer_captions = caption_dropout, tokenizer_captions
        self.compile_generator = compile_generator
        self._lengths_checked = False
        check_channels(self, generator.channels)
        self.trained_against = sorted(_lineage(self))
        self.seen = 0  # like images_seen, but read without waiting for a GPU
        self._gradients: dict[str, Tensor] = {}  # of a step that a checkpoint cut in two

    @property
    def progress(self) -> float:
        """Share of the budget that was shown, in [0, 1]."""
        return self.seen / self.total_images

    def pipeline(self) -> GANPipeline:
        """What draws: the averaged generator and text encoder."""
        averaged = self.ema.averaged
        return GANPipeline(
            averaged["generator"], averaged["text_encoder"], trained_against=self.trained_against
        ).eval()

    def setup(self, stage: str) -> None:
        """Fit the tokenizer on training captions, unless there is one or a checkpoint brings it."""
        if stage != "fit":
            return
        self.train()  # Lightning leaves a part that was loaded, and so in eval mode, as it is
        if self.compile_generator:
            self.generator.compile()
        limit = self.tokenizer_captions
        if fit_vocabulary(self.text_encoder, self.trainer, limit=limit):
            self.ema.copy_from(self._sampled())
            self._lengths_checked = True

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """The generator's optimizer, and the critic's if there is one."""
        parts = [self.generator, self.text_encoder, *([self.posterior] if self.posterior else [])]
        optimizers = [self.generator_optimizer(_trainable(parts))]
        if self.discriminator is not None:
            optimizers.append(
                self.discriminator_optimizer(_trainable([self.discriminator, self.losses]))
            )
        return self.descent.configured(optimizers)

    def on_train_start(self) -> None:
        self.seen = int(self.images_seen)
        self.descent.restore(self.trainer.optimizers)
        for name, parameter in self.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}
        if not self._lengths_checked:
            check_captions(self.text_encoder, self.trainer, limit=self.tokenizer_captions)
        self.trainer.should_stop |= self.seen >= self.total_images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        shown = self.trainer.world_size * len(batch)
        torch.manual_seed(seed_from(self.seed, self.seen, self.trainer.global_rank))
        log: dict[str, Tensor | float] = {"step": float(self.seen + shown)}
        step = imagine(self, begin(self, batch))
        if has_started(self):
            self._discriminator_turn(step, log)
        self._generator_turn(step, log)
        self.seen += shown
        self.images_seen += shown
        count_one_batch(self.trainer)
        if (batch_idx + 1) % self.trainer.log_every_n_steps == 0:
            self.log_dict(log, batch_size=len(batch))
        self.trainer.should_stop |= self.seen >= self.total_images

    def _discriminator_turn(self, step: AdversarialStep, log: dict[str, Any]) -> None:
        step = judge(detached(step), self.augmentation, real_gradient=True)
        loss = weighted_sum("discriminator", self.losses, step, log)
        start = self.discriminator_start
        self._descend("discriminator", self.optimizers()[1], loss, step, log, start=start)

    def _generator_turn(self, step: AdversarialStep, log: dict[str, Any]) -> None:
        optimizers = self.optimizers()
        optimizer = optimizers[0] if self.discriminator is not None else optimizers
        with frozen([*([self.discriminator] if self.discriminator else []), self.losses]):
            if has_started(self):
                step = judge(step, self.augmentation, real_gradient=False)
            loss = weighted_sum("generator", self.losses, step, log)
            self._descend("generator", optimizer, loss, step, log)
        shown = self.trainer.world_size * len(step.captions)
        self.ema.update(self._sampled(), images=shown, images_seen=self.seen + shown)

    def _descend(
        self,
        name: str,
        optimizer: Any,
        loss: Tensor,
        step: AdversarialStep,
        log: dict[str, Any],
        *,
        start: float = 0.0,
    ) -> None:
        shown = self.trainer.world_size * len(step.captions)
        self.descent.descend(
            self, optimizer, loss, seen=self.seen, shown=shown, name=name, log=log, start=start
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stamp(checkpoint, self)
        if self.accumulate_batches > 1:  # it may come between two batches of one step
            gradients = {n: p.grad for n, p in self.named_parameters() if p.grad is not None}
            checkpoint["textgan"]["gradients"] = gradients

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        refill(checkpoint, self)
        before = checkpoint["textgan"]["pipeline"].get("trained_against", [])
        if before != self.trained_against:
            raise ValueError(
                "the checkpoint was trained against other frozen nets than this model has: "
                f"{_few(before)}, and here {_few(self.trained_against)}"
            )
        self._gradients = checkpoint["textgan"].get("gradients", {})

    def _sampled(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "text_encoder": self.text_encoder}


def _trainable(modules: list[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def _lineage(model: nn.Module) -> set[str]:
    """Hashes of all nets in it that might judge draws, and of these nets' ancestors."""
    judges = [part for part in model.modules() if callable(getattr(part, "lineage", None))]
    return {digest for judge in judges for digest in judge.lineage()}


def _few(hashes: list[str]) -> str:
    return ", ".join(digest[:8] for digest in hashes) or "none"
