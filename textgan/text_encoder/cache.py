"""A cache of the states that a frozen net computed for captions."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

import torch
from rich.progress import track
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

_MANY = 500  # captions from which on reading them takes seconds
_BATCH = 128


class CaptionCache(nn.Module):
    """Keeps the states of captions, so that a frozen net computes each caption once.

    States stay on the device where they were computed, without gradients and without autocast: in
    the precision of the weights, so that features do not depend on the mode of the first caller.
    (Autocast could save time only on captions that are computed for the first time.)

    The cache is a module, so that moving or loading the net that holds it empties it; it has no
    weights and no state. Copies and pickles of it are empty. Several threads may use it at once.

    Args:
        megabytes: 10^6 bytes of states to keep at most; the least recently used go first. 0 keeps
            nothing.

    Raises:
        ValueError: `megabytes` is negative.
    """

    def __init__(self, megabytes: int):
        super().__init__()
        if megabytes < 0:
            raise ValueError(f"cache_megabytes must be at least 0, got {megabytes}")
        self.megabytes = megabytes
        self._lock = Lock()  # held to look up or change the rows, not to compute them
        self.clear()

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._rows: dict[str, Tensor] = {}  # the least recently used first
        self._bytes = 0
        self._weights: list[tuple[int, int]] = []

    def get_or_compute(
        self,
        captions: list[str],
        compute: Callable[[list[str]], tuple[Tensor, Tensor]],
        *,
        weights: Iterable[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """B captions -> states (B, L, D) and mask (B, L) bool, words first, 0 behind them.

        Args:
            captions: those that are not in the cache are computed, each once, in one batch.
            compute: captions -> states and mask; a caption's must not depend on the other captions.
            weights: of the net that computes, one or more. The cache is emptied when one of them
                was replaced or written to; only a write through `Tensor.data` is not noticed.

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
            # `_version` is private to torch; test_cache.py fails should it stop counting writes.
            version = [(weight.data_ptr(), weight._version) for weight in weights]
            with self._lock:
                if version != self._weights:
                    self._clear()
                    self._weights = version
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

    def fill(
        self,
        captions: Iterable[str],
        compute: Callable[[list[str]], tuple[Tensor, Tensor]],
        *,
        weights: Iterable[Tensor],
        shown: bool = True,
    ) -> None:
        """Compute captions until the cache is full, short ones first.

        The arguments are those of `get_or_compute`, and `shown`: whether many captions show a
        progress bar.
        """
        weights, different = (
            list(weights),
            sorted(set(captions), key=lambda text: (len(text), text)),
        )
        if not self.megabytes:
            return
        batches = [different[i : i + _BATCH] for i in range(0, len(different), _BATCH)]
        title, hidden = (
            f"features of {len(different):,} captions",
            len(different) < _MANY or not shown,
        )
        for batch in track(batches, title, transient=True, disable=hidden):
            self.get_or_compute(batch, compute, weights=weights)
            if different[0] not in self._rows:  # it is full, and the first ones were replaced
                return

    def _keep(self, rows: dict[str, Tensor]) -> None:
        """Add rows as the most recently used, then remove the least recently used ones."""
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
    return states, torch.arange(states.shape[1], device=states.device) < lengths[:, None]
