"""Training of diffusion models."""

from functools import partial

from pytorch_lightning.cli import OptimizerCallable

from textgan.autoencoder.base import Autoencoder, latents_of
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion
from textgan.errors import ConfigError
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric.base import Metric
from textgan.pipeline import DiffusionPipeline
from textgan.pretrained.frozen import lineage_of
from textgan.schedule import check_shares
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import check_text_width
from textgan.types import Batch


class DiffusionModel(TrainedModel):
    """A denoiser and a text encoder that learn to remove noise from images, or from latents.

    The loss is the mean squared error of the prediction, with the weights of the `diffusion`.

    Args:
        denoiser: predicts from noisy samples, time and text.
        text_encoder: encodes captions; trained with the denoiser.
        diffusion: makes samples noisy, and says what is predicted.
        optimizer: of denoiser and text encoder.
        budget: length of the training.
        autoencoder: makes the training images latents, and decodes those that are sampled; it is
            frozen. None trains on pixels.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: the denoiser's samples are neither images nor the autoencoder's latents, or a
            number is out of range; `caption_dropout` must be above 0, because samples are guided.
    """

    def __init__(
        self,
        *,
        denoiser: Denoiser,
        text_encoder: TextEncoder,
        diffusion: Diffusion,
        optimizer: OptimizerCallable,
        budget: Budget,
        autoencoder: Autoencoder | None = None,
        metrics: dict[str, Metric] | None = None,
        caption_dropout: float = 0.1,
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        check_shares(caption_dropout=caption_dropout)
        if not caption_dropout:
            raise ValueError("caption_dropout must be above 0, because samples are guided, got 0")
        check_text_width(text_encoder, {"denoiser": denoiser})
        DiffusionPipeline.check(denoiser, autoencoder)
        super().__init__(
            {
                **{"denoiser": denoiser, "text_encoder": text_encoder},
                "autoencoder": None if autoencoder is None else autoencoder.requires_grad_(False),
            },
            averaged=("denoiser", "text_encoder"),
            budget=budget,
            evaluation=SampledEvaluation(metrics or {}, seed=seed),
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
        )
        self.diffusion = diffusion
        self.optimizer, self.caption_dropout = optimizer, caption_dropout
        self.trained_against = sorted(lineage_of(self))
        self._latents = None
        if autoencoder is not None:
            encode = partial(latents_of, autoencoder)
            self._latents = FrozenEncoding(autoencoder, encode, "latents")

    def pipeline(self) -> DiffusionPipeline:
        """The averaged denoiser and text encoder, the diffusion, and the autoencoder."""
        averaged = self.ema.averaged
        return DiffusionPipeline(
            averaged["denoiser"],
            averaged["text_encoder"],
            self.diffusion,
            autoencoder=self.autoencoder,
            trained_against=self.trained_against,
        ).eval()

    def optimized(self) -> dict[str, Optimized]:
        return {"denoiser": Optimized(trainable(self.denoiser, self.text_encoder), self.optimizer)}

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self.diffusion.scheduler(1)  # says before the training if diffusers is missing
        if self._latents is not None:
            self._latents.prepare(self)

    def learn(self, batch: Batch, log: Log) -> None:
        samples = batch.images if self._latents is None else self._latents(batch.images)
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
        text = self.text_encoder(captions)
        values = noised.values.to(samples.dtype)
        prediction = self.denoiser(values, noised.time, text).float()
        errors = (prediction - noised.target).square().flatten(1).mean(1)  # (B,)
        log["train/denoiser/error"] = errors.detach().mean()
        self.step_optimizer("denoiser", (noised.weight * errors).mean(), log)
