"""Change of a sample when one word of its caption is changed."""

from textgan.metric.relative_distance import RelativeDistance
from textgan.types import Evaluation


class CaptionSensitivity(RelativeDistance):
    """Distance in feature space that a sample moves when one word of its caption is changed.

    `distance` is the Euclidean distance between the first sample of a caption and the sample of the
    edited caption with the same noise, averaged over captions; its scale is the extractor's. A
    caption in which no word could be changed counts with about 0. `relative` is `distance` divided
    by the mean distance between the first samples of neighbouring captions of the data set that are
    not equal: 0 where the caption is ignored. Neither value tells whether the right thing changed.

    Args:
        extractor: as in `FeatureMetric`.
    """

    edits = True

    def update(self, evaluation: Evaluation) -> None:
        """Add captions, samples (B, k, C, H, W) and samples of edited captions (B, C, H, W)."""
        first = self.features(evaluation, "draws")[:, 0]  # (B, D)
        edited = self.features(evaluation, "edited")  # (B, D)
        self.add(evaluation, (first.double() - edited.double()).norm(dim=1), first)
