"""The manual builds without a warning, which includes its links; needs textgan[docs]."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {
    "reference/command-line.html": "textgan sample",
    "reference/configuration.html": "model.losses.r1r2.gamma",
    "reference/python.html": "GANPipeline",
    "experiments/demo/index.html": "one- and two-object scenes",
    "notebooks/sample_and_look.html": "interpolate",
    "concepts/vae-gan.html": "<math",
    "contributing.html": "image_encoder",
}


@pytest.mark.slow
def test_the_manual_builds_strictly(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings", "jupytext", "latex2mathml"):
        pytest.importorskip(package, reason="needs textgan[docs]")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for page, words in GENERATED.items():
        html = (tmp_path / page).read_text(encoding="utf-8")
        assert words in html, page
        assert "<!-- generate" not in html, page
        assert "https://fonts." not in html, page
