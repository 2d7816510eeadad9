"""Early signs of a collapse in the training log."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from textgan.errors import ConfigError
from textgan.types import Batch


class CollapseRadar(pl.Callback):
    """Measures whether samples still depend on the noise and on the caption; warns if they do not.

    With each row of the log, it generates samples of some captions of the batch with the averaged
    weights, each caption with the same noises, and logs the standard deviation of a pixel

    - over the noises of a caption, `train/deviation/noise`,
    - over the captions of a noise, `train/deviation/captions`,
    - over the real images of the batch, `train/deviation/real`.

    A generator whose noise deviation goes to 0 generates one image for each caption (mode
    collapse). One whose caption deviation goes to 0 ignores its captions. If one of them is below
    `threshold` times the deviation of real images in `patience` rows one after the other, one
    warning says so.

    Args:
        captions: greatest number of captions.
        noises: number of noises of each caption.
        threshold: in units of the real images' deviation; 0 never warns.
        patience: rows of the log.
        start: share of the training before which nothing is judged, in [0, 1].
        seed: keys the noise.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(
        self,
        *,
        captions: int = 4,
        noises: int = 4,
        threshold: float = 0.02,
        patience: int = 3,
        start: float = 0.2,
        seed: int = 0,
    ):
        for name, number in (("captions", captions), ("noises", noises)):
            if number < 2:
                raise ValueError(f"{name} must be at least 2, got {number}")
        if threshold < 0:
            raise ValueError(f"threshold must be at least 0, got {threshold}")
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}")
        if not 0 <= start <= 1:
            raise ValueError(f"start must be within [0, 1], got {start}")
        self.captions, self.noises, self.seed = captions, noises, seed
        self.threshold, self.patience, self.start = threshold, patience, start
        self._rows = {"noise": 0, "captions": 0}  # low rows one after the other
        self._warned: set[str] = set()

    def state_dict(self) -> dict[str, Any]:
        """Counts and warnings until now, so that a resumed run does not warn again."""
        return {"rows": dict(self._rows), "warned": sorted(self._warned)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._rows, self._warned = dict(state_dict["rows"]), set(state_dict["warned"])

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        if (batch_idx + 1) % trainer.log_every_n_steps:
            return
        pipeline = pl_module.pipeline()
        if "sample" not in pipeline.abilities:
            raise ConfigError(
                "collapse_radar needs a model that generates images: leave it out of callback"
            )
        data = trainer.datamodule
        real = batch.images
        if data is not None and data.keeps_features:  # then the batch has no pixels
            real = next(data.each_process("train", limit=len(batch))).images
        found = self.measure(pipeline, batch.captions, real)
        named = {f"train/deviation/{name}": value for name, value in found.items()}
        # Lightning takes the row's x-axis from `step`.
        named["step"] = float(pl_module.images_seen)
        pl_module.log_dict(named, batch_size=len(batch))
        if pl_module.progress >= self.start:
            self._judge(found)

    def measure(self, pipeline: Any, captions: list[str], real: Tensor) -> dict[str, float]:
        """The deviations over noise, captions and real images, in units of [-1, 1].

        That over captions is left out where there is one caption only, and that over real images
        where there is one image.

        Args:
            pipeline: generates samples.
            captions: of a batch.
            real: images (B, C, H, W).
        """
        captions = list(dict.fromkeys(c for c in captions if c))[: self.captions]
        found = {}
        if captions:
            samples = pipeline.sample(
                [caption for caption in captions for _ in range(self.noises)],
                seed=self.seed,
                indices=[*range(self.noises)] * len(captions),
            ).unflatten(0, (len(captions), self.noises))  # (captions, noises, C, H, W)
            found["noise"] = _deviation(samples, 1)
            if len(captions) > 1:
                found["captions"] = _deviation(samples, 0)
        if len(real) > 1:
            found["real"] = _deviation(real.float(), 0)
        return found

    def _judge(self, found: dict[str, float]) -> None:
        for name, sentence in _SENTENCES.items():
            if name not in found or "real" not in found:
                continue
            low = found[name] < self.threshold * found["real"]
            self._rows[name] = self._rows[name] + 1 if low else 0
            if self._rows[name] >= self.patience and name not in self._warned:
                self._warned.add(name)
                rank_zero_warn(sentence.format(found[name], found["real"]))


_SENTENCES = {
    "noise": (
        "the samples of a caption hardly differ: the standard deviation of a pixel over the noise "
        "is {:.4f}, over real images {:.2f}. The noise is ignored. That is right only where each "
        "caption has one image"
    ),
    "captions": (
        "samples of different captions hardly differ: the standard deviation of a pixel over the "
        "captions is {:.4f}, over real images {:.2f}. The captions are ignored"
    ),
}


def _deviation(images: Tensor, dim: int) -> float:
    """The root of the mean variance over `dim`."""
    return float(torch.var(images, dim=dim).mean().sqrt())
