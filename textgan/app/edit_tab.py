"""The tab in which the model edits a visitor's picture."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import gradio as gr

from textgan.app import markup
from textgan.app.answer import Answers
from textgan.app.control import (
    LIVE,
    answer_on,
    caption_box,
    column,
    number_slider,
    option_slider,
    seed_controls,
)
from textgan.app.edit_answer import EditAnswers, EditControls
from textgan.app.editor import SCRIPT, editor, task_class
from textgan.app.sampling import MAX_IMAGES, TASKS

EDITED = "edited"  # name of the function that takes a picture


def edit_tab(answers: Answers, examples: list[str], prefix: str) -> None:
    """Build the tab; the pipeline has at least one of `TASKS`.

    Args:
        answers: of the pipeline.
        examples: captions to choose from.
        prefix: of the ids of elements.
    """
    edits = EditAnswers(answers)
    first, second = (*examples, "", "")[:2]
    with gr.Column(elem_classes="tg-edit"):
        choices = [(TASKS[task], task) for task in edits.tasks]
        task = gr.Radio(choices, value=edits.tasks[0], label="What to do", visible=len(choices) > 1)
        with gr.Row(elem_classes="tg-row"):
            source = caption_box(
                f"{prefix}source", "Caption of the picture", first, classes=_only("edit")
            )
            caption = caption_box(f"{prefix}target", "Caption of the new image", second or first)
        with gr.Row(elem_classes="tg-row"):
            with column(1, 240, "tg-settings"):
                strengths = [
                    option_slider(option, _only(task)) for task, option in edits.strengths.items()
                ]
                options = [
                    option_slider(option, _only(*filter(option.belongs_to, edits.tasks)))
                    for option in edits.sliders
                ]
                with gr.Column(elem_classes=_only("inpaint", "image_to_image", "variations")):
                    number = number_slider("New images", (1, MAX_IMAGES, 1))
                    seed, locked, another = seed_controls()
            with column(2, 280, "tg-result"):
                sources = f"{prefix}images", f"{prefix}edits"
                picture = gr.HTML(
                    editor(edits.tasks, sources), js_on_load=SCRIPT, elem_id=f"{prefix}editor"
                )
                draw = gr.Button("Draw", variant="primary")
            with column(2, 280, "tg-result"):
                status = gr.HTML(js_on_load=LIVE)
                images = gr.HTML(markup.EMPTY, elem_id=f"{prefix}edits")

    async def edited(
        event: gr.EventData,
        task: str,
        caption: str,
        source: str,
        seed: float,
        locked: bool,
        number: float,
        *rest: float,
    ) -> AsyncIterator[tuple[Any, ...]]:
        controls = EditControls(
            picture=_sent(event, "picture"),
            mask=_sent(event, "mask"),
            task=task,
            caption=caption,
            source=source,
            strengths=rest[: len(strengths)],
            seed=seed,
            locked=locked and not _sent(event, "another"),
            number=number,
            options=rest[len(strengths) :],
        )
        async for values in edits.edited(controls):
            yield tuple(gr.skip() if value is None else value for value in values)

    edited.__name__ = EDITED
    inputs = [task, caption, source, seed, locked, number, *strengths, *options]
    answer_on([picture.submit], edited, inputs, [seed, images, status])
    _tell(prefix, [draw.click, caption.submit, source.submit], "draw", "false")
    _tell(prefix, [another.click], "draw", "true")
    _tell(prefix, [task.change], "choose", "task", [task])


def _only(*tasks: str) -> list[str]:
    """The classes of a control that only these tasks need."""
    return ["tg-only", *map(task_class, tasks)]


def _sent(event: gr.EventData, name: str) -> Any:
    """A value that the editor sent with an event; None if it sent none."""
    return getattr(event, name, None) if event._data else None


def _tell(
    prefix: str, triggers: list[Any], event: str, detail: str, inputs: Sequence[Any] = ()
) -> None:
    """Send the editor an event with a value in JavaScript, which may use `task`."""
    editor = f"document.querySelector('#{prefix}editor .tg-editor')"
    send = f"new CustomEvent('{event}', {{ detail: {detail} }})"
    gr.on(triggers, None, [*inputs], None, js=f"(task) => {{ {editor}.dispatchEvent({send}); }}")
