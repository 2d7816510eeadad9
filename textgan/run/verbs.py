"""The verbs of the command line, each with what it does."""

import ast
from pathlib import Path

LIGHTNING_VERBS = {
    "fit": "train a model",
    "validate": "measure a checkpoint on the val split",
    "test": "measure a checkpoint on the test split",
    "predict": "draw every caption of a text file",
}


def commands() -> dict[str, str]:
    """The other verbs, each with the first line of its file's docstring; nothing is imported."""
    folder = Path(__file__).parents[1] / "command"
    found = {}
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first = said.split("\n")[0].rstrip(".")
            found[path.stem] = first[:1].lower() + first[1:]
    return found
