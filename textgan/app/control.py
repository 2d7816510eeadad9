"""The controls of the page's tabs, in Gradio."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from textgan.app.value import label
from textgan.pipeline import Option

AT_ONCE = 64  # requests that the worker gets at a time; the others wait in Gradio's queue
_REST = 150  # milliseconds without a change before images are sampled
LIVE = "element.setAttribute('role', 'status');"


@dataclass
class Settings:
    """The column of controls: a number, the pipeline's options, and the seed."""

    number: gr.Slider
    options: list[gr.Slider]
    seed: gr.Number
    locked: gr.Checkbox
    another: gr.Button


def caption_box(
    place: str, label: str, value: str, hint: str | None = None, *, classes: Sequence[str] = ()
) -> gr.Textbox:
    """A box for a caption, in an element of the id `place`."""
    return gr.Textbox(
        value,
        label=label,
        info=hint,
        placeholder="Describe an image",
        max_lines=4,
        min_width=300,
        elem_id=place,
        elem_classes=["tg-caption", *classes],
    )


def column(scale: int, min_width: int, *classes: str) -> gr.Column:
    """A column of a row."""
    return gr.Column(scale=scale, min_width=min_width, elem_classes=[*classes])


def make_settings(name: str, bounds: tuple[int, int, int], options: list[Option]) -> Settings:
    """The controls of a tab that draws while the visitor types.

    Args:
        name: of what is counted.
        bounds: the least and the greatest number, and the first one.
        options: of the pipeline.
    """
    number, sliders = number_slider(name, bounds), [*map(option_slider, options)]
    return Settings(number, sliders, *seed_controls())


def number_slider(name: str, bounds: tuple[int, int, int]) -> gr.Slider:
    """A slider of whole numbers: the least, the greatest, and the first one."""
    return gr.Slider(*bounds, step=1, label=name, buttons=[])


def option_slider(option: Option, classes: Sequence[str] = ()) -> gr.Slider:
    """A slider of an option with two bounds."""
    step = 1 if option.kind is int else (option.maximum - option.minimum) / 20
    bounds = option.minimum, option.maximum, option.default
    return gr.Slider(
        *bounds,
        step=step,
        label=label(option),
        info=option.help,
        buttons=[],
        elem_classes=[*classes],
    )


def seed_controls() -> tuple[gr.Number, gr.Checkbox, gr.Button]:
    """A box for the seed, a box that locks it, and a button for another one."""
    return (
        gr.Number(0, precision=0, label="Seed"),
        gr.Checkbox(True, label="Lock the seed", info="It stays while the words change."),
        gr.Button("New seed"),
    )


def answer_live(
    prefix: str,
    function: Callable[..., Any],
    settings: Settings,
    captions: list[gr.Textbox],
    inputs: list[Component],
    outputs: list[Component],
    starts: list[Callable],
) -> None:
    """Call a function with (locked, *inputs) at `starts`, and once no control has changed lately.

    A hidden button is pressed then. A caption's `input` would miss backspaces and pasted text, so
    its `change` is used.
    """
    name = function.__name__
    place = f"{prefix}{name}"
    pressed = gr.Button(name, elem_id=place, visible="hidden")
    numbers = [settings.number, settings.seed, *settings.options]
    changes = [*(box.change for box in captions), *(number.input for number in numbers)]
    timer, press = f"window['{place}']", f"document.getElementById('{place}').click()"
    later = f"clearTimeout({timer}); {timer} = setTimeout(() => {press}, {_REST});"
    gr.on(changes, None, js=f"() => {{ {later} }}")
    answer_on([*starts, pressed.click], function, [settings.locked, *inputs], outputs)
    answer_on([settings.another.click], partial(function, False), inputs, outputs)


def answer_on(
    triggers: list[Callable],
    function: Callable[..., Any],
    inputs: list[Component],
    outputs: list[Component],
) -> None:
    """Call a function; of the requests that come meanwhile, only the latest waits."""
    gr.on(
        triggers,
        function,
        inputs,
        outputs,
        preprocess=False,  # values come as they are, and the function checks them
        postprocess=False,
        show_progress="hidden",
        trigger_mode="always_last",
        concurrency_id="pipeline",
        concurrency_limit=AT_ONCE,
        api_visibility="private",
    )
