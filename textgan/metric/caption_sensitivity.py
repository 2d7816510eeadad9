"""Whether a draw changes with one word of its caption."""

from torch import nn

from textgan.metric.feature import FeatureMetric
from textgan.metric.order import by_index, index_of
from textgan.metric.yardstick import caption_ids, measured
from textgan.types import Evaluation


class CaptionSensitivity(FeatureMetric):
    """How far a draw moves, in features, when one word of its caption is changed.

    `distance` is the Euclidean distance between the first draw of a caption and the draw of the
    same noise for the edited caption, averaged over captions; its scale is the extractor's. A
    caption in which no word could be changed counts with about 0. `relative` is that over the mean
    distance between the first draws of neighbouring captions in the data set (the last beside the
    first) that are not equal: 0 where the caption is ignored. Whether the right thing changed it
    does not say.

    Args:
        extractor: as in `FeatureMetric`.
    """

    edits = True

    def __init__(self, extractor: nn.Module):
        super().__init__(extractor)
        for name in ("distances", "first", "captions", "index"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, evaluation: Evaluation) -> None:
        """Take in captions, draws (B, k, C, H, W) and `edited` ones (B, C, H, W)."""
        first = self.features(evaluation, "draws")[:, 0]  # (B, D)
        edited = self.features(evaluation, "edited")  # (B, D)
        self.distances.append((first.double() - edited.double()).norm(dim=1))
        self.first.append(first)
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
        return measured(*states, metric="CaptionSensitivity")
