"""What a frozen net made of captions, kept."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence


class CaptionCache(nn.Module):
    """Caption -> its states, where it was read before; so a net that does not train reads it once.

    What is kept lies where it was computed, without gradients, and without autocast: in the
    weights' own precision, so that features do not depend on who asked first. (Autocast could save
    time only on captions that are read for the first time.)

    A module, so that moving or loading the net around it empties it; it has no weights and no
    state. Copies of it, and pickles, are empty. Several threads may ask it at once.

    Args:
        megabytes: 10^6 bytes of states that are kept at most; what was asked for longest ago goes
            first. 0 keeps nothing.

    Raises:
        ValueError: `megabytes` is negative.
    """

    def __init__(self, megabytes: int):
        super().__init__()
        if megabytes < 0:
            raise ValueError(f"cache_megabytes must be at least 0, got {megabytes}")
        self.megabytes = megabytes
        self._lock = Lock()  # held while the rows are looked up or changed, not while one computes
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, Tensor] = {}  # the one asked for longest ago first
        self._bytes = 0
        self._weights: list[tuple[int, int]] = []

    def get_or_compute(
        self,
        captions: list[str],
        compute: Callable[[list[str]], tuple[Tensor, Tensor]],
        *,
        weights: Iterable[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """B captions -> states (B, L, D) and mask (B, L) bool, real words first, 0 behind them.

        Args:
            captions: only those that are not here are computed, each once, in one batch.
            compute: captions -> states and mask; a caption's must not depend on those beside it.
            weights: of the net that computes, one or more. Everything is forgotten where one of
                them was replaced or written to; only a write through `Tensor.data` goes unseen.

        Raises:
            TypeError: `captions` is one string.
        """
        if isinstance(captions, str):
            raise TypeError(f"captions must be a list of strings, got the string {captions!r:.80}")
        weights = list(weights)
        with torch.no_grad(), torch.autocast(weights[0].device.type, enabled=False):
            # An inference tensor does not count the writes to it.
            if not captions or not self.megabytes or any(w.is_inference() for w in weights):
                return compute(captions)
            version = [(weight.data_ptr(), weight._version) for weight in weights]
            with self._lock:
                self._renew(version)
                rows = {caption: self._rows.get(caption) for caption in captions}
            missing = [caption for caption, row in rows.items() if row is None]
            if missing:
                states, mask = compute(missing)
                split = states[mask].split(mask.sum(1).tolist())  # each (L of the caption, D)
                rows.update(zip(missing, (row.clone() for row in split), strict=True))
            with self._lock:
                if version == self._weights:  # no other thread came with other weights meanwhile
                    self._keep(rows)
            return _padded([rows[caption] for caption in captions])

    def _renew(self, weights: list[tuple[int, int]]) -> None:
        """Forget what other weights made, or these before they were written to."""
        if weights != self._weights:
            self._forget()
            self._weights = weights

    def _keep(self, rows: dict[str, Tensor]) -> None:
        """Take these in as the latest, then throw out the oldest until there is room."""
        for caption, row in rows.items():
            if self._rows.pop(caption, None) is None:
                self._bytes += row.nbytes
            self._rows[caption] = row
        while self._bytes > 1_000_000 * self.megabytes:
            self._bytes -= self._rows.pop(next(iter(self._rows))).nbytes

    def __reduce__(self) -> tuple[type["CaptionCache"], tuple[int]]:
        return type(self), (self.megabytes,)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "CaptionCache":
        self.clear()
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *given: Any) -> None:
        self.clear()
        super()._load_from_state_dict(*given)


def _padded(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """B rows (L_i, D) -> (B, L, D) and mask (B, L), L the longest."""
    states = pad_sequence(rows, batch_first=True)  # copies, so rows of inference mode may train too
    lengths = torch.tensor([len(row) for row in rows], device=states.device)
    place = torch.arange(states.shape[1], device=states.device)
    return states, place < lengths[:, None]
