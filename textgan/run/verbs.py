"""Verbs of the command line with their descriptions."""

import ast
from pathlib import Path

LIGHTNING_VERBS = {
    "fit": "train a model",
    "validate": "evaluate a checkpoint on the val split",
    "test": "evaluate a checkpoint on the test split",
    "predict": "sample every caption of a text file",
}


def commands() -> dict[str, str]:
    """Return the other verbs with the first line of their files' docstrings, without imports."""
    folder = Path(__file__).parents[1] / "command"
    found = {}
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[path.stem] = text[:1].lower() + text[1:].partition("\n")[0].rstrip(".")
    return found
