"""Evaluation of models that score how well images and captions match."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from textgan.evaluation.base import Evaluation, Split
from textgan.evaluation.fingerprint import Fingerprint
from textgan.evaluation.report import Origin, Report, make_report
from textgan.evaluation.retrieval import NearMisses, Retrieval
from textgan.image import captioned_grid
from textgan.metric.interval import proportion
from textgan.pipeline import ContrastivePipeline
from textgan.types import Batch

_SHOWN, _FOUND, _GALLERY = 6, 5, 256


class ContrastiveEvaluator(Evaluation[ContrastivePipeline]):
    """Retrieval, and near misses and zero-shot classification where the data allow them.

    Near misses need a nearly right caption for each image, classification needs classes.

    Args:
        templates: turn the name of a class into a caption, as "a photo of a {}".

    Attributes:
        seen: after `compute`, a hash of the captions and images seen, and their number.
        confusion: after `compute`, (classes, classes) int64: true class by row; None without.
    """

    def __init__(self, templates: Sequence[str]):
        self.templates, self.skipped = list(templates), {}

    def begin(self, pipeline: ContrastivePipeline, split: Split) -> None:
        self.class_names, self._labels = list(split.class_names), split.labels
        self._retrieval, self._near = Retrieval(), NearMisses()
        self._fingerprint = Fingerprint(all_texts=True)
        self._matrix = None
        if split.labels is not None:
            self._matrix = MulticlassConfusionMatrix(len(self.class_names))
        self._classes: Tensor | None = None
        self._shown: list[tuple[str, Tensor]] = []
        self.seen, self.confusion = ("", 0), None

    @torch.no_grad()
    def update(self, pipeline: ContrastivePipeline, batch: Batch) -> None:
        device = pipeline.device
        captions = batch.all_captions or [[caption] for caption in batch.captions]
        images = pipeline.encode_images(batch.images.to(device))  # (B, D)
        flat = [caption for own in captions for caption in own]
        different = {caption: row for row, caption in enumerate(dict.fromkeys(flat))}
        rows = torch.tensor([different[caption] for caption in flat], device=device)
        texts = pipeline.encode_texts([*different])[rows]  # (M, D)
        self._retrieval.to(device).update(images, batch.index, texts, captions)
        if batch.negatives is not None:
            own = pipeline.encode_texts(batch.captions)
            wrong = pipeline.encode_texts(batch.negatives[: len(batch)])
            self._near.to(device).update(images, own, wrong)
        if self._matrix is not None:
            if self._classes is None:
                self._classes = pipeline.encode_labels(self.class_names, templates=self.templates)
            predicted = (images @ self._classes.T).argmax(1)
            labels = self._labels[batch.index.cpu()].to(device)
            self._matrix.to(device).update(predicted, labels)
        self._fingerprint.to(device).update(batch)
        room = _GALLERY - len(self._shown)
        self._shown += zip(batch.captions[:room], batch.images[:room].cpu(), strict=True)

    def compute(self) -> dict[str, float]:
        values = {f"retrieval/{k}": v for k, v in self._retrieval.compute().items()}
        if self._near.update_called:
            values |= {f"near_misses/{k}": v for k, v in self._near.compute().items()}
        if self._matrix is not None:
            self.confusion = self._matrix.compute().cpu()
            right, n = int(self.confusion.trace()), int(self.confusion.sum())
            values["classification/accuracy"] = proportion(right, n)
        self.seen = self._fingerprint.compute()
        return values

    def report(
        self, values: dict[str, float], pipeline: ContrastivePipeline, origin: Origin
    ) -> Report:
        from textgan.evaluation.confusion import confusion_matrix_figure  # imports matplotlib

        images = {"Most similar images": self.search_grid(pipeline)}
        if self.confusion is not None:
            images["Confusion matrix"] = confusion_matrix_figure(self.confusion, self.class_names)
        # Nothing is sampled, so that the seed is always 0.
        shared, own = {"seed": 0}, self._protocols()
        return make_report(values, pipeline, origin, self.seen, own, shared, images=images)

    def _protocols(self) -> dict[str, dict[str, Any]]:
        """Name of a metric -> everything that decides its values besides data and model."""
        found = {"retrieval": {"captions": "all of an image; equal ones count once"}}
        if self._near.update_called:
            found["near_misses"] = {"captions": "an image's own against its negative"}
        if self._matrix is not None:
            found["classification"] = {"templates": self.templates, "classes": self.class_names}
        return found

    def search_grid(self, pipeline: ContrastivePipeline) -> Image.Image:
        """A row for each of a few captions: its own image, then the most similar images.

        They are among the first images that were seen, 256 at most.
        """
        gallery = torch.stack([image for _, image in self._shown])  # (G, C, H, W)
        captions = list(dict.fromkeys(caption for caption, _ in self._shown))[:_SHOWN]
        scores = pipeline.similarity(gallery, captions).T.cpu()  # (captions, G)
        rows, texts = [], []
        for caption, score in zip(captions, scores, strict=True):
            own = next(g for g, (other, _) in enumerate(self._shown) if other == caption)
            best = score.argsort(descending=True, stable=True)[:_FOUND].tolist()
            rows += [own, *best]
            found = [
                f"{score[g]:.2f}{', its own' if self._shown[g][0] == caption else ''}" for g in best
            ]
            texts += [caption, *found]
        columns = 1 + min(_FOUND, len(gallery))
        return captioned_grid(gallery[rows], texts, columns=columns)
