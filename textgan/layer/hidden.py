"""A network that its holder does not register as a submodule."""

from collections.abc import Callable

from torch import Tensor, nn


class Hidden(nn.Module):
    """Holds a network that is no submodule, and is moved by `to(device)`.

    So the network is left out of state dicts, optimizers, averages and DDP, and `train()` does not
    reach it.

    Args:
        net: set to eval mode.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self._hidden = (net.eval(),)  # a tuple, since nn.Module registers modules alone

    @property
    def net(self) -> nn.Module:
        """The network."""
        return self._hidden[0]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Hidden":
        self.net._apply(fn, recurse)
        return super()._apply(fn, recurse)
