"""Share of samples whose own caption a judge finds among other captions."""

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from textgan.errors import TooFewError
from textgan.metric.interval import share
from textgan.metric.judged import JudgedMetric
from textgan.metric.order import caption_ids, index_of
from textgan.seed import seed_from
from textgan.types import Evaluation, Measurement

_ROUNDING = 1e-9  # of a cosine in float64
_CHUNK = 64


class RPrecision(JudgedMetric):
    """R-precision with R = 1 (Xu et al., AttnGAN, CVPR 2018, section 4).

    The first sample of each caption is compared with its caption and `others` captions, which are
    chosen at random from the captions of the evaluation that are not equal to it. It is right if
    its own caption has the highest cosine similarity to it by the judge's encodings. A tie is
    wrong, so a judge that scores all captions alike gives 0. Chance is 1 / (others + 1).

    Seed, index and caption alone decide the choice. It is among the captions of the evaluation, so
    compare values over the same captions only.

    Args:
        judge: as in `JudgedMetric`. AttnGAN used the network that its generator was trained
            against, which gives too high values.
        others: number of wrong captions.
        groups: number of parts that the spread is computed over.
        seed: keys the choice of the wrong captions.
    """

    def __init__(self, judge: nn.Module, *, others: int = 99, groups: int = 10, seed: int = 0):
        super().__init__(judge)
        if others < 1 or groups < 2:
            rule = "others must be at least 1, and groups at least 2"
            raise ValueError(f"{rule}, got {others} and {groups}")
        self.others, self.groups, self.seed = others, groups, seed
        self.add_lists("draws", "real", "texts", "caption_ids", "index")

    def update(self, evaluation: Evaluation) -> None:
        """Add captions, the first samples (B, C, H, W) and, where there are any, real images.

        Raises:
            ValueError: some images have NaN or infinite pixels.
        """
        self.draws.append(self.encode_images(evaluation, "draws"))
        if evaluation.real is not None:
            self.real.append(self.encode_images(evaluation, "real"))
        self.texts.append(self.encode_captions(evaluation))
        self.caption_ids.append(caption_ids(evaluation))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`r_precision`, `real` where there are real images, and "n" samples.

        They are shares in [0, 1] with Wilson's 95 % interval. The spread is the standard deviation
        over `groups` parts, as AttnGAN's over ten (divided by their number, not by one less); the
        captions, sorted by a hash, are assigned to them in turn. None with fewer captions.

        Raises:
            TooFewError: there are fewer different captions than `others` + 1.
        """
        ids, index = (
            dim_zero_cat(x).cpu().numpy() if len(x) else np.zeros(0, np.int64)
            for x in (self.caption_ids, self.index)
        )
        order = np.lexsort((index, ids))
        ids, index = ids[order], index[order]
        _, first, rows = np.unique(ids, return_index=True, return_inverse=True)
        if len(first) <= self.others:
            raise TooFewError(
                f"RPrecision needs at least {self.others + 1} different captions, got {len(first)}"
            )
        texts = dim_zero_cat(self.texts)[order[first]]  # (different captions, D)
        choices = torch.from_numpy(self._choices(ids, index, rows, len(first)))
        values = {}
        for name, states in (("r_precision", self.draws), ("real", self.real)):
            if len(states):
                images = dim_zero_cat(states)[order]
                values[name] = self._measured(_is_right(images, texts, choices).cpu())
        return values | {"n": float(len(ids))}

    def _choices(self, ids: np.ndarray, index: np.ndarray, own: np.ndarray, n: int) -> np.ndarray:
        """(captions, 1 + others): the row of a caption's own text, then those of the others."""
        rows = np.empty((len(ids), 1 + self.others), np.int64)
        rows[:, 0] = own
        for row, key in zip(rows, zip(index.tolist(), ids.tolist(), strict=True), strict=True):
            generator = np.random.default_rng(seed_from(self.seed, *key))
            chosen = generator.choice(n - 1, self.others, replace=False, shuffle=False)
            row[1:] = chosen + (chosen >= row[0])  # skips its own
        return rows

    def _measured(self, right: Tensor) -> Measurement:
        found = share(right)
        if found.n >= self.groups:
            shares = [right[group :: self.groups].double().mean() for group in range(self.groups)]
            found.spread = float(torch.stack(shares).std(correction=0))
        return found


def _is_right(images: Tensor, texts: Tensor, choices: Tensor) -> Tensor:
    """(B,) bool: whether the text of the first choice is the most similar one.

    Args:
        images: (B, D) unit encodings.
        texts: (U, D) unit encodings.
        choices: (B, 1 + others) rows of `texts` for each image.
    """
    right = []
    for part, rows in zip(images.split(_CHUNK), choices.split(_CHUNK), strict=True):
        candidates = texts[rows.to(texts.device)].double()  # (b, 1 + others, D)
        cosines = torch.einsum("bkd,bd->bk", candidates, part.double())
        right.append(cosines[:, 0] > cosines[:, 1:].amax(1) + _ROUNDING)
    return torch.cat(right)
