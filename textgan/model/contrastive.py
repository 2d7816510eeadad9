"""Contrastive pretraining: pictures and captions into one space."""

from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import OptimizerCallable
from torch import Tensor, nn

from textgan.augmentation.base import Augmentation
from textgan.errors import ConfigError
from textgan.evaluation import Report
from textgan.evaluation.examination import Examination
from textgan.evaluation.report import examined
from textgan.image_encoder.base import ImageEncoder
from textgan.layer import Temperature
from textgan.loss.base import ContrastiveLoss
from textgan.pipeline import ContrastivePipeline
from textgan.pretrained.frozen import weights_hash
from textgan.schedule import is_zero
from textgan.seed import seed_from
from textgan.step import ContrastiveStep
from textgan.text_encoder.base import TextEncoder
from textgan.training.checkpoint import refill, stamp
from textgan.training.descent import Descent
from textgan.training.ema import ImageEMA
from textgan.training.manual import count_one_batch, gather, longest
from textgan.training.terms import check_contrastive_weights, contrastive_sum
from textgan.training.vocabulary import check_captions, fit_vocabulary
from textgan.types import Batch


class ContrastiveModel(LightningModule):
    """An image encoder and a text encoder that learn which caption is whose (CLIP, 2021).

    What is minimised is the weighted sum of `losses` over the global batch. Where the data brings a
    nearly right captions for each picture (`negatives`), the terms hold these against it too. After
    training the run's `pipeline` folder holds both encoders: for search and classification, and as
    parts of other models (`from_pretrained` with `part`).

    Args:
        image_encoder: reads pictures.
        text_encoder: reads captions; as wide.
        losses: name -> term.
        optimizer: of both encoders and of the terms' temperatures.
        total_images: the budget, over all processes; every schedule runs over it.
        augmentation: what training pictures go through, or None.
        templates: what a class's name becomes a caption by, where the data has classes.
        learning_rate_decay_start: share of the budget from which the learning rate falls, by half a
            cosine to 0 at its end; 1 keeps it constant.
        warmup_images: length of the learning rate's linear rise.
        ema_half_life_images: half-life of the averaged weights, which are examined and saved.
        gradient_clip_norm: greatest norm of the gradient, or None.
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
        total_images: int,
        augmentation: Augmentation | None = None,
        templates: tuple[str, ...] = ("a photo of a {}",),
        learning_rate_decay_start: float = 0.0,
        warmup_images: int = 0,
        ema_half_life_images: float = 5_000,
        gradient_clip_norm: float | None = None,
        tokenizer_captions: int = 20_000,
        seed: int = 0,
    ):
        super().__init__()
        self.automatic_optimization = False
        if image_encoder.width != text_encoder.width:
            widths = f"{image_encoder.width} and {text_encoder.width}"
            raise ValueError(f"image_encoder and text_encoder must have one width, got {widths}")
        check_contrastive_weights(losses)
        self.descent = Descent(
            total_images=total_images,
            warmup_images=warmup_images,
            learning_rate_decay_start=learning_rate_decay_start,
            gradient_clip_norm=gradient_clip_norm,
        )
        self.ancestors = list(image_encoder.ancestors)
        self.image_encoder, self.text_encoder = image_encoder, text_encoder
        self.augmentation, self.losses = augmentation, nn.ModuleDict(losses)
        self.ema = ImageEMA(self._encoders(), half_life_images=ema_half_life_images)
        self.optimizer, self.total_images = optimizer, total_images
        self.tokenizer_captions, self.seed = tokenizer_captions, seed
        self.examination = Examination(templates)
        self.composed_config: dict[str, Any] | None = None
        self.values: dict[str, float] = {}
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))
        self.seen = 0  # like images_seen, but read without waiting for a GPU

    def pipeline(self) -> ContrastivePipeline:
        """Both averaged encoders."""
        averaged = self.ema.averaged
        asked = [term for term in self.losses.values() if not is_zero(term.weight)]
        temperatures = [m for m in self.losses.modules() if isinstance(m, Temperature)]
        return ContrastivePipeline(
            averaged["image_encoder"],
            averaged["text_encoder"],
            temperature=float(temperatures[0]().detach()) if temperatures else 0.1,
            templates=self.examination.templates,
            ancestors=self.ancestors,
            aligned=sorted({kind for term in asked for kind in term.aligns}),
        ).eval()

    def setup(self, stage: str) -> None:
        """Fit the tokenizer on training captions, unless there is one or a checkpoint brings it."""
        if stage != "fit":
            return
        self.train()  # Lightning leaves a part that was loaded, and so in eval mode, as it is
        if fit_vocabulary(self.text_encoder, self.trainer, limit=self.tokenizer_captions):
            self.ema.copy_from(self._encoders())

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One, of all that trains."""
        parts = [self.image_encoder, self.text_encoder, self.losses]
        trainable = [p for part in parts for p in part.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trainable if p.ndim > 1]},
            # no decay pulls at gains, biases and temperatures, as in CLIP
            {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
        ]
        return self.descent.configured([self.optimizer(groups)])

    def on_train_start(self) -> None:
        self.seen = int(self.images_seen)
        if self.seen:  # it must not judge what was trained against the encoder that it goes on from
            went_on_from = weights_hash(self.ema.averaged["image_encoder"])
            self.ancestors = sorted({*self.ancestors, went_on_from})
        self.descent.restore(self.trainer.optimizers)
        check_captions(self.text_encoder, self.trainer, limit=self.tokenizer_captions)
        self.trainer.should_stop |= self.seen >= self.total_images

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        shown = self.trainer.world_size * len(batch)
        torch.manual_seed(seed_from(self.seed, self.seen, self.trainer.global_rank))
        log: dict[str, Tensor | float] = {"step": float(self.seen + shown)}
        loss = contrastive_sum(self.losses, self._encoded(batch), log, self.seen)
        self.descent.descend(
            self, self.optimizers(), loss, seen=self.seen, shown=shown, name="encoders", log=log
        )
        self.seen += shown
        self.images_seen += shown
        self.ema.update(self._encoders(), images=shown, images_seen=self.seen)
        count_one_batch(self.trainer)
        if (batch_idx + 1) % self.trainer.log_every_n_steps == 0:
            self.log_dict(log, batch_size=len(batch))
        self.trainer.should_stop |= self.seen >= self.total_images

    def _encoded(self, batch: Batch) -> ContrastiveStep:
        images = batch.images
        if self.augmentation is not None:
            (images,) = self.augmentation((images,))
        negatives = batch.negatives or []
        text = self.text_encoder([*batch.captions, *negatives])  # (B or more)
        text = text.pad(longest(self, text.mask.shape[1]))
        return ContrastiveStep(
            images=self.image_encoder(images.contiguous(memory_format=torch.channels_last)),
            captions=batch.captions,
            all_captions=batch.all_captions,
            text=text[: len(batch)],
            negatives=batch.negatives,
            wrong_text=text[len(batch) :] if negatives else None,
            progress=self.seen / self.total_images,
            gather=lambda tensor: gather(self, tensor),
            rank=self.trainer.global_rank,
        )

    def on_validation_start(self) -> None:
        self._begin("val")

    def on_test_start(self) -> None:
        self._begin("test")

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.examination.update(self.pipeline(), batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self.examination.update(self.pipeline(), batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> None:
        raise ConfigError("a contrastive model draws nothing: textgan search and classify use it")

    def on_validation_epoch_end(self) -> None:
        self._conclude("val")

    def on_test_epoch_end(self) -> None:
        self._conclude("test")

    def report(self, *, source: str | None = None) -> Report:
        """What the last test found, with the protocol of each number."""
        data = type(self.trainer.datamodule)
        return examined(
            self.examination,
            self.values,
            self.pipeline(),
            source=source,
            images_seen=int(self.images_seen),
            data={"class": f"{data.__module__}.{data.__qualname__}", "split": self._split("test")},
            precision=str(self.trainer.precision),
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        stamp(checkpoint, self)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        refill(checkpoint, self)
        self.ancestors = checkpoint["textgan"]["pipeline"].get("ancestors", [])

    def _split(self, split: str) -> str:
        shown = getattr(self.trainer.datamodule, "shown_split", None)
        return shown(split) if shown else split

    def _begin(self, split: str) -> None:
        data = self.trainer.datamodule
        names = getattr(data, "class_names", [])
        labels = data.labels(split) if names else None
        self.examination.begin(names=names, labels=labels)

    def _conclude(self, stage: str) -> None:
        self.values = self.examination.compute()
        values = {f"{stage}/{name}": float(value) for name, value in self.values.items()}
        self.log_dict({**values, "step": float(self.images_seen)}, rank_zero_only=False)

    def _encoders(self) -> dict[str, nn.Module]:
        return {"image_encoder": self.image_encoder, "text_encoder": self.text_encoder}
