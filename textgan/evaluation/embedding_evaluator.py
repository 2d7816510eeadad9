"""Evaluation of priors that draw image embeddings."""

import torch
import torch.nn.functional as F
from torchmetrics import MeanMetric

from textgan.evaluation.base import Evaluation, Split
from textgan.evaluation.fingerprint import Fingerprint
from textgan.evaluation.report import Origin, Report, make_report
from textgan.evaluation.retrieval import Retrieval
from textgan.pipeline import DiffusionPriorPipeline
from textgan.types import Batch, Measurement

_COSINES = {
    "prior": "embedding that the prior draws for the caption",
    "text": "embedding of the caption",
    "other": "embedding of another image",
}


class EmbeddingEvaluator(Evaluation[DiffusionPriorPipeline]):
    """How near the embeddings of a prior are to those of the images.

    `cosine/prior` is the mean cosine between the embedding of an image and the one that the prior
    draws for its caption. Beside it are those of the caption's own embedding (`text`) and of the
    embedding of another image (`other`). `retrieval/...` tells how often the drawn embedding is
    nearer to its image than to all others.

    Args:
        seed: keys the noise of the prior.
    """

    def __init__(self, *, seed: int):
        self.seed, self.skipped = seed, {}
        self.seen: tuple[str, int] = ("", 0)

    def begin(self, pipeline: DiffusionPriorPipeline, split: Split) -> None:
        self._cosines = {name: MeanMetric() for name in _COSINES}
        self._retrieval, self._fingerprint = Retrieval(), Fingerprint(all_texts=True)
        self.seen = ("", 0)

    @torch.no_grad()
    def update(self, pipeline: DiffusionPriorPipeline, batch: Batch) -> None:
        device, embedder = pipeline.device, pipeline.embedder
        images = embedder.encode_images(batch.images.to(device))  # (B, E)
        drawn = pipeline.embed(batch.captions, seed=self.seed, indices=batch.index.tolist())
        texts = embedder.encode_texts(batch.captions)
        compared = {"prior": drawn, "text": texts, "other": images.roll(1, 0)}
        for name, embeddings in compared.items():
            if name == "other" and len(batch) < 2:
                continue
            cosines = F.cosine_similarity(images, embeddings)
            self._cosines[name].to(device).update(cosines)
        captions = [[caption] for caption in batch.captions]
        self._retrieval.to(device).update(images, batch.index, drawn, captions)
        self._fingerprint.to(device).update(batch)

    def compute(self) -> dict[str, float]:
        self.seen = self._fingerprint.compute()
        n = self.seen[1]
        values: dict[str, float] = {
            f"cosine/{name}": Measurement(float(metric.compute()), n=n)
            for name, metric in self._cosines.items()
            if metric.update_called
        }
        found = self._retrieval.compute()
        return values | {f"retrieval/{name}": value for name, value in found.items()}

    def report(
        self, values: dict[str, float], pipeline: DiffusionPriorPipeline, origin: Origin
    ) -> Report:
        own = {
            "cosine": {"between": _COSINES},
            "retrieval": {"captions": "the one that the prior drew an embedding for"},
        }
        return make_report(values, pipeline, origin, self.seen, own, {"seed": self.seed})
