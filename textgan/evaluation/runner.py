"""One runner that draws once for all metrics."""

import torch

from textgan.pipeline.base import TextToImagePipeline
from textgan.types import Batch, Evaluation


class Evaluator:
    """Feeds every metric from the same draws.

    The metrics live here and not in a module tree, so that no checkpoint, EMA or DDP ever carries
    their extractors.

    Args:
        metrics: name -> metric (`textgan.metric.base.Metric`, or anything with its methods and
            class attributes).
        seed: keys the noise of the draws, with the picture's index in the data set.
    """

    def __init__(self, metrics: dict[str, torch.nn.Module], *, seed: int = 0):
        self.metrics, self.seed = metrics, seed
        for name, metric in metrics.items():
            if metric.edits:
                raise ValueError(
                    f"metric {name} looks at draws of edited captions, which no data set "
                    "here provides"
                )

    def reset(self) -> None:
        """Forget what was seen."""
        for metric in self.metrics.values():
            metric.reset()

    @torch.no_grad()
    def update(self, pipeline: TextToImagePipeline, batch: Batch) -> None:
        """Draw for one batch, as many per caption as any metric looks at, and show it to all."""
        if not self.metrics:
            return
        k = max(metric.draws_per_caption for metric in self.metrics.values())
        images = pipeline(
            batch.captions,
            num_images_per_prompt=k,
            seed=self.seed,
            indices=batch.index.tolist(),
            output_type="pt",
        ).images
        evaluation = Evaluation(batch.captions, batch.images.float(), images.unflatten(0, (-1, k)))
        for metric in self.metrics.values():
            metric.to(images.device).update(evaluation)

    def compute(self) -> dict[str, float]:
        """`metric/name` -> value, over all batches of all processes."""
        values = {}
        for name, metric in self.metrics.items():
            for key, value in metric.compute().items():
                values[f"{name}/{key}" if key != name else name] = float(value)
        return values
