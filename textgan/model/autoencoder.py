"""Training of autoencoders."""

from dataclasses import replace

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import nn

from textgan.adversarial.game import AdversarialGame
from textgan.augmentation.base import Augmentation
from textgan.autoencoder.base import Autoencoder
from textgan.discriminator.base import Discriminator
from textgan.evaluation.runner import by_reconstruction
from textgan.evaluation.sampled import SampledEvaluation
from textgan.loss.base import Loss
from textgan.loss.kl import KL
from textgan.loss.logit_laplace import LogitLaplaceLikelihood
from textgan.loss.quantization import Quantization
from textgan.metric.base import Metric
from textgan.pipeline import AutoencoderPipeline
from textgan.pretrained.frozen import lineage_of
from textgan.schedule import check_shares
from textgan.step import AdversarialStep
from textgan.training.budget import Budget
from textgan.training.manual import BatchRandom, gather
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import check_channels, check_terms, prepare_terms
from textgan.types import Batch, Gaussian


class AutoencoderModel(TrainedModel):
    """An autoencoder, continuous (a VAE) or discrete, optionally against a discriminator.

    The weighted sum of `losses` is minimised: the terms of the conditional VAE-GAN that need no
    text. With `rpgan` and a discriminator from a share of the training on, it is the VAE-GAN of
    Larsen et al. 2016, or with a quantizer VQGAN (Esser et al. 2021). Metrics compare images with
    their reconstructions.

    W processes train as one would with W times the batch, but for augmentation and the noise of
    `gumbel`, whose random numbers are each process's own.

    Args:
        autoencoder: encodes and decodes images.
        losses: name -> term.
        optimizer: of the autoencoder.
        discriminator_optimizer: of the discriminator and of losses that have parameters.
        budget: length of the training.
        discriminator: scores images without text, or None.
        augmentation: transforms the discriminator's images, or None.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        discriminator_start: share of the budget at which the discriminator starts.
        crop_size: side of a random square of each training image that is shown until
            `crop_until`; None shows whole images. Small squares train faster.
        crop_until: share of the budget.
        compile: names of the parts that torch.compile compiles: the discriminator.
        seed: keys all randomness.

    Raises:
        ValueError: a term lacks a part or needs captions, or a number is out of range.
    """

    def __init__(
        self,
        *,
        autoencoder: Autoencoder,
        losses: dict[str, Loss],
        optimizer: OptimizerCallable,
        discriminator_optimizer: OptimizerCallable,
        budget: Budget,
        discriminator: Discriminator | None = None,
        augmentation: Augmentation | None = None,
        metrics: dict[str, Metric] | None = None,
        discriminator_start: float = 0.5,
        crop_size: int | None = None,
        crop_until: float = 0.6,
        compile: tuple[str, ...] = (),
        seed: int = 0,
    ):
        check_shares(discriminator_start=discriminator_start, crop_until=crop_until)
        _check_distribution(losses, autoencoder)
        check_terms(
            losses,
            {
                **{"posterior": autoencoder, "quantizer": autoencoder.quantizer},
                "distribution": autoencoder if autoencoder.has_distribution else None,
                **{"discriminator": discriminator, "augmentation": augmentation},
            },
        )
        _check_discriminator(discriminator)
        _check_kl(losses, autoencoder)
        _check_crop(crop_size, autoencoder)
        super().__init__(
            {
                **{"autoencoder": autoencoder, "discriminator": discriminator},
                **{"augmentation": augmentation, "losses": nn.ModuleDict(losses)},
            },
            averaged=("autoencoder",),
            budget=budget,
            evaluation=SampledEvaluation(metrics or {}, seed=seed, sampler=by_reconstruction),
            compile=compile,
            seed=seed,
        )
        check_channels(self, autoencoder.channels)
        self.optimizer, self.discriminator_optimizer = optimizer, discriminator_optimizer
        self.discriminator_start = discriminator_start
        self.crop_size, self.crop_until = crop_size, crop_until
        self.game = AdversarialGame(
            self.losses, discriminator=discriminator, augmentation=augmentation
        )
        self.trained_against = sorted(lineage_of(self))

    def pipeline(self) -> AutoencoderPipeline:
        """The averaged autoencoder."""
        averaged = self.ema.averaged["autoencoder"]
        return AutoencoderPipeline(averaged, trained_against=self.trained_against).eval()

    def optimized(self) -> dict[str, Optimized]:
        found = {"autoencoder": Optimized(trainable(self.autoencoder), self.optimizer)}
        if self.discriminator is not None:
            parameters = trainable(self.discriminator, self.losses)
            found["discriminator"] = Optimized(
                parameters, self.discriminator_optimizer, start=self.discriminator_start
            )
        return found

    def on_fit_start(self) -> None:
        super().on_fit_start()
        prepare_terms(self)

    def learn(self, batch: Batch, log: Log) -> None:
        step = self._reconstructed(batch, log)
        if self._scores():
            loss = self.game.discriminator_loss(step, log)
            self.step_optimizer("discriminator", loss, log)
        with self.game.frozen_discriminator():
            loss = self.game.generator_loss(step, log, score=self._scores())
            self.step_optimizer("autoencoder", loss, log)

    def _scores(self) -> bool:
        """Whether the discriminator takes part yet."""
        return self.discriminator is not None and self.progress >= self.discriminator_start

    def _reconstructed(self, batch: Batch, log: Log) -> AdversarialStep:
        """The step with the images' reconstructions, which the discriminator sees as fakes."""
        size, random = len(batch), BatchRandom(self, len(batch), batch.images.device)
        images = batch.images
        if self.crop_size is not None and self.progress < self.crop_until:
            images = _cropped(images, self.crop_size, random)
        images = images.contiguous(memory_format=torch.channels_last)
        autoencoder, noise = self.autoencoder, None
        if autoencoder.quantizer is None:
            factor = autoencoder.image_size // autoencoder.latent_shape[1]
            sides = [side // factor for side in images.shape[-2:]]
            noise = random.normal((size, autoencoder.latent_shape[0], *sides))
        latents = autoencoder.encode(images, noise=noise, progress=self.progress)
        reconstruction, pixels = autoencoder.decode_with_distribution(latents.values)
        prior = None
        if latents.posterior is not None:
            zeros = torch.zeros_like(latents.posterior.mean)
            prior = Gaussian(zeros, zeros)
        if latents.quantized is not None:
            log["train/codes/perplexity"] = _perplexity(latents.quantized.codes, autoencoder)
        step = AdversarialStep(
            real=images,
            captions=batch.captions,
            text=None,
            images_seen=self.seen,
            progress=self.progress,
            step_index=self.seen
            // (self.trainer.world_size * size * self.budget.accumulate_batches),
            discriminator=self.discriminator,
            randn=random.normal,
            gather=lambda tensor: gather(self, tensor),
            rank=self.trainer.global_rank,
            reconstruction=reconstruction,
            posterior=latents.posterior,
            prior=prior,
            quantized=latents.quantized,
            pixels=pixels,
        )
        return replace(step, fake=reconstruction) if self._scores() else step


def _cropped(images: torch.Tensor, side: int, random: BatchRandom) -> torch.Tensor:
    """A random square of each image, (B, C, side, side)."""
    room = [size - side + 1 for size in images.shape[-2:]]
    places = zip(random.uniform(len(images)), random.uniform(len(images)), strict=True)
    corners = [(int(down * room[0]), int(right * room[1])) for down, right in places]
    return torch.stack(
        [
            image[:, top : top + side, left : left + side]
            for image, (top, left) in zip(images, corners, strict=True)
        ]
    )


def _perplexity(codes: torch.Tensor, autoencoder: Autoencoder) -> torch.Tensor:
    """The exponential of the entropy of the codes of a batch (B, groups, h, w), a mean over groups.

    It is at most the size of the codebook, and at most the number of positions of the batch.
    """
    size = autoencoder.quantizer.codebook_size
    counts = [torch.bincount(group.flatten(), minlength=size) for group in codes.unbind(1)]
    shares = torch.stack(counts).float() / counts[0].sum()
    return torch.special.entr(shares).sum(1).exp().mean()


def _check_discriminator(discriminator: Discriminator | None) -> None:
    if discriminator is not None and discriminator.reads_text:
        kind = type(discriminator).__name__
        raise ValueError(
            f"discriminator must not read a text, as discriminator=patch does not, got a {kind}"
        )


def _check_kl(losses: dict[str, Loss], autoencoder: Autoencoder) -> None:
    quantizer = autoencoder.quantizer
    has_own = any(isinstance(term, Quantization) for term in losses.values())
    if quantizer is not None and quantizer.needs_loss and not has_own:
        kind = type(quantizer).__name__
        raise ValueError(f"losses must hold the term quantization for a {kind}, got none")
    for name, term in losses.items():
        if isinstance(term, KL) and autoencoder.quantizer is not None:
            raise ValueError(
                f"loss term {name} needs a continuous autoencoder, and this one has a quantizer: "
                f"leave {name} out"
            )


def _check_distribution(losses: dict[str, Loss], autoencoder: Autoencoder) -> None:
    for name, term in losses.items():
        if isinstance(term, LogitLaplaceLikelihood) and not autoencoder.has_distribution:
            raise ValueError(
                f"loss term {name} needs an autoencoder that outputs a distribution of the pixels: "
                "set model.autoencoder.logit_laplace=true"
            )


def _check_crop(side: int | None, autoencoder: Autoencoder) -> None:
    factor = autoencoder.image_size // autoencoder.latent_shape[1]
    if side is not None and (side % factor or not factor <= side <= autoencoder.image_size):
        rule = f"crop_size must be a multiple of {factor} of at most {autoencoder.image_size}"
        raise ValueError(f"{rule}, got {side}")
