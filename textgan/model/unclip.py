"""Training of a diffusion model that sees the embedding of an image."""

from collections.abc import Callable

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor

from textgan.autoencoder.base import Autoencoder, latents_of
from textgan.denoiser.base import Denoiser
from textgan.denoiser.embedding import EmbeddingCondition
from textgan.diffusion.base import Diffusion
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric.base import Metric
from textgan.pipeline import ContrastivePipeline, DiffusionPipeline, UnclipPipeline
from textgan.pipeline.prior import check_width
from textgan.pretrained.frozen import weights_hash
from textgan.prior.diffusion import DiffusionPrior
from textgan.schedule import check_dropouts
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.denoising import DenoisingModel
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom
from textgan.types import TextFeatures

ConditionCallable = Callable[[int], EmbeddingCondition]
"""Width of an embedding -> a condition."""


class UnclipModel(DenoisingModel):
    """The decoder of DALL-E 2: a diffusion model that sees words and the embedding of the image.

    In training, the embedding is that of the training image (Ramesh et al. 2022). A prior, which is
    trained before (`model=diffusion_prior`), draws it where there is only a caption.

    Args:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes captions; trained with the denoiser.
        condition: builds what adds an embedding to the text; trained with the denoiser.
        diffusion: makes samples noisy, and says what is predicted.
        embedder: the contrastive model that embeds images; it is frozen.
        optimizer: of denoiser, text encoder and condition.
        budget: length of the training.
        prior: draws embeddings for captions; it is frozen. None samples by words alone.
        autoencoder: makes the training images latents, and decodes those that are sampled; it is
            frozen. None trains on pixels.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        embedding_dropout: share of images whose embedding is left out, independently of captions.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: the parts do not fit each other, or a number is out of range; both dropouts must
            be above 0, because samples are guided.
    """

    def __init__(
        self,
        *,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        condition: ConditionCallable,
        diffusion: Diffusion,
        embedder: ContrastivePipeline,
        optimizer: OptimizerCallable,
        budget: Budget,
        prior: DiffusionPrior | None = None,
        autoencoder: Autoencoder | None = None,
        metrics: dict[str, Metric] | None = None,
        caption_dropout: float = 0.2,
        embedding_dropout: float = 0.2,
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        check_dropouts(embedding_dropout=embedding_dropout)
        DiffusionPipeline.check(denoiser, autoencoder)
        UnclipPipeline.check_channels(embedder, (autoencoder or denoiser).channels)
        if prior is not None:
            _check_prior(prior, embedder)
        built = condition(embedder.image_encoder.width)
        if built.text_width != text_encoder.width:
            rule = f"text_width of the condition must be the text encoder's, {text_encoder.width}"
            raise ValueError(f"{rule}, got {built.text_width}")
        super().__init__(
            denoiser=denoiser,
            text_encoder=text_encoder,
            diffusion=diffusion,
            optimizer=optimizer,
            budget=budget,
            autoencoder=autoencoder,
            evaluation=SampledEvaluation(metrics or {}, seed=seed),
            caption_dropout=caption_dropout,
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
            trained={"condition": built},
            frozen={"embedder": embedder, "prior": prior},
        )
        self.embedding_dropout = embedding_dropout

    def pipeline(self) -> UnclipPipeline:
        """The averaged parts, the diffusion, and the frozen networks."""
        averaged = self.ema.averaged
        return UnclipPipeline(
            averaged["denoiser"],
            averaged["text_encoder"],
            self.diffusion,
            averaged["condition"],
            self.embedder,
            prior=self.prior,
            autoencoder=self.autoencoder,
            trained_against=self.trained_against,
        ).eval()

    def frozen_encoding(self, autoencoder: Autoencoder) -> FrozenEncoding:
        networks = [autoencoder, self.embedder.image_encoder]
        return FrozenEncoding(networks, self._both, "latents and embeddings")

    def encoded(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        if self._latents is None:
            self.embedder.eval()  # Lightning sets all parts to training
            return images, self.embedder.encode_images(images)
        latents, embeddings = self._latents(images).split(self._sizes(), 1)
        return latents.unflatten(1, self.denoiser.sample_shape), embeddings

    def conditioned(
        self, values: Tensor, text: TextFeatures, condition: Tensor, random: BatchRandom
    ) -> tuple[Tensor, TextFeatures]:
        shares = torch.tensor(random.uniform(len(values)), device=values.device)
        return values, self.condition(text, condition, shares >= self.embedding_dropout)

    def _both(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) -> their latents and embeddings, (B, c h w + E)."""
        latents = latents_of(self.autoencoder, images).flatten(1)
        return torch.cat([latents, self.embedder.encode_images(images).to(latents)], 1)

    def _sizes(self) -> tuple[int, int]:
        """The numbers of a latent and of an embedding."""
        channels, height, width = self.denoiser.sample_shape
        return channels * height * width, self.condition.embedding_width


def _check_prior(prior: DiffusionPrior, embedder: ContrastivePipeline) -> None:
    check_width(prior, embedder)
    own = weights_hash(embedder)
    if prior.embedder not in ("", own):
        raise ValueError(
            f"prior must have been trained for the contrastive model {own[:8]}, and it was trained "
            f"for {prior.embedder[:8]}: give the folder that was its encoders="
        )
