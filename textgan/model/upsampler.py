"""Training of diffusion models that make images larger."""

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor

from textgan.denoiser.base import Denoiser
from textgan.denoiser.low_resolution import LowResolutionCondition
from textgan.diffusion.base import Diffusion
from textgan.evaluation.runner import by_upsampling
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric.base import Metric
from textgan.pipeline import UpsamplerPipeline
from textgan.schedule import check_shares
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.denoising import DenoisingModel
from textgan.training.manual import BatchRandom
from textgan.types import TextFeatures


class UpsamplerModel(DenoisingModel):
    """A diffusion model that draws large images from small ones, as in a cascade.

    The method is that of Ho et al. 2022: the denoiser sees the small image, with noise of a random
    level, so that it later accepts generated small images.

    Args:
        denoiser: predicts from noisy images, small ones, time and text.
        text_encoder: encodes captions; trained with the denoiser.
        condition: shows the small image to the denoiser; trained with it.
        diffusion: makes images noisy, and says what is predicted.
        optimizer: of denoiser, text encoder and condition.
        budget: length of the training.
        metrics: name -> metric, computed on validation and test data: real images are made small,
            and the averaged weights make them large again.
        max_noise_level: the level of the noise in the small image is uniform in [0, this].
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: the denoiser has no channels for the small image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        condition: LowResolutionCondition,
        diffusion: Diffusion,
        optimizer: OptimizerCallable,
        budget: Budget,
        metrics: dict[str, Metric] | None = None,
        max_noise_level: float = 0.5,
        caption_dropout: float = 0.1,
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        check_shares(max_noise_level=max_noise_level)
        UpsamplerPipeline.check(denoiser, condition)
        super().__init__(
            denoiser=denoiser,
            text_encoder=text_encoder,
            diffusion=diffusion,
            optimizer=optimizer,
            budget=budget,
            autoencoder=None,
            evaluation=SampledEvaluation(metrics or {}, seed=seed, sampler=by_upsampling),
            caption_dropout=caption_dropout,
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
            trained={"condition": condition},
        )
        self.max_noise_level = max_noise_level

    def pipeline(self) -> UpsamplerPipeline:
        """The averaged parts, and the diffusion."""
        averaged = self.ema.averaged
        return UpsamplerPipeline(
            averaged["denoiser"],
            averaged["text_encoder"],
            self.diffusion,
            averaged["condition"],
            trained_against=self.trained_against,
        ).eval()

    def encoded(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        return images, self.condition.reduced(images.float())

    def conditioned(
        self, values: Tensor, text: TextFeatures, condition: Tensor, random: BatchRandom
    ) -> tuple[Tensor, TextFeatures]:
        noise = random.normal(tuple(values.shape))
        shares = torch.tensor(random.uniform(len(values)), device=values.device)
        return self.condition(values, text, condition, noise, self.max_noise_level * shares)
