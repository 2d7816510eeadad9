"""What a contrastive model is examined by: retrieval, near misses, zero-shot classification."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from textgan.evaluation.fingerprint import Fingerprint
from textgan.evaluation.retrieval import NearMisses, Retrieval
from textgan.image import captioned_grid
from textgan.metric.interval import share
from textgan.pipeline import ContrastivePipeline
from textgan.types import Batch

_SHOWN, _FOUND, _GALLERY = 6, 5, 256


class Examination:
    """Shows a contrastive model pictures and captions it was not trained on.

    Retrieval always; near misses where the data brings a nearly right caption for each picture;
    classification where it has classes. `begin`, `update` for each batch, `compute`.

    Args:
        templates: what is made of a class's name, as "a photo of a {}".

    Attributes:
        seen: after `compute`, a hash of the captions and pictures seen, and how many.
        confusion: after `compute`, (classes, classes) int64: true class by row; None without.
    """

    def __init__(self, templates: Sequence[str]):
        self.templates = list(templates)
        self.begin()

    def begin(self, *, names: Sequence[str] = (), labels: Tensor | None = None) -> None:
        """Forget what was seen.

        Args:
            names: of the classes.
            labels: (rows of the data set,) int64, the class of each picture; None without classes.
        """
        self.names, self._labels = list(names), labels
        self._retrieval, self._near = Retrieval(), NearMisses()
        self._fingerprint = Fingerprint(all_texts=True)
        self._matrix = MulticlassConfusionMatrix(len(self.names)) if labels is not None else None
        self._classes: Tensor | None = None
        self._shown: list[tuple[str, Tensor]] = []
        self.seen, self.confusion = ("", 0), None

    @torch.no_grad()
    def update(self, pipeline: ContrastivePipeline, batch: Batch) -> None:
        """Take in a batch."""
        device = pipeline.device
        captions = batch.all_captions or [[caption] for caption in batch.captions]
        images = pipeline.encode_images(batch.images.to(device))  # (B, D)
        flat = [caption for own in captions for caption in own]
        different = {caption: place for place, caption in enumerate(dict.fromkeys(flat))}
        places = torch.tensor([different[caption] for caption in flat], device=device)
        texts = pipeline.encode_texts([*different])[places]  # (M, D)
        self._retrieval.to(device).update(images, batch.index, texts, captions)
        if batch.negatives is not None:
            own = pipeline.encode_texts(batch.captions)
            wrong = pipeline.encode_texts(batch.negatives[: len(batch)])
            self._near.to(device).update(images, own, wrong)
        if self._matrix is not None:
            if self._classes is None:
                self._classes = pipeline.encode_labels(self.names, templates=self.templates)
            said = (images @ self._classes.T).argmax(1)
            labels = self._labels[batch.index.cpu()].to(device)
            self._matrix.to(device).update(said, labels)
        self._fingerprint.to(device).update(batch)
        room = _GALLERY - len(self._shown)
        self._shown += zip(batch.captions[:room], batch.images[:room].cpu(), strict=True)

    def compute(self) -> dict[str, float]:
        """`examination/name` -> value, over all batches of all processes."""
        values = {f"retrieval/{k}": v for k, v in self._retrieval.compute().items()}
        if self._near.update_called:
            values |= {f"near_misses/{k}": v for k, v in self._near.compute().items()}
        if self._matrix is not None:
            self.confusion = self._matrix.compute().cpu()
            right = torch.zeros(int(self.confusion.sum()), dtype=torch.bool)
            right[: int(self.confusion.trace())] = True
            values["classification/accuracy"] = share(right)
        self.seen = self._fingerprint.compute()
        return values

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Examination -> all that decides its values beside data and model."""
        found = {"retrieval": {"captions": "all of a picture; equal ones are one"}}
        if self._near.update_called:
            found["near_misses"] = {"captions": "a picture's own against its negative"}
        if self._matrix is not None:
            found["classification"] = {"templates": self.templates, "classes": self.names}
        return found

    def search_grid(self, pipeline: ContrastivePipeline) -> Image.Image:
        """A row for each of a few captions: the picture that bears it, then the most similar ones.

        Among the first pictures that were seen, 256 at most.
        """
        gallery = torch.stack([image for _, image in self._shown])  # (G, C, H, W)
        captions = list(dict.fromkeys(caption for caption, _ in self._shown))[:_SHOWN]
        scores = pipeline.similarity(gallery, captions).T.cpu()  # (captions, G)
        places, words = [], []
        for caption, row in zip(captions, scores, strict=True):
            own = next(g for g, (said, _) in enumerate(self._shown) if said == caption)
            best = row.argsort(descending=True, stable=True)[:_FOUND].tolist()
            places += [own, *best]
            found = [
                f"{row[g]:.2f}{', its own' if self._shown[g][0] == caption else ''}" for g in best
            ]
            words += [caption, *found]
        columns = 1 + min(_FOUND, len(gallery))
        return captioned_grid(gallery[places], words, columns=columns)
