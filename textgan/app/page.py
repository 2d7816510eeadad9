"""The page over one pipeline, in Gradio: controls, and who answers to which."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before the import: Gradio would report it
# Gradio makes a table of the last 10,000 events after each one, for a monitor that is not served.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)

import gradio as gr
from gradio.components import Component

from textgan.app import markup
from textgan.app.animation import MAX_FRAMES
from textgan.app.answer import Answers, label
from textgan.app.drawing import MAX_NUMBER
from textgan.pipeline import Option, TextToImagePipeline

AT_ONCE = 64  # requests that the worker sees at a time; Gradio's queue holds back the others
_MOST_WAITING = 1024  # requests in that queue
_REST = 150  # milliseconds without a change before the words are drawn
_CHIPS = """
element.addEventListener('click', (event) => {
  const chip = event.target.closest('button');
  if (!chip) return;
  const down = chip.getAttribute('aria-pressed') === 'false';
  for (const other of element.querySelectorAll('button[aria-pressed]'))
    other.setAttribute('aria-pressed', other === chip && down);
  const place = Number(chip.dataset.place);
  trigger('click', {place: !chip.hasAttribute('aria-pressed') || down ? place : -1});
});
"""
_LIVE = "element.setAttribute('role', 'status');"


def build(pipeline: TextToImagePipeline, *, name: str, examples: list[str]) -> gr.Blocks:
    """The page.

    Args:
        pipeline: what draws.
        name: of the model, for the page's head.
        examples: captions to start from; the page opens with the first.
    """
    answers = Answers(pipeline)
    with gr.Blocks(title="textgan", analytics_enabled=False) as page:
        gr.HTML(markup.header(name, _facts(pipeline)))
        with gr.Tab("Draw"):
            _draw_tab(page, answers, examples)
        if "interpolate" in pipeline.abilities:
            with gr.Tab("Between two captions") as tab:
                _between_tab(tab, answers, examples)
    return page.queue(api_open=False, max_size=_MOST_WAITING)


@dataclass
class _Noise:
    """The controls of the pipeline's options, and those that decide the noise."""

    options: list[gr.Slider]
    seed: gr.Number
    locked: gr.Checkbox
    another: gr.Button


def _draw_tab(page: gr.Blocks, answers: Answers, examples: list[str]) -> None:
    hint = "Drawn while you type."
    if "weighted_words" in answers.pipeline.abilities:
        hint += " A word counts for more as (red:1.5)."
    caption = _caption("Caption", examples[0] if examples else "", hint)
    with gr.Row(elem_classes="tg-row"):
        with gr.Column(scale=1, min_width=240, elem_classes="tg-settings"):
            number = gr.Slider(1, MAX_NUMBER, 4, step=1, label="Pictures", buttons=[])
            noise = _noise(answers.sliders("draw"))
            chips = markup.chips("Examples", examples)
            offered = gr.HTML(chips, js_on_load=_CHIPS, elem_classes="tg-examples")
        with gr.Column(scale=3, min_width=300, elem_classes="tg-result"):
            words = gr.HTML(js_on_load=_CHIPS)
            status = gr.HTML(js_on_load=_LIVE)
            pictures = gr.HTML(markup.EMPTY)

    async def attention(
        event: gr.EventData, caption: str, seed: float, number: float, *options: float
    ) -> tuple[str, str]:
        return await answers.attention(event.place, caption, seed, number, *options)

    def example(event: gr.EventData) -> str:
        return examples[event.place]

    seen = [caption, noise.seed, number, *noise.options]
    made = [noise.seed, words, pictures, status]
    draw = _pressed_after("draw", [caption.change, *_inputs(noise.seed, number, *noise.options)])
    triggers = [page.load, draw.click, caption.submit]
    _on(triggers, answers.drawing, [noise.locked, *seen], made)
    _on([noise.another.click], partial(answers.drawing, False), seen, made)
    _on([words.click], attention, seen, [pictures, status])
    _on([offered.click], example, [], [caption])


def _between_tab(tab: gr.Tab, answers: Answers, examples: list[str]) -> None:
    first, second = (*examples, "", "")[:2]
    with gr.Row(elem_classes="tg-row"):
        start, end = _caption("From", first), _caption("To", second)
    with gr.Row(elem_classes="tg-row"):
        with gr.Column(scale=1, min_width=240, elem_classes="tg-settings"):
            frames = gr.Slider(2, MAX_FRAMES, 16, step=1, label="Frames", buttons=[])
            noise = _noise(answers.sliders("interpolate"))
        with gr.Column(scale=3, min_width=300, elem_classes="tg-result"):
            status = gr.HTML(js_on_load=_LIVE)
            moving = gr.HTML(markup.EMPTY)
    seen = [start, end, noise.seed, frames, *noise.options]
    made = [noise.seed, moving, status]
    changes = [start.change, end.change, *_inputs(noise.seed, frames, *noise.options)]
    draw = _pressed_after("between", changes)
    triggers = [tab.select, draw.click, start.submit, end.submit]
    _on(triggers, answers.animation, [noise.locked, *seen], made)
    _on([noise.another.click], partial(answers.animation, False), seen, made)


def _caption(label: str, value: str, hint: str | None = None) -> gr.Textbox:
    return gr.Textbox(
        value,
        label=label,
        info=hint,
        placeholder="What shall be drawn?",
        max_lines=4,
        min_width=300,
        elem_id=f"tg-{label.lower()}",
        elem_classes="tg-caption",
    )


def _noise(sliders: list[Option]) -> _Noise:
    return _Noise(
        [_slider(option) for option in sliders],
        gr.Number(0, precision=0, label="Seed"),
        gr.Checkbox(True, label="Lock the seed", info="It stays while the words change."),
        gr.Button("New seed"),
    )


def _slider(option: Option) -> gr.Slider:
    step = 1 if option.kind is int else (option.maximum - option.minimum) / 20
    bounds = option.minimum, option.maximum, option.default
    return gr.Slider(*bounds, step=step, label=label(option), info=option.help, buttons=[])


def _inputs(*numbers: gr.Number | gr.Slider) -> list[Callable]:
    return [number.input for number in numbers]


def _pressed_after(name: str, changes: list[Callable]) -> gr.Button:
    """A button that nobody sees, pressed once none of these changes has come for a moment.

    A caption's `input` will not do as a change: it knows no backspace and nothing pasted.
    """
    button = gr.Button(name, elem_id=f"tg-{name}", visible="hidden")
    timer, press = f"window.tg_{name}", f"document.querySelector('#tg-{name}').click()"
    later = f"clearTimeout({timer}); {timer} = setTimeout(() => {press}, {_REST});"
    gr.on(changes, None, js=f"() => {{ {later} }}")
    return button


def _on(
    triggers: list[Callable],
    answer: Callable[..., Any],
    inputs: list[Component],
    outputs: list[Component],
) -> None:
    """While a drawing is made, only the latest of further wishes waits; values come unchecked."""
    gr.on(
        triggers,
        answer,
        inputs,
        outputs,
        preprocess=False,
        postprocess=False,
        show_progress="hidden",
        trigger_mode="always_last",
        concurrency_id="pipeline",
        concurrency_limit=AT_ONCE,
        api_visibility="private",
    )


def _facts(pipeline: TextToImagePipeline) -> list[str]:
    parameters = sum(weights.numel() for weights in pipeline.parameters())
    return [f"{pipeline.image_size} px", f"{parameters / 1e6:.1f} M parameters"]
