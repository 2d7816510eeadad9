"""The load test of the page runs, and finds no errors and no mixed-up responses."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="needs Gradio: pip install textgan[demo]")
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_eight_visitors_receive_their_own_images():
    short = {"visitors": 8, "seconds": 6, "alone": 6, "phases": 1, "animations": 4, "stay": 2}
    words = [f"--{option}={value}" for option, value in short.items()]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.page_load.measure", *words],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    rows = [row for row in rows if row[0] in ("1", "8")]
    assert [row[0] for row in rows] == ["1", "8"]
    for row in rows:
        assert int(row[1]) > 0
        assert row[-3:-1] == ["0", "0"]  # errors of the server, wrong responses
    assert re.search(r"crowd / alone: [\d.]+ times", done.stdout)
