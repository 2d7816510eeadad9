"""Base class of metrics that hold a network."""

from torch import Tensor, nn

from textgan.layer.hidden import Hidden
from textgan.metric.base import Metric

IMAGES = {"real": "real images", "draws": "samples", "edited": "samples of edited captions"}
"""Attribute of `Evaluation` -> its name in an error."""


class NetMetric(Metric):
    """A metric that holds a network and does not train it.

    Args:
        net: it is set to eval mode, and stays out of `state_dict()` and `parameters()`;
            `to(device)` moves it. If it has a `load`, `prepare` calls it.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.hidden = Hidden(net)

    @property
    def net(self) -> nn.Module:
        return self.hidden.net

    def prepare(self) -> None:
        """Load the network's weights; a `MissingWeightsError` where there are none."""
        if callable(getattr(self.net, "load", None)):
            self.net.load()

    def check_finite(self, images: Tensor, kind: str) -> None:
        """Raise ValueError where some of the images (..., C, H, W) have NaN or infinite pixels.

        Args:
            images: the images.
            kind: "real", "draws" or "edited".
        """
        finite = images.isfinite().flatten(-3).all(-1)
        if not finite.all():
            broken = f"{int((~finite).sum())} of {finite.numel()} {IMAGES[kind]}"
            raise ValueError(
                f"{type(self).__name__} needs finite pixels, got NaN or inf in {broken}"
            )
