"""metrics.csv and hparams.yaml in the run folder; a resumed run appends to metrics.csv."""

import csv
import os
from pathlib import Path

from pytorch_lightning import loggers
from pytorch_lightning.loggers.csv_logs import ExperimentWriter
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from textgan.file.atomic import whole


class CSVLogger(loggers.CSVLogger):
    """Lightning's CSV logger, with one file per run folder that is never deleted.

    Columns are metrics; a row has the values of one `step` (images seen). The hyperparameters of
    the last start are in hparams.yaml beside it.

    Args:
        save_dir: folder of both files; relative to the run folder if not absolute.
    """

    def __init__(self, save_dir: str = "."):
        super().__init__(save_dir, name="", version="")

    @property
    @rank_zero_experiment
    def experiment(self) -> "_Appender":
        if self._experiment is None:
            self._experiment = _Appender(self.log_dir)
        return self._experiment

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """As Lightning's, but a validation without metrics writes no empty row."""
        if metrics:
            super().log_metrics(metrics, step)


class _Appender(ExperimentWriter):
    """Appends whole rows or none, and replaces the file atomically where a column is new."""

    def save(self) -> None:
        path = Path(self.metrics_file_path)
        self._size = path.stat().st_size if path.is_file() else 0
        try:
            super().save()
        except OSError as error:
            if path.is_file() and path.stat().st_size > self._size:
                os.truncate(path, self._size)  # half a row would damage the rows after it
            raise OSError(error.errno, error.strerror, str(path)) from error

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        path = Path(self.metrics_file_path)
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=fieldnames)
            writer.writeheader()
            writer.writerows(rows)
        self._size = path.stat().st_size

    def _check_log_dir_exists(self) -> None:
        path = Path(self.metrics_file_path)
        if path.is_file():
            with path.open(newline="") as file:
                self.metrics_keys = next(csv.reader(file), [])
