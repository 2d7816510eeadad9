"""Training of priors over the codes of images, the second stage of DALL-E 1."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from pytorch_lightning.cli import OptimizerCallable

from textgan.autoencoder.base import Autoencoder
from textgan.evaluation.sampled import SampledEvaluation
from textgan.metric.base import Metric
from textgan.pipeline import DallePipeline
from textgan.pipeline.dalle import check_codes
from textgan.pretrained.frozen import lineage_of
from textgan.prior.base import TokenPrior
from textgan.schedule import check_shares
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.latents import FrozenEncoding
from textgan.training.manual import BatchRandom, gather
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import check_text_width
from textgan.types import Batch

PriorCallable = Callable[[tuple[int, int, int], int], TokenPrior]
"""(codes_shape, codebook_size) -> a prior for such codes."""


class TokenPriorModel(TrainedModel):
    """A prior and a text encoder that learn to predict the codes of images from their captions.

    The loss is the cross-entropy of the codes in nats per position. The autoencoder is frozen.

    Args:
        autoencoder: discrete and trained; its codes are predicted.
        prior: builds the prior for the autoencoder's codes.
        text_encoder: encodes captions; trained with the prior.
        optimizer: of prior and text encoder.
        budget: length of the training.
        metrics: name -> metric, computed on validation and test data from the averaged weights.
        caption_dropout: share of captions replaced by the empty one, which guidance needs.
        describe_weight: weight of the other order, codes first and then the tokens of the caption,
            so that the model also makes captions of images; the loss is the cross-entropy of a
            token. It needs a prior with `text_vocabulary`. 0 leaves it out; DALL-E 1 has 1/8 for
            its text.
        compile: names of the parts that torch.compile compiles.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys all randomness of training and of the evaluation's samples.

    Raises:
        ValueError: the autoencoder is continuous, or a number is out of range.
    """

    def __init__(
        self,
        *,
        autoencoder: Autoencoder,
        prior: PriorCallable,
        text_encoder: TextEncoder,
        optimizer: OptimizerCallable,
        budget: Budget,
        metrics: dict[str, Metric] | None = None,
        caption_dropout: float = 0.1,
        describe_weight: float = 0.0,
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        check_shares(caption_dropout=caption_dropout)
        quantizer = autoencoder.quantizer
        if quantizer is None:
            raise ValueError("autoencoder must be discrete, got one without a quantizer")
        codes_shape = (quantizer.groups, *autoencoder.latent_shape[1:])
        built = prior(codes_shape, quantizer.codebook_size)
        check_codes(built, autoencoder)
        check_text_width(text_encoder, {"prior": built})
        _check_describing(describe_weight, built, text_encoder)
        super().__init__(
            {
                **{"prior": built, "text_encoder": text_encoder},
                "autoencoder": autoencoder.requires_grad_(False),
            },
            averaged=("prior", "text_encoder"),
            budget=budget,
            evaluation=SampledEvaluation(metrics or {}, seed=seed),
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
        )
        self.optimizer, self.caption_dropout = optimizer, caption_dropout
        self.trained_against = sorted(lineage_of(self))
        self.describe_weight = describe_weight
        self._codes = FrozenEncoding([autoencoder], autoencoder.encode_to_codes, "codes")

    def pipeline(self) -> DallePipeline:
        """The averaged prior and text encoder, and the autoencoder."""
        averaged = self.ema.averaged
        return DallePipeline(
            averaged["prior"],
            averaged["text_encoder"],
            self.autoencoder.eval(),
            trained_against=self.trained_against,
        ).eval()

    def optimized(self) -> dict[str, Optimized]:
        return {"prior": Optimized(trainable(self.prior, self.text_encoder), self.optimizer)}

    def on_fit_start(self) -> None:
        super().on_fit_start()
        self._codes.prepare(self)

    def learn(self, batch: Batch, log: Log) -> None:
        codes = self._codes(batch.images)  # (B, groups, h, w)
        random = BatchRandom(self, len(batch), batch.images.device)
        shares = random.uniform(len(batch))
        captions = [
            "" if share < self.caption_dropout else caption
            for share, caption in zip(shares, batch.captions, strict=True)
        ]
        uniform = torch.special.ndtr(random.normal((len(batch), 1 + codes[0, 0].numel())))
        loss = self.prior.loss(codes, self.text_encoder(captions), uniform)
        log["train/prior/cross_entropy"] = loss.detach()
        if self.describe_weight:
            text_loss = self._text_loss(codes, batch.captions)
            log["train/prior/text_cross_entropy"] = text_loss.detach()
            loss = loss + self.describe_weight * text_loss
        self.step_optimizer("prior", loss, log)

    def _text_loss(self, codes: torch.Tensor, captions: list[str]) -> torch.Tensor:
        """The cross-entropy of the tokens of captions after the codes, a mean over tokens."""
        token_ids, mask = (t.to(codes.device) for t in self.text_encoder.tokenizer(captions))
        token_ids = token_ids[:, : self.prior.max_text_length + 1]
        logits = self.prior.text_logits(codes, token_ids[:, :-1]).float()
        losses = F.cross_entropy(logits.mT, token_ids[:, 1:], reduction="none")  # (B, L - 1)
        present = mask[:, 1 : token_ids.shape[1]]
        # Of the global batch, so that the mean over processes is the mean over tokens.
        count = gather(self, present.sum()[None]).sum() / self.trainer.world_size
        return (losses * present).sum() / count.clamp(min=1)


def _check_describing(weight: float, prior: TokenPrior, text_encoder: TextEncoder) -> None:
    if weight < 0:
        raise ValueError(f"describe_weight must be at least 0, got {weight}")
    if not weight:
        if getattr(prior, "text_vocabulary", None) is not None:
            raise ValueError(
                "text_vocabulary of the prior must be null where describe_weight is 0, because "
                "nothing trains it"
            )
        return
    if not hasattr(prior, "text_vocabulary"):
        kind = type(prior).__name__
        rule = "describe_weight needs a prior that makes captions, such as GPTPrior"
        raise ValueError(f"{rule}, got {kind}")
    if not hasattr(text_encoder, "tokenizer"):
        kind = type(text_encoder).__name__
        raise ValueError(f"describe_weight needs a text encoder with a tokenizer, got {kind}")
    known, own = getattr(prior, "text_vocabulary", None), text_encoder.tokenizer.vocab_size
    if known != own:
        raise ValueError(
            f"text_vocabulary of the prior must be that of the text encoder's tokenizer, {own}, "
            f"for describe_weight, got {known}"
        )
