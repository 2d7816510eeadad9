"""The bare loop that overhead is measured against does what GANModel does."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "overhead" / "measure.py"
SMALL = [
    "data.batch_size=4",
    "image_size=16",
    "model.generator.width=4",
    "model.generator.max_width=8",
]


@pytest.mark.slow
def test_both_loops_end_with_the_same_weights(tmp_path):
    words = [sys.executable, str(SCRIPT), "--rounds", "1", "--steps", "2", *SMALL]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "largest difference of weights after both: 0.0e+00" in done.stdout
