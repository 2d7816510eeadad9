"""What metrics share that look at pictures through a net."""

from collections.abc import Callable

from torch import Tensor, nn

from textgan.metric.base import Metric

PICTURES = {"real": "real pictures", "draws": "draws", "edited": "draws of edited captions"}
"""What a picture is called in an error, by the attribute of `Evaluation` that it is from."""


class NetMetric(Metric):
    """A metric that holds a net and trains nothing of it.

    Args:
        net: it is set to eval mode, and stays out of `state_dict()` and `parameters()`;
            `to(device)` moves it. If it has a `load`, `prepare` calls it.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self._hidden = (net.eval(),)  # no submodule: no state dict, optimizer or DDP sees it

    @property
    def net(self) -> nn.Module:
        """The net."""
        return self._hidden[0]

    def prepare(self) -> None:
        """Load the net's weights; `MissingWeightsError` where there are none."""
        if callable(getattr(self.net, "load", None)):
            self.net.load()

    def check_finite(self, images: Tensor, kind: str) -> None:
        """A ValueError where some of the pictures (..., C, H, W) have NaN or infinite pixels.

        Args:
            images: the pictures.
            kind: "real", "draws" or "edited".
        """
        finite = images.isfinite().flatten(-3).all(-1)
        if not finite.all():
            broken = f"{int((~finite).sum())} of {finite.numel()} {PICTURES[kind]}"
            raise ValueError(
                f"{type(self).__name__} needs finite pixels, and got NaN or inf in {broken}"
            )

    def _apply(self, fn: Callable[[Tensor], Tensor], exclude_state: tuple[str, ...] = ()) -> Metric:
        self.net._apply(fn)
        return super()._apply(fn, exclude_state)
