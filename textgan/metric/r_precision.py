"""How often a judge finds the caption of a draw among others."""

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.utilities import dim_zero_cat

from textgan.errors import TooFewError
from textgan.metric.interval import wilson
from textgan.metric.judged import JudgedMetric
from textgan.metric.order import index_of
from textgan.metric.yardstick import caption_ids
from textgan.seed import seed_from
from textgan.types import Evaluation, Measurement

_ROUNDING = 1e-9  # of a cosine in float64
_CHUNK = 64


class RPrecision(JudgedMetric):
    """R-precision with R = 1 (Xu et al., AttnGAN, CVPR 2018, section 4).

    The first draw of each caption is put beside its caption and `others`, drawn at random from the
    different captions of the evaluation that are not equal to it. It is right if its own has the
    highest cosine similarity in the judge's eyes; a tie is wrong, so that a judge that finds all
    alike scores 0. Chance is 1 / (others + 1).

    Which others is decided by seed, index and caption alone. They are drawn from the captions at
    hand, so compare over the same captions only.

    Args:
        judge: as in `JudgedMetric`. AttnGAN's was the net that its generator was trained to please,
            which flatters.
        others: how many wrong captions.
        groups: parts that the spread is over.
        seed: keys the choice of the others.
    """

    def __init__(self, judge: nn.Module, *, others: int = 99, groups: int = 10, seed: int = 0):
        super().__init__(judge)
        if others < 1 or groups < 2:
            rule = "others must be at least 1, and groups at least 2"
            raise ValueError(f"{rule}, got {others} and {groups}")
        self.others, self.groups, self.seed = others, groups, seed
        for name in ("draws", "real", "texts", "caption_ids", "index"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, evaluation: Evaluation) -> None:
        """Take in captions, the first draws (B, C, H, W) and, where there are any, real pictures.

        Raises:
            ValueError: some pictures have NaN or infinite pixels.
        """
        self.draws.append(self.pictures_encoded(evaluation, "draws"))
        if evaluation.real is not None:
            self.real.append(self.pictures_encoded(evaluation, "real"))
        self.texts.append(self.captions_encoded(evaluation))
        self.caption_ids.append(caption_ids(evaluation))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`r_precision`, `real` where there are real pictures, and "n" draws.

        Shares in [0, 1] with Wilson's 95 % interval. The spread is the standard deviation over
        `groups` parts, as AttnGAN's ten (divided by their number, not by one less); the captions,
        sorted by a hash, are dealt into them in turn. None where there are fewer captions.

        Raises:
            TooFewError: there are fewer different captions than `others` + 1.
        """
        ids, index = (
            dim_zero_cat(x).cpu().numpy() if len(x) else np.zeros(0, np.int64)
            for x in (self.caption_ids, self.index)
        )
        order = np.lexsort((index, ids))
        ids, index = ids[order], index[order]
        _, first, place = np.unique(ids, return_index=True, return_inverse=True)
        if len(first) <= self.others:
            raise TooFewError(
                f"RPrecision needs at least {self.others + 1} different captions, got {len(first)}"
            )
        texts = dim_zero_cat(self.texts)[order[first]]  # (different captions, D)
        choices = torch.from_numpy(self._choices(ids, index, place, len(first)))
        values = {}
        for name, states in (("r_precision", self.draws), ("real", self.real)):
            if len(states):
                pictures = dim_zero_cat(states)[order]
                values[name] = self._measured(_is_right(pictures, texts, choices).cpu())
        return values | {"n": float(len(ids))}

    def _choices(self, ids: np.ndarray, index: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
        """(captions, 1 + others): the row of a caption's own text, then those of others."""
        rows = np.empty((len(ids), 1 + self.others), np.int64)
        rows[:, 0] = place
        for row, key in zip(rows, zip(index.tolist(), ids.tolist(), strict=True), strict=True):
            generator = np.random.default_rng(seed_from(self.seed, *key))
            drawn = generator.choice(n - 1, self.others, replace=False, shuffle=False)
            row[1:] = drawn + (drawn >= row[0])  # all but its own
        return rows

    def _measured(self, right: Tensor) -> Measurement:
        n, count = len(right), int(right.sum())
        low, high = wilson(count, n)
        spread = None
        if n >= self.groups:
            shares = [right[group :: self.groups].double().mean() for group in range(self.groups)]
            spread = float(torch.stack(shares).std(correction=0))
        return Measurement(count / n, n=n, low=low, high=high, spread=spread)


def _is_right(pictures: Tensor, texts: Tensor, choices: Tensor) -> Tensor:
    """Does the text of the first row fit best?

    Args:
        pictures: (B, D) unit encodings.
        texts: (U, D) unit encodings.
        choices: (B, 1 + others) rows of `texts` for each picture.

    Returns:
        (B,) bool.
    """
    right = []
    for part, rows in zip(pictures.split(_CHUNK), choices.split(_CHUNK), strict=True):
        candidates = texts[rows.to(texts.device)].double()  # (b, 1 + others, D)
        cosines = torch.einsum("bkd,bd->bk", candidates, part.double())
        right.append(cosines[:, 0] > cosines[:, 1:].amax(1) + _ROUNDING)
    return torch.cat(right)
