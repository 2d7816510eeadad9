import csv
from pathlib import Path

import pytest

from textgan.logger.csv import CSVLogger


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_second_logger_goes_on_where_the_first_stopped(tmp_path):
    first = CSVLogger(str(tmp_path))
    first.log_metrics({"loss": 1.0}, step=32)
    first.save()
    second = CSVLogger(str(tmp_path))
    second.log_metrics({"loss": 0.5, "new": 3.0}, step=64)
    second.save()
    assert rows(tmp_path) == [
        {"loss": "1.0", "new": "", "step": "32"},
        {"loss": "0.5", "new": "3.0", "step": "64"},
    ]


def test_a_full_disk_names_the_file_and_leaves_whole_rows(tmp_path):
    import resource
    import signal

    logger, path = CSVLogger(str(tmp_path)), tmp_path / "metrics.csv"
    logger.log_metrics({"loss": 1.0}, step=32)
    logger.save()
    before = path.read_bytes()
    limits, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.SIGXFSZ
    handler = signal.signal(ignored, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 3, limits[1]))
    try:
        logger.log_metrics({"loss": 0.5}, step=64)
        with pytest.raises(OSError, match="File too large") as error:
            logger.save()
        assert error.value.filename == str(path)
        assert path.read_bytes() == before
        logger.log_metrics({"loss": 0.5, "a_new_column": 3.0}, step=64)
        with pytest.raises(OSError, match="File too large"):
            logger.save()
        assert path.read_bytes() == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(ignored, handler)
    assert [*tmp_path.iterdir()] == [path]


def test_nothing_logged_is_no_row(tmp_path):
    logger = CSVLogger(str(tmp_path))
    logger.log_metrics({"loss": 1.0}, step=32)
    logger.log_metrics({}, step=64)
    logger.save()
    assert [row["step"] for row in rows(tmp_path)] == ["32"]


def test_a_second_logger_may_lack_columns(tmp_path):
    first = CSVLogger(str(tmp_path))
    first.log_metrics({"loss": 1.0, "old": 2.0}, step=32)
    first.save()
    second = CSVLogger(str(tmp_path))
    second.log_metrics({"loss": 0.5}, step=64)
    second.save()
    assert [row["old"] for row in rows(tmp_path)] == ["2.0", ""]
