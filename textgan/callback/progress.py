"""Progress of a training in images, and of an evaluation in batches."""

import time
from collections import deque
from collections.abc import Iterator, Sized
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

_UNSHOWN = ("step", "train/learning_rate/", "train/gradient_norm/")
"""Prefixes of logged values that the bar leaves out for lack of space."""


class Progress(ProgressBar):
    """Shows images seen of `total_images`, images a second, time left and the logged values.

    Validation, test and prediction on their own show their batches and the time left. On a terminal
    it is a bar; elsewhere (a log file, CI) a line is written at intervals.

    Args:
        seconds_between_lines: interval of the lines where the output is no terminal.
    """

    def __init__(self, *, seconds_between_lines: float = 30.0):
        super().__init__()
        self.seconds_between_lines = seconds_between_lines
        self._enabled = True
        self._console: Console | None = None
        self._bar: RichProgress | None = None
        self._marks: deque[tuple[float, int]] = deque(maxlen=200)
        self._next_line = 0.0
        self._batches = 0  # of a validation, test or prediction
        self._total = 0

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    def print(self, *words: Any, **options: Any) -> None:
        if self._console is not None:
            self._console.print(*words)
        else:
            print(*words)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._enabled:
            return
        self._begin(int(pl_module.images_seen), pl_module.budget.total_images)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        if self._is_time():
            self._marks.append((time.monotonic(), int(pl_module.images_seen)))
            self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._enabled:
            self._marks.append((time.monotonic(), int(pl_module.images_seen)))
            self._show(trainer, pl_module)
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._stop()

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit":  # during a training its own bar stays
            self._begin(0, sum(trainer.num_val_batches))

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.state.fn != "fit":
            self._count_batch(sum(trainer.num_val_batches))

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != "fit":
            self._stop()

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin(0, sum(trainer.num_test_batches))

    def on_test_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._count_batch(sum(trainer.num_test_batches))

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop()

    def watch(self, batches: Sized, what: str) -> Iterator[Any]:
        """Yield the batches and show their progress; afterwards the outer bar goes on."""
        outer = (self._marks[-1][1], self._total) if self._console is not None else None
        self._stop()
        self._begin(0, len(batches))
        for batch in batches:
            yield batch
            self._count_batch(len(batches), unit=f"batches of {what}")
        self._stop()
        if outer is not None:
            self._begin(*outer)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._begin(0, sum(trainer.num_predict_batches))

    def on_predict_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._count_batch(sum(trainer.num_predict_batches))

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._stop()

    def _begin(self, done: int, total: int) -> None:
        if not self._enabled:
            return
        self._batches, self._total = 0, total
        self._marks.clear()
        self._marks.append((time.monotonic(), done))
        self._console = Console()
        if self._console.is_terminal:
            one_line = Column(no_wrap=True, overflow="ellipsis")
            text = TextColumn("{task.description}", table_column=one_line)
            columns = (BarColumn(bar_width=20), text)
            self._bar = RichProgress(*columns, console=self._console, refresh_per_second=4)
            self._bar.add_task("", total=total, completed=done)
            self._bar.start()
        self._next_line = time.monotonic() + self._pause()

    def _is_time(self) -> bool:
        now = time.monotonic()
        if not self._enabled or now < self._next_line:
            return False
        self._next_line = now + self._pause()
        return True

    def _count_batch(self, total: int, *, unit: str = "batches") -> None:
        self._batches += 1
        if self._is_time():
            self._marks.append((time.monotonic(), self._batches))
            self._tell(progress_line(self._marks, total, {}, unit=unit))

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell(progress_line(self._marks, pl_module.budget.total_images, self._values(trainer)))

    def _tell(self, line: str) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._marks[-1][1], description=line)
        else:
            print(line, flush=True)

    def _pause(self) -> float:
        return 0.5 if self._bar is not None else self.seconds_between_lines

    def _values(self, trainer: pl.Trainer) -> dict[str, float]:
        chosen = trainer.progress_bar_metrics or trainer.logged_metrics
        losses = {name: value for name, value in chosen.items() if not name.startswith(_UNSHOWN)}
        return {name.removeprefix("train/"): float(value) for name, value in losses.items()}

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._console = None


def progress_line(
    marks: deque[tuple[float, int]],
    total: int,
    values: dict[str, float],
    *,
    unit: str = "images",
) -> str:
    """A line from marks (seconds, units done); the speed is the average from first to last."""
    (begin, first), (end, seen) = marks[0], marks[-1]
    parts = [f"{seen:,} of {total:,} {unit}"]
    if end > begin and seen > first:
        speed = (seen - first) / (end - begin)
        rate = [f"{speed:.0f} {unit}/s"] if unit == "images" else []
        parts += [*rate, f"{clock(max(total - seen, 0) / speed)} left"]
    return ", ".join(parts + [f"{name} {value:.4g}" for name, value in values.items()])


def clock(seconds: float) -> str:
    """Seconds as 0:05, 12:34 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
