"""What the trainings of all denoisers share."""

from collections.abc import Mapping
from functools import partial

from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.autoencoder.base import Autoencoder, latents_of
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion
from textgan.errors import ConfigError
from textgan.evaluation.base import Evaluation
from textgan.pretrained.frozen import lineage_of
from textgan.schedule import check_dropouts
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import check_text_width
from textgan.types import Batch, TextFeatures


class DenoisingModel(TrainedModel):
    """A denoiser and a text encoder that learn to remove noise from images, or from latents.

    The loss is the mean squared error of the prediction, with the weights of the `diffusion`. A
    subclass whose denoiser has a condition overrides `encoded` and `conditioned`, and
    `frozen_encoding` if a frozen part computes the condition.

    Args:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes captions; trained with the denoiser.
        diffusion: makes samples noisy, and says what is predicted.
        optimizer: of all that is trained.
        budget: length of the training.
        autoencoder: makes the training images latents; it is frozen. None trains on pixels.
        evaluation: computes the metrics of validation and test.
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.
        trained: name -> further parts that are trained and averaged.
        frozen: name -> further parts that are not trained, or None.

    Raises:
        ValueError: a number is out of range; `caption_dropout` must be above 0, because samples are
            guided.
    """

    def __init__(
        self,
        *,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        diffusion: Diffusion,
        optimizer: OptimizerCallable,
        budget: Budget,
        autoencoder: Autoencoder | None,
        evaluation: Evaluation,
        caption_dropout: float,
        compile: tuple[str, ...],
        tokenizer_captions: int,
        seed: int,
        trained: Mapping[str, nn.Module] | None = None,
        frozen: Mapping[str, nn.Module | None] | None = None,
    ):
        check_dropouts(caption_dropout=caption_dropout)
        check_text_width(text_encoder, {"denoiser": denoiser})
        learning = {"denoiser": denoiser, "text_encoder": text_encoder, **(trained or {})}
        fixed = {"autoencoder": autoencoder, **(frozen or {})}
        for part in fixed.values():
            if part is not None:
                part.requires_grad_(False)
        super().__init__(
            {**learning, **fixed},
            averaged=tuple(learning),
            budget=budget,
            evaluation=evaluation,
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
        )
        self.diffusion = diffusion
        self.optimizer, self.caption_dropout = optimizer, caption_dropout
        self.trained_against = sorted(lineage_of(self))
        self._learning = list(learning)
        self._latents = None if autoencoder is None else self.frozen_encoding(autoencoder)

    def optimized(self) -> dict[str, Optimized]:
        parts = [getattr(self, name) for name in self._learning]
        return {"denoiser": Optimized(trainable(*parts), self.optimizer)}

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.diffusion.scheduler(1)  # says before the training if diffusers is missing
        if self._latents is not None:
            self._latents.prepare(self)

    def learn(self, batch: Batch, log: Log) -> None:
        samples, condition = self.encoded(batch.images)
        if tuple(samples.shape[1:]) != tuple(self.denoiser.sample_shape):
            own, given = tuple(self.denoiser.sample_shape), tuple(samples.shape[1:])
            raise ConfigError(f"images must have the denoiser's shape {own}, got {given}")
        random = BatchRandom(self, len(batch), samples.device)
        captions = [
            "" if share < self.caption_dropout else caption
            for share, caption in zip(random.uniform(len(batch)), batch.captions, strict=True)
        ]
        noise, times = random.normal(tuple(samples.shape)), random.normal((len(batch),))
        noised = self.diffusion.noised(samples.float(), noise.float(), times.float())
        values, text = noised.values.to(samples.dtype), self.text_encoder(captions)
        if condition is not None:
            values, text = self.conditioned(values, text, condition, random)
        prediction = self.denoiser(values, noised.time, text).float()
        errors = (prediction - noised.target).square().flatten(1).mean(1)  # (B,)
        log["train/denoiser/error"] = errors.detach().mean()
        self.step_optimizer("denoiser", (noised.weight * errors).mean(), log)

    def frozen_encoding(self, autoencoder: Autoencoder) -> FrozenEncoding:
        """The encoding of training images that a data set can keep: their latents."""
        return FrozenEncoding([autoencoder], partial(latents_of, autoencoder), "latents")

    def encoded(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """`Batch.images` -> (B, *sample_shape), what is learnt, and the condition of each sample.

        None means that there is no condition.
        """
        return (images if self._latents is None else self._latents(images)), None

    def conditioned(
        self, values: Tensor, text: TextFeatures, condition: Tensor, random: BatchRandom
    ) -> tuple[Tensor, TextFeatures]:
        """What the denoiser sees in the place of `values` and `text`.

        Args:
            values: (B, *sample_shape), noisy samples.
            text: of B captions.
            condition: of each sample, from `encoded`.
            random: random numbers of the batch.
        """
        raise NotImplementedError(f"{type(self).__name__} has no condition")
