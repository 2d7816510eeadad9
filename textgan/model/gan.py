"""Adversarial training, with or without a VAE in it."""

from typing import Any

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.discriminator.base import Discriminator
from textgan.generator.base import Generator
from textgan.loss.base import Loss
from textgan.metric.base import Metric
from textgan.model.base import MeasuredModel
from textgan.model.checkpoint import refill, stamp
from textgan.model.ema import ImageEMA
from textgan.model.manual import count_one_batch, frozen, optimizer_step
from textgan.model.step import begin, detached, imagine, judge
from textgan.model.terms import check_noise, check_terms, weighted_sum
from textgan.pipeline import GANPipeline
from textgan.posterior.base import PosteriorEncoder
from textgan.schedule import check_shares, learning_rate_factor
from textgan.seed import seed_from
from textgan.text_encoder.base import TextEncoder
from textgan.types import AdversarialStep, Batch


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
        _check_counts(total_images=total_images, accumulate_batches=accumulate_batches)
        check_shares(
            discriminator_start=discriminator_start,
            learning_rate_decay_start=learning_rate_decay_start,
            caption_dropout=caption_dropout,
        )
        check_terms(
            losses,
            {"discriminator": discriminator, "posterior": posterior, "augmentation": augmentation},
        )
        check_noise(posterior, generator)
        self.generator, self.text_encoder = generator, text_encoder
        self.discriminator, self.posterior = discriminator, posterior
        self.augmentation, self.losses = augmentation, nn.ModuleDict(losses)
        self.ema = ImageEMA(self._sampled(), half_life_images=ema_half_life_images)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.total_images, self.learning_rate_decay_start = total_images, learning_rate_decay_start
        self.discriminator_start = 0.0 if posterior is None else discriminator_start
        self.accumulate_batches, self.warmup_images = accumulate_batches, warmup_images
        self.caption_dropout, self.tokenizer_captions = caption_dropout, tokenizer_captions
        self.gradient_clip_norm, self.compile_generator = gradient_clip_norm, compile_generator
        self._lengths_checked = False
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
        """Fit the tokenizer on training captions, where there is none and no checkpoint brings one.

        On rank 0, then broadcast.
        """
        if stage != "fit":
            return
        if self.compile_generator:
            self.generator.compile()
        if not self.text_encoder.is_fitted and self.trainer.ckpt_path is None:
            captions = None
            if self.trainer.is_global_zero:
                captions = self.trainer.datamodule.captions(limit=self.tokenizer_captions)
            self.text_encoder.fit_tokenizer(self.trainer.strategy.broadcast(captions))
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
        self._options = []
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group.setdefault("initial_lr", group["lr"])
            self._options.append({key: group[key] for key in group if key != "params"})
        return optimizers

    def on_train_start(self) -> None:
        self.seen = int(self.images_seen)
        groups = [group for each in self.trainer.optimizers for group in each.param_groups]
        for group, options in zip(groups, self._options, strict=True):
            group.update(options)  # a checkpoint brought its own; the configuration wins
        for name, parameter in self.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}
        datamodule = self.trainer.datamodule
        if datamodule is not None and self.trainer.is_global_zero and not self._lengths_checked:
            self.text_encoder.check_lengths(datamodule.captions(limit=self.tokenizer_captions))
        self.trainer.should_stop |= self.seen >= self.total_images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        shown = self.trainer.world_size * len(batch)
        torch.manual_seed(seed_from(self.seed, self.seen, self.trainer.global_rank))
        log: dict[str, Tensor | float] = {"step": float(self.seen + shown)}
        step = imagine(self, begin(self, batch))
        if step.fake is not None:
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
        optimizer, size = self.optimizers()[1], len(step.captions)
        self._descend(optimizer, loss, size, start=self.discriminator_start)

    def _generator_turn(self, step: AdversarialStep, log: dict[str, Any]) -> None:
        optimizers = self.optimizers()
        optimizer = optimizers[0] if self.discriminator is not None else optimizers
        with frozen([*([self.discriminator] if self.discriminator else []), self.losses]):
            if step.fake is not None:
                step = judge(step, self.augmentation, real_gradient=False)
            loss = weighted_sum("generator", self.losses, step, log)
            self._descend(optimizer, loss, len(step.captions), start=0.0)
        shown = self.trainer.world_size * len(step.captions)
        self.ema.update(self._sampled(), images=shown, images_seen=self.seen + shown)

    def _descend(self, optimizer: Any, loss: Tensor, batch_size: int, *, start: float) -> None:
        """Backward, and every `accumulate_batches` batches a step of the optimizer."""
        batch = self.seen // (self.trainer.world_size * batch_size)
        if batch % self.accumulate_batches == 0:
            optimizer.zero_grad()
        self.manual_backward(loss / self.accumulate_batches)
        if (batch + 1) % self.accumulate_batches:
            return
        factor = learning_rate_factor(
            self.progress,
            start=start,
            warmup=self.warmup_images / self.total_images,
            decay_start=self.learning_rate_decay_start,
        )
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        if self.gradient_clip_norm is not None:
            self.clip_gradients(optimizer, self.gradient_clip_norm, gradient_clip_algorithm="norm")
        optimizer_step(optimizer)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stamp(checkpoint, self)
        if self.accumulate_batches > 1:  # it may come between two batches of one step
            gradients = {n: p.grad for n, p in self.named_parameters() if p.grad is not None}
            checkpoint["textgan"]["gradients"] = gradients

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        refill(checkpoint, self)
        self._gradients = checkpoint.get("textgan", {}).get("gradients", {})

    def _sampled(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "text_encoder": self.text_encoder}


def _trainable(modules: list[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def _lineage(model: nn.Module) -> set[str]:
    """Hashes of all nets in it that might judge draws, and of these nets' ancestors."""
    judges = [part for part in model.modules() if callable(getattr(part, "lineage", None))]
    return {digest for judge in judges for digest in judge.lineage()}


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, got {count}")
