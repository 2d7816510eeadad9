"""The next command to suggest for a new pipeline."""

import shlex
from pathlib import Path

from textgan.file.home import short
from textgan.pipeline import Pipeline

_WORDS = {
    "sample": 'sample "a caption"',
    "compare": 'search FOLDER "a caption"',
    "encode": "encode FOLDER codes.safetensors",
}


def next_command(pipeline: Pipeline, model: str | Path) -> str | None:
    """Return a command such as `textgan sample "a caption" --model MODEL`, or None if none fits."""
    for ability, words in _WORDS.items():
        if ability in pipeline.abilities:
            return f"textgan {words} --model {shlex.quote(short(Path(model)))}"
    return None
