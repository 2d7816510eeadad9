"""Contrastive pretraining of an image encoder and a text encoder."""

from typing import Any

import torch
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.evaluation.contrastive_evaluator import ContrastiveEvaluator
from textgan.image_encoder.base import ImageEncoder
from textgan.image_encoder.tower import TowerImageEncoder
from textgan.layer import Temperature
from textgan.loss.base import ContrastiveLoss
from textgan.pipeline import ContrastivePipeline
from textgan.pretrained.frozen import weights_hash
from textgan.schedule import is_zero
from textgan.step import ContrastiveStep
from textgan.text_encoder.base import TextEncoder
from textgan.training.budget import Budget
from textgan.training.latents import keep_features
from textgan.training.manual import gather, longest
from textgan.training.model import Log, TrainedModel, trainable
from textgan.training.optimization import Optimized
from textgan.training.terms import check_weights, contrastive_sum
from textgan.training.vocabulary import read_ahead
from textgan.types import Batch, ImageFeatures


class ContrastiveModel(TrainedModel):
    """An image encoder and a text encoder, trained to match images with their captions.

    The method is CLIP's (Radford et al. 2021). The weighted sum of `losses` over the global batch
    is minimised. The hard negatives of the data are negatives too. After training the `pipeline`
    folder of the run holds both encoders, for search and classification, and as parts of other
    models (`from_pretrained` with `part`).

    Args:
        image_encoder: encodes images.
        text_encoder: encodes captions; as wide.
        losses: name -> term.
        optimizer: of both encoders and of the terms' temperatures.
        budget: length of the training.
        augmentation: transforms training images, or None.
        templates: sentences with {} for the name of a class, where the data has classes.
        compile: names of the parts that torch.compile compiles, such as image_encoder.
        tokenizer_captions: how many training captions a tokenizer is fitted on at most.
        seed: keys augmentation and dropout.

    Raises:
        ValueError: the encoders differ in width, at some time no term has a weight, or a number is
            out of range.
    """

    def __init__(
        self,
        *,
        image_encoder: ImageEncoder,
        text_encoder: TextEncoder,
        losses: dict[str, ContrastiveLoss],
        optimizer: OptimizerCallable,
        budget: Budget,
        augmentation: Augmentation | None = None,
        templates: tuple[str, ...] = ("a photo of a {}",),
        compile: tuple[str, ...] = (),
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        if image_encoder.width != text_encoder.width:
            widths = f"{image_encoder.width} and {text_encoder.width}"
            raise ValueError(f"image_encoder and text_encoder must have one width, got {widths}")
        check_weights({name: term.weight for name, term in losses.items()})
        super().__init__(
            {
                **{"image_encoder": image_encoder, "text_encoder": text_encoder},
                **{"augmentation": augmentation, "losses": nn.ModuleDict(losses)},
            },
            averaged=("image_encoder", "text_encoder"),
            budget=budget,
            evaluation=ContrastiveEvaluator(templates),
            compile=compile,
            tokenizer_captions=tokenizer_captions,
            seed=seed,
        )
        self.ancestors, self.optimizer = list(image_encoder.ancestors), optimizer
        self._has_states = False
        self.templates = list(templates)

    def pipeline(self) -> ContrastivePipeline:
        """Both averaged encoders."""
        averaged = self.ema.averaged
        weighted = [term for term in self.losses.values() if not is_zero(term.weight)]
        temperatures = [m for m in self.losses.modules() if isinstance(m, Temperature)]
        return ContrastivePipeline(
            averaged["image_encoder"],
            averaged["text_encoder"],
            temperature=float(temperatures[0]().detach()) if temperatures else 0.1,
            templates=self.templates,
            ancestors=self.ancestors,
            aligned=sorted({kind for term in weighted for kind in term.aligns}),
        ).eval()

    def optimized(self) -> dict[str, Optimized]:
        parameters = trainable(self.image_encoder, self.text_encoder, self.losses)
        groups = [
            {"params": [p for p in parameters if p.ndim > 1]},
            # As in CLIP, gains, biases and temperatures have no weight decay.
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        return {"encoders": Optimized(groups, self.optimizer)}

    def on_train_start(self) -> None:
        super().on_train_start()
        if self.seen:
            # A model that was trained against the earlier weights must not be evaluated with these.
            earlier = weights_hash(self.ema.averaged["image_encoder"])
            self.ancestors = sorted({*self.ancestors, earlier})

    def on_fit_start(self) -> None:
        """Compute once what the frozen networks of the encoders say of the training data.

        The first batch is loaded before `on_train_start`.
        """
        data, encoder = self.trainer.datamodule, self.image_encoder
        self._has_states = False
        if data is None:
            return
        if isinstance(encoder, TowerImageEncoder) and encoder.frozen and self.augmentation is None:
            self._has_states = keep_features(self, encoder.states, encoder.network())
        self.to(self.trainer.strategy.root_device)
        read_ahead(self.text_encoder, self.trainer)

    def learn(self, batch: Batch, log: Log) -> None:
        loss = contrastive_sum(self.losses, self._encoded(batch), log, self.seen)
        self.step_optimizer("encoders", loss, log)

    def _encoded(self, batch: Batch) -> ContrastiveStep:
        images = batch.images
        if self.augmentation is not None:
            (images,) = self.augmentation((images,))
        negatives = batch.negatives or []
        text = self.text_encoder([*batch.captions, *negatives])  # (B or more)
        text = text.pad(longest(self, text.mask.shape[1]))
        return ContrastiveStep(
            images=self._encoded_images(images),
            captions=batch.captions,
            all_captions=batch.all_captions,
            text=text[: len(batch)],
            negatives=batch.negatives,
            wrong_text=text[len(batch) :] if negatives else None,
            progress=self.progress,
            gather=lambda tensor: gather(self, tensor),
            rank=self.trainer.global_rank,
        )

    def _encoded_images(self, images: Tensor) -> ImageFeatures:
        """Encode the images of a batch, or the states that the data has kept of them."""
        if self._has_states:
            return self.image_encoder.project(images)
        return self.image_encoder(images.contiguous(memory_format=torch.channels_last))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        self.ancestors = checkpoint["textgan"]["pipeline"].get("ancestors", [])
