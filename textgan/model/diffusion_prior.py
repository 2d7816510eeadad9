"""Training of a prior over the image embeddings of a contrastive model."""

from collections.abc import Callable

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor

from textgan.evaluation.embedding_evaluator import EmbeddingEvaluator
from textgan.pipeline import ContrastivePipeline, DiffusionPriorPipeline
from textgan.pretrained.frozen import lineage_of, weights_hash
from textgan.prior.diffusion import DiffusionPrior
from textgan.schedule import check_dropouts
from textgan.training.budget import Budget
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.vocabulary import read_ahead
from textgan.types import Batch

DiffusionPriorCallable = Callable[[int, int, str], DiffusionPrior]
"""Widths of image embeddings and text, and the hash of the contrastive model -> a prior."""


class DiffusionPriorModel(TrainedModel):
    """A prior that learns the image embedding of a caption, the second stage of DALL-E 2.

    The loss is the mean squared error of the denoised embedding. The contrastive model is frozen.

    Args:
        prior: builds the prior for the embeddings.
        embedder: the contrastive model, which embeds images and captions.
        optimizer: of the prior.
        budget: length of the training.
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        compile: names of the parts that torch.compile compiles.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: a number is out of range; `caption_dropout` must be above 0, because samples are
            guided.
    """

    def __init__(
        self,
        *,
        prior: DiffusionPriorCallable,
        embedder: ContrastivePipeline,
        optimizer: OptimizerCallable,
        budget: Budget,
        caption_dropout: float = 0.1,
        compile: tuple[str, ...] = (),
        seed: int = 0,
    ):
        check_dropouts(caption_dropout=caption_dropout)
        built = prior(
            embedder.image_encoder.width, embedder.text_encoder.width, weights_hash(embedder)
        )
        super().__init__(
            {"prior": built, "embedder": embedder.requires_grad_(False)},
            averaged=("prior",),
            budget=budget,
            evaluation=EmbeddingEvaluator(seed=seed),
            compile=compile,
            seed=seed,
        )
        self.optimizer, self.caption_dropout = optimizer, caption_dropout
        self.trained_against = sorted(lineage_of(self))
        self._embeddings = FrozenEncoding([embedder.image_encoder], self._embedded, "embeddings")

    def pipeline(self) -> DiffusionPriorPipeline:
        """The averaged prior, and the contrastive model."""
        return DiffusionPriorPipeline(
            self.ema.averaged["prior"], self.embedder, trained_against=self.trained_against
        ).eval()

    def optimized(self) -> dict[str, Optimized]:
        return {"prior": Optimized(trainable(self.prior), self.optimizer)}

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.prior.diffusion.scheduler(1)  # says before the training if diffusers is missing
        self._embeddings.prepare(self)
        read_ahead(self.embedder.text_encoder, self.trainer)

    def learn(self, batch: Batch, log: Log) -> None:
        embeddings = self._embeddings(batch.images)  # (B, E)
        random = BatchRandom(self, len(batch), embeddings.device)
        captions = [
            "" if share < self.caption_dropout else caption
            for share, caption in zip(random.uniform(len(batch)), batch.captions, strict=True)
        ]
        self.embedder.eval()  # Lightning sets all parts to training
        with torch.no_grad():
            text = self.embedder.text_encoder(captions)
        noise, times = random.normal(tuple(embeddings.shape)), random.normal((len(batch),))
        loss = self.prior.loss(embeddings, text, noise, times)
        log["train/prior/error"] = loss.detach()
        self.step_optimizer("prior", loss, log)

    def _embedded(self, images: Tensor) -> Tensor:
        return self.embedder.encode_images(images)
