"""The command that tries out a new pipeline, by what it can do."""

import shlex
from pathlib import Path

from textgan.file.home import short
from textgan.pipeline import Pipeline

_WORDS = {"sample": 'sample "a caption"', "compare": 'search FOLDER "a caption"'}


def next_command(pipeline: Pipeline, model: str | Path) -> str | None:
    """`textgan sample "a caption" --model MODEL` of a pipeline that draws, and so on.

    Args:
        pipeline: what was trained or saved.
        model: where it is: its folder, or a checkpoint.

    Returns:
        None where no command takes such a pipeline.
    """
    for ability, words in _WORDS.items():
        if ability in pipeline.abilities:
            return f"textgan {words} --model {shlex.quote(short(Path(model)))}"
    return None
