"""Adversarial training, with or without a VAE in it."""

from dataclasses import replace
from typing import Any, Literal

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.discriminator.base import Discriminator
from textgan.evaluation import Evaluator
from textgan.generator.base import Generator
from textgan.loss.base import Loss
from textgan.metric.base import Metric
from textgan.model.checkpoint import refill, stamp
from textgan.model.ema import ImageEMA
from textgan.model.manual import count_one_batch, frozen, gather, longest, optimizer_step
from textgan.model.terms import check_terms, weighted_sum
from textgan.pipeline import GANPipeline
from textgan.posterior.base import PosteriorEncoder
from textgan.schedule import learning_rate_factor
from textgan.seed import seed_from
from textgan.text_encoder.base import TextEncoder
from textgan.types import AdversarialStep, Batch, TextFeatures


class GANModel(LightningModule):
    """A generator and its text encoder against a critic, a posterior, or both.

    With a posterior, the conditional VAE-GAN (Larsen et al. 2016; BicycleGAN, Zhu et al. 2017): a z
    that explains each picture lets its pixels teach the generator directly, and from
    `discriminator_start` on the critic judges draws from the prior. Without one, a plain GAN. What
    is minimised is the weighted sum of `losses`.

    One step: one forward of the generator, the critic's turn on it, the generator's turn. All
        randomness is keyed by (seed, images
    seen), so a resumed run needs no random state, and W processes train as one would with W times
    the batch.

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
        learning_rate_schedule: "cosine" to 0 at the end of the budget, or "constant".
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
        learning_rate_schedule: Literal["cosine", "constant"] = "cosine",
        warmup_images: int = 0,
        ema_half_life_images: float = 5_000,
        caption_dropout: float = 0.0,
        accumulate_batches: int = 1,
        gradient_clip_norm: float | None = None,
        compile_generator: bool = False,
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        super().__init__()
        self.automatic_optimization = False
        _check_range("total_images", total_images, 1)
        _check_range("accumulate_batches", accumulate_batches, 1)
        _check_range("discriminator_start", discriminator_start, 0, 1)
        _check_range("caption_dropout", caption_dropout, 0, 1)
        optional = {
            "discriminator": discriminator,
            "posterior": posterior,
            "augmentation": augmentation,
        }
        check_terms(losses, optional)
        if posterior is not None and tuple(posterior.noise_shape) != tuple(generator.noise_shape):
            raise ValueError(
                "posterior and generator must have one noise shape, "
                f"got {posterior.noise_shape} and {generator.noise_shape}"
            )
        self.generator, self.text_encoder = generator, text_encoder
        self.discriminator, self.posterior, self.augmentation = (
            discriminator,
            posterior,
            augmentation,
        )
        self.losses = nn.ModuleDict(losses)
        self.ema = ImageEMA(self._sampled(), half_life_images=ema_half_life_images)
        self.evaluator = Evaluator(metrics or {}, seed=seed)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.total_images = total_images
        self.discriminator_start = 0.0 if posterior is None else discriminator_start
        self.learning_rate_schedule, self.warmup_images = learning_rate_schedule, warmup_images
        self.caption_dropout, self.accumulate_batches = caption_dropout, accumulate_batches
        self.gradient_clip_norm, self.compile_generator = gradient_clip_norm, compile_generator
        self.tokenizer_captions, self.seed = tokenizer_captions, seed
        self.composed_config: dict[str, Any] | None = (
            None  # what a command line composed, for the checkpoint
        )
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))
        self._seen = 0  # the same number, read without waiting for a GPU
        self._gradients: dict[str, Tensor] = {}  # of a step that a checkpoint cut in two

    def pipeline(self) -> GANPipeline:
        """What draws: the averaged generator and text encoder."""
        averaged = self.ema.averaged
        return GANPipeline(averaged["generator"], averaged["text_encoder"]).eval()

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

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """The generator's optimizer, and the critic's if there is one."""
        parts = [self.generator, self.text_encoder, *([self.posterior] if self.posterior else [])]
        optimizers = [self.generator_optimizer(_trainable(parts))]
        if self.discriminator is not None:
            optimizers.append(
                self.discriminator_optimizer(_trainable([self.discriminator, self.losses]))
            )
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        return optimizers

    def on_train_start(self) -> None:
        self._seen = int(self.images_seen)
        for name, parameter in self.named_parameters():
            if name in self._gradients:
                parameter.grad = self._gradients[name].to(parameter.device)
        self._gradients = {}
        self.trainer.should_stop |= self._seen >= self.total_images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        shown = self.trainer.world_size * len(batch)
        torch.manual_seed(seed_from(self.seed, self._seen, self.trainer.global_rank))
        log: dict[str, Tensor | float] = {"step": float(self._seen + shown)}
        step = self._imagine(self._begin(batch))
        if step.fake is not None:
            self._discriminator_turn(step, log)
        self._generator_turn(step, log)
        self._seen += shown
        self.images_seen += shown
        count_one_batch(self.trainer)
        if (batch_idx + 1) % self.trainer.log_every_n_steps == 0:
            self.log_dict(log, batch_size=len(batch))
        self.trainer.should_stop |= self._seen >= self.total_images

    def _begin(self, batch: Batch) -> AdversarialStep:
        """The step before anything is drawn: captions dropped, text encoded."""
        world, rank, size = self.trainer.world_size, self.trainer.global_rank, len(batch)
        keyed = torch.Generator().manual_seed(seed_from(self.seed, self._seen))
        own = slice(rank * size, (rank + 1) * size)

        def randn(shape: tuple[int, ...]) -> Tensor:
            return torch.randn(world * shape[0], *shape[1:], generator=keyed)[own].to(
                batch.images.device
            )

        shares = torch.rand(world * size, generator=keyed)[own].tolist()
        captions = [
            "" if share < self.caption_dropout else caption
            for share, caption in zip(shares, batch.captions, strict=True)
        ]
        text = self.text_encoder(captions)
        return AdversarialStep(
            real=batch.images.contiguous(memory_format=torch.channels_last),
            captions=captions,
            text=text.pad(longest(self, text.mask.shape[1])),
            images_seen=self._seen,
            progress=self._progress(),
            step_index=self._seen // (world * size * self.accumulate_batches),
            discriminator=self.discriminator,
            randn=randn,
            gather=lambda tensor: gather(self, tensor),
            rank=rank,
        )

    def _imagine(self, step: AdversarialStep) -> AdversarialStep:
        """Draw in one forward: reconstructions from the posterior's z, and fakes from the prior.

        Fakes only once the critic has started.
        """
        shape, noises, posterior = (len(step.captions), *self.generator.noise_shape), [], None
        if self.posterior is not None:
            posterior = self.posterior(step.real, step.text)
            noises.append(posterior.sample(step.randn(shape)))
        started = self.discriminator is not None and self._progress() >= self.discriminator_start
        if started:
            noises.append(step.randn(shape))
        images = self.generator(torch.cat(noises), TextFeatures.cat([step.text] * len(noises)))
        images = images.chunk(len(noises))
        return replace(
            step,
            posterior=posterior,
            reconstruction=images[0] if posterior is not None else None,
            fake=images[-1] if started else None,
            noise=noises[-1] if started else None,
        )

    def _discriminator_turn(self, step: AdversarialStep, log: dict[str, Any]) -> None:
        step = replace(
            step,
            text=step.text.detach(),
            fake=step.fake.detach(),
            reconstruction=None,
            posterior=None,
        )
        step = self._judge(step, real_gradient=True)
        loss = weighted_sum("discriminator", self.losses, step, log)
        self._descend(self.optimizers()[1], loss, step, start=self.discriminator_start)

    def _generator_turn(self, step: AdversarialStep, log: dict[str, Any]) -> None:
        optimizers = self.optimizers()
        optimizer = optimizers[0] if self.discriminator is not None else optimizers
        with frozen([*([self.discriminator] if self.discriminator else []), self.losses]):
            if step.fake is not None:
                step = self._judge(step, real_gradient=False)
            loss = weighted_sum("generator", self.losses, step, log)
            self._descend(optimizer, loss, step, start=0.0)
        shown = self.trainer.world_size * len(step.captions)
        self.ema.update(self._sampled(), images=shown, images_seen=self._seen + shown)

    def _judge(self, step: AdversarialStep, *, real_gradient: bool) -> AdversarialStep:
        """The step with what the critic says of the pair; the critic teaches no text."""
        pair = (step.real, step.fake)
        real, fake = self.augmentation(pair) if self.augmentation is not None else pair
        text = step.text.detach()
        with torch.set_grad_enabled(real_gradient):
            real_output = self.discriminator(real, text)
        fake_output = self.discriminator(fake, text)
        return replace(
            step,
            augmented_real=real,
            augmented_fake=fake,
            real_output=real_output,
            fake_output=fake_output,
        )

    def _descend(
        self, optimizer: Any, loss: Tensor, step: AdversarialStep, *, start: float
    ) -> None:
        """Backward, and every `accumulate_batches` batches a step of the optimizer."""
        batch = self._seen // (self.trainer.world_size * len(step.captions))
        if batch % self.accumulate_batches == 0:
            optimizer.zero_grad()
        self.manual_backward(loss / self.accumulate_batches)
        if (batch + 1) % self.accumulate_batches:
            return
        warmup = self.warmup_images / self.total_images
        factor = learning_rate_factor(
            self._progress(), kind=self.learning_rate_schedule, start=start, warmup=warmup
        )
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        if self.gradient_clip_norm is not None:
            self.clip_gradients(optimizer, self.gradient_clip_norm, gradient_clip_algorithm="norm")
        optimizer_step(optimizer)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.evaluator.update(self.pipeline(), batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Draws for the batch's captions -> (B, C, H, W) in [-1, 1]."""
        pipeline = self.pipeline()
        return pipeline(
            batch.captions, seed=self.seed, indices=batch.index.tolist(), output_type="pt"
        ).images

    def on_validation_epoch_end(self) -> None:
        self._report("val")

    def on_test_epoch_end(self) -> None:
        self._report("test")

    def _report(self, stage: str) -> None:
        values = {f"{stage}/{name}": value for name, value in self.evaluator.compute().items()}
        self.evaluator.reset()
        self.log_dict({**values, "step": float(self.images_seen)}, rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stamp(checkpoint, self)
        if self.accumulate_batches > 1:  # it may come between two batches of one step
            gradients = {n: p.grad for n, p in self.named_parameters() if p.grad is not None}
            checkpoint["textgan"]["gradients"] = gradients

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        refill(checkpoint, self)
        self._gradients = checkpoint.get("textgan", {}).get("gradients", {})

    def _progress(self) -> float:
        return self._seen / self.total_images

    def _sampled(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "text_encoder": self.text_encoder}


def _trainable(modules: list[nn.Module]) -> list[nn.Parameter]:
    return [p for module in modules for p in module.parameters() if p.requires_grad]


def _check_range(name: str, value: float, least: float, most: float = float("inf")) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be within [{least}, {most}], got {value}")
