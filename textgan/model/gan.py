"""Adversarial training, optionally with a VAE."""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import nn

from textgan.adversarial.game import AdversarialGame
from textgan.augmentation.base import Augmentation
from textgan.autoencoder.base import Autoencoder, latents_of
from textgan.discriminator.base import Discriminator
from textgan.evaluation.sampled import SampledEvaluation
from textgan.generator.base import Generator
from textgan.loss.base import Loss
from textgan.metric.base import Metric
from textgan.pipeline import GANPipeline
from textgan.pipeline.gan import check_noise
from textgan.posterior.base import PosteriorEncoder
from textgan.pretrained.frozen import lineage_of
from textgan.schedule import check_shares, value_at
from textgan.step import AdversarialStep
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.checkpoint import start_average
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom, gather, longest
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import (
    check_channels,
    check_latents,
    check_terms,
    check_text_width,
    prepare_terms,
)
from textgan.types import Batch, TextFeatures


class GANModel(TrainedModel):
    """A generator and its text encoder against a discriminator, a posterior, or both.

    With a posterior, the conditional VAE-GAN (Larsen et al. 2016; BicycleGAN, Zhu et al. 2017): the
    posterior's z makes a pixel-wise reconstruction loss possible, and from `discriminator_start` on
    the discriminator scores samples from the prior. Without one, a plain GAN. The weighted sum of
    `losses` is minimised.

    One step: one forward pass of the generator, the discriminator's turn on its images, the
    generator's turn. W processes train as one would with W times the batch, but for augmentation
    and dropout, whose random numbers are each process's own.

    Args:
        generator: generates images from noise and text.
        text_encoder: encodes captions; trained by the generator's optimizer.
        losses: name -> term.
        generator_optimizer: optimizer of generator, text encoder and posterior.
        discriminator_optimizer: optimizer of the discriminator and of losses that have parameters.
        budget: length of the training.
        discriminator: the discriminator, or None.
        posterior: q(z | image, text), or None.
        augmentation: transforms the discriminator's images, or None.
        autoencoder: makes the training images latents, and decodes those of the generator; it is
            frozen. All other parts then see latents in the place of images. None trains on pixels.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        discriminator_start: share of the budget at which the discriminator starts; without a
            posterior it starts at once.
        caption_dropout: share of captions replaced by the empty one, which unconditional sampling
            and guidance need.
        save_posterior: whether the pipeline holds the posterior too, with averaged weights, so that
            it can edit images. Where a checkpoint without these averages is continued, they begin
            with the present weights.
        compile: names of the parts that torch.compile compiles, such as generator.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: a term lacks a part, no term trains a part, noise shapes differ, there is no
            posterior to save, or a number is out of range.
    """

    def __init__(
        self,
        *,
        generator: Generator,
        text_encoder: TextEncoder,
        losses: dict[str, Loss],
        generator_optimizer: OptimizerCallable,
        discriminator_optimizer: OptimizerCallable,
        budget: Budget,
        discriminator: Discriminator | None = None,
        posterior: PosteriorEncoder | None = None,
        augmentation: Augmentation | None = None,
        autoencoder: Autoencoder | None = None,
        metrics: dict[str, Metric] | None = None,
        discriminator_start: float = 0.0,
        caption_dropout: float = 0.0,
        save_posterior: bool = False,
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        check_shares(discriminator_start=discriminator_start, caption_dropout=caption_dropout)
        optional = {"discriminator": discriminator, "posterior": posterior}
        check_terms(
            losses, {**optional, "augmentation": augmentation, "text_encoder": text_encoder}
        )
        check_noise(posterior, generator)
        if save_posterior and posterior is None:
            raise ValueError(
                "save_posterior needs a posterior, but posterior is null: add one, or set "
                "save_posterior to false"
            )
        check_text_width(text_encoder, {"generator": generator, **optional})
        check_latents(generator, autoencoder, optional)
        super().__init__(
            {
                **{"generator": generator, "text_encoder": text_encoder, **optional},
                **{"augmentation": augmentation, "losses": nn.ModuleDict(losses)},
                "autoencoder": None if autoencoder is None else autoencoder.requires_grad_(False),
            },
            averaged=("generator", "text_encoder", *(["posterior"] if save_posterior else [])),
            budget=budget,
            evaluation=SampledEvaluation(metrics or {}, seed=seed),
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
        )
        check_channels(self, generator.channels)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.discriminator_start = 0.0 if posterior is None else discriminator_start
        self.caption_dropout, self.save_posterior = caption_dropout, save_posterior
        self.game = AdversarialGame(
            self.losses, discriminator=discriminator, augmentation=augmentation
        )
        self.trained_against = sorted(lineage_of(self))
        self._latents = None
        if autoencoder is not None:
            encode = partial(latents_of, autoencoder)
            self._latents = FrozenEncoding([autoencoder], encode, "latents")

    def pipeline(self) -> GANPipeline:
        """The averaged generator and text encoder, and the averaged posterior if it is saved."""
        averaged = self.ema.averaged
        return GANPipeline(
            averaged["generator"],
            averaged["text_encoder"],
            autoencoder=self.autoencoder,
            posterior=averaged["posterior"] if self.save_posterior else None,
            trained_against=self.trained_against,
        ).eval()

    def optimized(self) -> dict[str, Optimized]:
        parameters = trainable(self.generator, self.text_encoder, self.posterior)
        found = {"generator": Optimized(parameters, self.generator_optimizer)}
        if self.discriminator is not None:
            parameters = trainable(self.discriminator, self.losses)
            found["discriminator"] = Optimized(
                parameters, self.discriminator_optimizer, start=self.discriminator_start
            )
        return found

    def on_fit_start(self) -> None:
        super().on_fit_start()
        prepare_terms(self)
        if self._latents is not None:
            self._latents.prepare(self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        if self.save_posterior and checkpoint["textgan"]["pipeline"].get("posterior") is None:
            start_average(checkpoint["state_dict"], "posterior")

    def learn(self, batch: Batch, log: Log) -> None:
        step = self._generated(self._encoded(batch))
        if self._scores():
            loss = self.game.discriminator_loss(step, log)
            self.step_optimizer("discriminator", loss, log)
        with self.game.frozen_discriminator():
            loss = self.game.generator_loss(step, log, score=self._scores())
            self.step_optimizer("generator", loss, log)

    def _scores(self) -> bool:
        """Whether the discriminator takes part yet."""
        return self.discriminator is not None and self.progress >= self.discriminator_start

    def _encoded(self, batch: Batch) -> AdversarialStep:
        """The step before anything is generated: captions dropped, text encoded."""
        world, size = self.trainer.world_size, len(batch)
        random = BatchRandom(self, size, batch.images.device)
        shares = random.uniform(size)
        captions = [
            "" if share < self.caption_dropout else caption
            for share, caption in zip(shares, batch.captions, strict=True)
        ]
        text = self.text_encoder(captions)
        wrong = None
        if batch.negatives is not None and self._scores():
            with torch.no_grad():
                wrong = self.text_encoder(batch.negatives[:size])
        real = batch.images if self._latents is None else self._latents(batch.images)
        return AdversarialStep(
            real=real.contiguous(memory_format=torch.channels_last),
            captions=captions,
            all_captions=batch.all_captions,
            text=text.pad(longest(self, text.mask.shape[1])),
            images_seen=self.seen,
            progress=self.progress,
            step_index=self.seen // (world * size * self.budget.accumulate_batches),
            discriminator=self.discriminator,
            randn=random.normal,
            negatives=batch.negatives,
            gather=lambda tensor: gather(self, tensor),
            rank=self.trainer.global_rank,
            wrong_text=wrong,
        )

    def _generated(self, step: AdversarialStep) -> AdversarialStep:
        """Generate reconstructions (z of the posterior) and samples (z of the prior) in one pass.

        Samples are only generated once the discriminator has started, or where a term needs them
        before. A second sample of each caption is only generated where a term needs it.
        """
        shape, noises = (len(step.captions), *self.generator.noise_shape), []
        posterior = prior = None
        if self.posterior is not None:
            posterior = self.posterior(step.real, step.text)
            prior = self.generator.prior(step.text)
            z = posterior.sample(step.randn(shape))
            noises.append(prior.detach().standardise(z))
        weighted = [t for t in self.losses.values() if value_at(t.generator_weight, self.progress)]
        samples = max([int(self._scores()), *(term.samples_per_caption for term in weighted)])
        noises += [step.randn(shape) for _ in range(samples)]
        images = self.generator(torch.cat(noises), TextFeatures.cat([step.text] * len(noises)))
        images = images.chunk(len(noises))
        return replace(
            step,
            posterior=posterior,
            prior=prior,
            reconstruction=images[0] if posterior is not None else None,
            fake=images[-samples] if samples else None,
            noise=noises[-samples] if samples else None,
            second_fake=images[-1] if samples > 1 else None,
        )
