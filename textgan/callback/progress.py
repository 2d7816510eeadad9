"""How far the run is, in images."""

import time
from collections import deque
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column


class Progress(ProgressBar):
    """Images seen of `total_images`, images a second, time left and the values that training logs.

    On a terminal it is a bar; elsewhere (a log file, CI) a line now and then.

    Args:
        seconds_between_lines: how often a line is written where the output is no terminal.
    """

    def __init__(self, *, seconds_between_lines: float = 30.0):
        super().__init__()
        self.seconds_between_lines = seconds_between_lines
        self._enabled = True
        self._console: Console | None = None
        self._bar: RichProgress | None = None
        self._marks: deque[tuple[float, int]] = deque(maxlen=200)
        self._next_line = 0.0

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
        seen = int(pl_module.images_seen)
        self._marks.clear()
        self._marks.append((time.monotonic(), seen))
        self._console = Console()
        if self._console.is_terminal:
            one_line = Column(no_wrap=True, overflow="ellipsis")
            text = TextColumn("{task.description}", table_column=one_line)
            columns = (BarColumn(bar_width=20), text)
            self._bar = RichProgress(*columns, console=self._console, refresh_per_second=4)
            self._bar.add_task("", total=pl_module.total_images, completed=seen)
            self._bar.start()
        self._next_line = time.monotonic() + self._pause()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        now = time.monotonic()
        if not self._enabled or now < self._next_line:
            return
        self._next_line = now + self._pause()
        self._marks.append((now, int(pl_module.images_seen)))
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

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        line = progress_line(self._marks, pl_module.total_images, self._values(trainer))
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._marks[-1][1], description=line)
        else:
            print(line, flush=True)

    def _pause(self) -> float:
        return 0.5 if self._bar is not None else self.seconds_between_lines

    def _values(self, trainer: pl.Trainer) -> dict[str, float]:
        chosen = trainer.progress_bar_metrics or trainer.logged_metrics
        losses = {name: value for name, value in chosen.items() if name != "step"}
        return {name.removeprefix("train/"): float(value) for name, value in losses.items()}

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._console = None


def progress_line(
    marks: deque[tuple[float, int]], total_images: int, values: dict[str, float]
) -> str:
    """One line out of (seconds, images seen) marks; the speed is from the first to the last."""
    (begin, first), (end, seen) = marks[0], marks[-1]
    parts = [f"{seen:,} of {total_images:,} images"]
    if end > begin and seen > first:
        speed = (seen - first) / (end - begin)
        parts += [f"{speed:.0f} images/s", f"{clock(max(total_images - seen, 0) / speed)} left"]
    return ", ".join(parts + [f"{name} {value:.4g}" for name, value in values.items()])


def clock(seconds: float) -> str:
    """Seconds as 0:05, 12:34 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
