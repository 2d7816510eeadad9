"""The bare loop of the overhead benchmark computes the same as GANModel."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = [
    "data.batch_size=4",
    "image_size=16",
    "model.generator.width=4",
    "model.generator.max_width=8",
]


@pytest.mark.slow
def test_both_loops_end_with_the_same_weights():
    words = ["benchmarks.overhead.measure", "--rounds", "1", "--steps", "2", *SMALL]
    words = [sys.executable, "-m", *words]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "largest difference of weights after both: 0.0e+00" in done.stdout
