"""Hooks of mkdocs: pages generated from the code, pages of recipes and benchmarks, equations.

A generated part of a page is inserted at the line `<!-- generate: NAME -->`, where NAME is a key of
`PARTS`. An equation stands between two lines `$$`, and becomes MathML, which browsers draw without
a script.
"""

import ast
import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from textgan.cli import settings
from textgan.cli.help import verb_help
from textgan.cli.main import main
from textgan.composition.conf_folder import choices, conf_folder
from textgan.run.verbs import LIGHTNING_VERBS, commands

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("experiments", "benchmarks")
SUFFIXES = {".md", ".png", ".jpg", ".gif", ".txt"}
_MARKER = re.compile(r"^<!-- generate: (\w+) -->$", re.MULTILINE)
_EQUATION = re.compile(r"^\$\$\n(.+?)\n\$\$$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of recipes and benchmarks, the bundled model's image, and the notebooks."""
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        if path.suffix in SUFFIXES:
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    shapes = ROOT / "textgan" / "weights" / "shapes" / "grid.png"
    files.append(File.generated(config, "images/shapes.png", abs_src_path=str(shapes)))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.py")):
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=_notebook(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the generated parts of a page, and turn its equations into MathML."""
    markdown = _MARKER.sub(lambda found: "\n".join(PARTS[found[1]]()), markdown)
    return _EQUATION.sub(lambda found: convert(found[1], display="block"), markdown)


def _notebook(path: Path) -> str:
    """A percent script as a page: its text, and its code in blocks."""
    cells = jupytext.read(path, fmt="py:percent").cells
    blocks = [
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for cell in cells
    ]
    return "\n\n".join(blocks)


def command_line() -> Iterator[str]:
    """The help of every verb."""
    for verb, said in LIGHTNING_VERBS.items():
        yield f"## textgan {verb}\n"
        yield f"```text\n{verb_help(verb, said)}\n```\n"
    for verb in commands():
        yield f"## textgan {verb}\n"
        yield f"```text\n{_help_of(verb)}\n```\n"


def _help_of(verb: str) -> str:
    before, out = os.environ.get("COLUMNS"), io.StringIO()
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([verb, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    return out.getvalue().strip()


def shared_settings() -> Iterator[str]:
    """The settings that several parts share."""
    yield from _table(settings.shared())


def groups() -> Iterator[str]:
    """Every group with its files."""
    chosen = settings.defaults()
    for group, names in choices().items():
        yield f"## {group}\n"
        for name in names:
            mark = " (default)" if name in chosen.get(group, []) else ""
            yield f"### {group}={name}{mark}\n"
            yield from _choice(group, name)


def _choice(group: str, name: str) -> Iterator[str]:
    path = conf_folder() / group / f"{name}.yaml"
    said = settings.describe_choice(group, name)
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line.lstrip("# ") for line in lines if line.startswith("#")]
    comment = " ".join(line for line in comments if not line.startswith("@package"))
    for text in dict.fromkeys((said, comment)):
        if text:
            yield f"{_escaped(text)}\n"
    if group != "experiment":
        yield from _table(settings.of_choice(group, name))
    yield f'??? note "conf/{group}/{name}.yaml"'
    yield "    ```yaml"
    yield from (f"    {line}" for line in lines)
    yield "    ```\n"


def _table(found: list[Any]) -> Iterator[str]:
    if not found:
        return
    yield "| setting | default | meaning |"
    yield "|---|---|---|"
    for setting in found:
        given = setting.default
        default = "must be given" if given == "???" else f"`{_text(given)}`"
        yield f"| `{setting.name}` | {_escaped(default)} | {_escaped(setting.description)} |"
    yield ""


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}"  # as one may type it
    return value if isinstance(value, str) else json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def rooms() -> Iterator[str]:
    """The folders of the package with the first line of each, in the order of their levels."""
    tree = ast.parse((ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8"))
    (levels,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "LEVELS"
    ]
    yield "| level | folders and modules |"
    yield "|---|---|"
    for number, names in enumerate(levels, 1):
        yield f"| {number} | {', '.join(f'`{name}`' for name in names)} |"
    yield ""


PARTS = {
    "command_line": command_line,
    "shared_settings": shared_settings,
    "groups": groups,
    "rooms": rooms,
}
