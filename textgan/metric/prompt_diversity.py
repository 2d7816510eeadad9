"""Whether the draws of a caption differ from one another."""

import torch
from torch import nn

from textgan.metric.feature import FeatureMetric
from textgan.metric.order import by_index, index_of
from textgan.metric.yardstick import caption_ids, measured
from textgan.types import Evaluation


class PromptDiversity(FeatureMetric):
    """How far apart the draws of one caption are, in features.

    `distance` is the Euclidean distance between two draws of a caption, averaged over all pairs of
    them and over captions; its scale is the extractor's. `relative` is that over the mean distance
    between the first draws of neighbouring captions in the data set (the last beside the first)
    that are not equal: 0 where the noise is ignored, 1 where draws of a caption differ as much as
    those of different captions.

    Args:
        extractor: as in `FeatureMetric`.
        draws: how many draws of each caption.

    Raises:
        ValueError: `draws` is less than 2.
    """

    def __init__(self, extractor: nn.Module, *, draws: int = 4):
        super().__init__(extractor)
        if draws < 2:
            raise ValueError(f"draws must be at least 2, got {draws}")
        self.draws = self.draws_per_caption = draws
        for name in ("distances", "first", "captions", "index"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, evaluation: Evaluation) -> None:
        """Take in captions and draws (B, k, C, H, W); a ValueError where k is less than `draws`."""
        features = self.features(evaluation, "draws")  # (B, draws, D)
        if features.shape[1] < self.draws:
            raise ValueError(
                f"PromptDiversity looks at {self.draws} draws of a caption, got {features.shape[1]}"
            )
        x = features.double()
        apart = torch.cdist(
            x, x, compute_mode="donot_use_mm_for_euclid_dist"
        )  # equal ones are at 0
        self.distances.append(apart.sum((1, 2)) / (self.draws * (self.draws - 1)))  # (B,)
        self.first.append(features[:, 0])
        self.captions.append(caption_ids(evaluation))
        self.index.append(index_of(evaluation))

    def compute(self) -> dict[str, float]:
        """`distance`, `relative`, and "n" captions, over all processes.

        The interval of the distance is from its standard error over captions, that of the ratio
        from the jackknife's. `relative` is left out where all captions or all first draws are
        equal.

        Raises:
            TooFewError: there are fewer than three captions.
        """
        states = by_index(self.index, self.distances, self.first, self.captions)
        return measured(*states, metric="PromptDiversity")
