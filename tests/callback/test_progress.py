from collections import deque

import pytest

from textgan.callback.progress import Progress, clock, progress_line


def test_a_line_has_the_speed_and_the_time_left():
    marks = deque([(10.0, 1_000), (12.0, 1_500), (20.0, 3_000)])
    line = progress_line(marks, 10_000, {"generator/kl": 17.50321})
    assert line == "3,000 of 10,000 images, 200 images/s, 0:35 left, generator/kl 17.5"


def test_a_line_without_a_speed_says_none():
    assert progress_line(deque([(10.0, 5)]), 10, {}) == "5 of 10 images"


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "0:05"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_time_left_is_a_clock(seconds, said):
    assert clock(seconds) == said


def test_a_log_file_gets_lines(trainer, counting, batches, capsys):
    bar = Progress(seconds_between_lines=0)
    trainer(bar, enable_progress_bar=True).fit(counting, batches)
    lines = [line for line in capsys.readouterr().out.splitlines() if " images" in line]
    assert lines[0].startswith("4 of 40 images")
    assert lines[-1].startswith("40 of 40 images")
    assert lines[-1].endswith("0:00 left, loss 0.5")


def test_a_log_file_is_not_flooded(trainer, counting, batches, capsys):
    trainer(Progress(seconds_between_lines=3600), enable_progress_bar=True).fit(counting, batches)
    lines = [line for line in capsys.readouterr().out.splitlines() if " images" in line]
    assert len(lines) == 1


@pytest.mark.parametrize("verb", ["test", "predict"])
def test_a_test_counts_its_batches(verb, trainer, counting, batches, capsys):
    bar = Progress(seconds_between_lines=0)
    getattr(trainer(bar, enable_progress_bar=True), verb)(counting, batches)
    lines = [line for line in capsys.readouterr().out.splitlines() if " batches" in line]
    assert lines[0].startswith("1 of 2 batches")
    assert lines[1].startswith("2 of 2 batches, 0:00 left")


def test_what_is_watched_within_a_test_has_its_own_count(trainer, counting, batches, capsys):
    bar = Progress(seconds_between_lines=0)
    seen = []
    counting.on_test_start = lambda: seen.extend(bar.watch([*"abc"], "letters"))
    trainer(bar, enable_progress_bar=True).test(counting, batches)
    lines = [line for line in capsys.readouterr().out.splitlines() if " batches" in line]
    assert seen == [*"abc"]
    assert [line.split(",")[0] for line in lines] == [
        *("1 of 3 batches of letters", "2 of 3 batches of letters", "3 of 3 batches of letters"),
        *("1 of 2 batches", "2 of 2 batches"),
    ]
