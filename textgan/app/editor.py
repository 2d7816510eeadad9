"""The editor of the tab "Edit": a picture, and the marks that are painted over it.

It runs in the visitor's browser (`editor.js`), which also reads the chosen file.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from textgan.app.picture import SIDE

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

_HINTS = {
    "inpaint": "Paint over the part that is to be drawn.",
    "image_to_image": "The whole picture is drawn anew.",
    "edit": "What differs in the two captions changes.",
    "variations": "New images mean the same as the picture.",
}
_MARKS = "Marks on the picture: the arrow keys move the brush, and the space bar paints"


def task_class(task: str) -> str:
    """The class of controls that the task needs, beside "tg-only"."""
    return f"tg-for-{task}"


def editor(tasks: Sequence[str], sources: Sequence[str]) -> str:
    """The HTML of an editor.

    Args:
        tasks: those of `TASKS` that the page offers; the first one is chosen.
        sources: ids of elements whose images can be taken as the picture.
    """
    hints = "".join(
        f'<p class="tg-status tg-only {task_class(task)}">{escape(_HINTS[task])}</p>'
        for task in tasks
    )
    inpaint = f"tg-only {task_class('inpaint')}"
    return (
        f'<div class="tg-editor" data-side="{SIDE}" data-task="{tasks[0]}" '
        f'data-sources="{escape(" ".join(sources))}">'
        f"{hints}"
        '<div class="tg-easel">'
        '<canvas class="tg-picture tg-pixels" width="1" height="1" role="img" '
        'aria-label="The picture"></canvas>'
        '<canvas class="tg-marks tg-pixels" width="1" height="1" tabindex="0" role="application" '
        f'aria-label="{_MARKS}"></canvas>'
        '<div class="tg-brush" hidden></div>'
        '<p class="tg-drop">Drop a picture here, paste one, or choose a file.</p>'
        "</div>"
        '<div class="tg-tools">'
        '<button type="button" class="tg-button" data-do="choose">Choose a file</button>'
        '<input type="file" accept="image/*" aria-label="File of the picture" hidden>'
        f'<button type="button" class="tg-button {inpaint}" data-do="erase" '
        'aria-pressed="false">Erase</button>'
        f'<button type="button" class="tg-button {inpaint}" data-do="clear">'
        "Clear the marks</button>"
        f'<label class="{inpaint}">Brush <input type="range" min="2" max="40" value="12"></label>'
        "</div>"
        '<p class="tg-status tg-refused" role="alert"></p>'
        '<div class="tg-chips tg-taken" role="group" aria-label="Take an image" hidden></div>'
        "</div>"
    )
