"""Difference between the samples of one caption."""

import torch
from torch import nn

from textgan.metric.relative_distance import RelativeDistance
from textgan.types import Evaluation


class PromptDiversity(RelativeDistance):
    """Distance in feature space between the samples of one caption.

    `distance` is the Euclidean distance between two samples of a caption, averaged over all pairs
    of them and over captions; its scale is the extractor's. `relative` is `distance` divided by the
    mean distance between the first samples of neighbouring captions of the data set that are not
    equal: 0 where the noise is ignored, 1 where samples of one caption differ as much as those of
    different captions.

    Args:
        extractor: as in `FeatureMetric`.
        draws: number of samples of each caption.

    Raises:
        ValueError: `draws` is less than 2.
    """

    def __init__(self, extractor: nn.Module, *, draws: int = 4):
        super().__init__(extractor)
        if draws < 2:
            raise ValueError(f"draws must be at least 2, got {draws}")
        self.draws = self.draws_per_caption = draws

    def update(self, evaluation: Evaluation) -> None:
        """Add captions and samples (B, k, C, H, W); a ValueError where k is less than `draws`."""
        features = self.features(evaluation, "draws")  # (B, draws, D)
        if features.shape[1] < self.draws:
            raise ValueError(
                f"PromptDiversity needs {self.draws} samples of a caption, got {features.shape[1]}"
            )
        x = features.double()
        # A matrix product would not put equal samples at distance 0.
        apart = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
        distances = apart.sum((1, 2)) / (self.draws * (self.draws - 1))  # (B,)
        self.add(evaluation, distances, features[:, 0])
