"""Training of diffusion models."""

from pytorch_lightning.cli import OptimizerCallable

from textgan.autoencoder.base import Autoencoder
from textgan.denoiser.base import Denoiser
from textgan.diffusion.base import Diffusion
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric.base import Metric
from textgan.pipeline import DiffusionPipeline
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.denoising import DenoisingModel


class DiffusionModel(DenoisingModel):
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
        DiffusionPipeline.check(denoiser, autoencoder)
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
        )

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
