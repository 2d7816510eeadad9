"""The page over one pipeline, in Gradio: its controls, and the functions that answer to them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

# Set before the import, since Gradio would report it.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# Otherwise Gradio builds a table of the last 10,000 events after each one, for a monitor that is
# not served.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)

import gradio as gr
from gradio.components import Component

from textgan.app import markup
from textgan.app.animation import MAX_FRAMES
from textgan.app.answer import Answers, label
from textgan.app.sampling import MAX_IMAGES
from textgan.pipeline import Option, TextToImagePipeline

AT_ONCE = 64  # requests that the worker gets at a time; the others wait in Gradio's queue
_MOST_WAITING = 1024  # requests in that queue
_REST = 150  # milliseconds without a change before images are sampled
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
    """Build the page.

    Args:
        pipeline: generates the images.
        name: of the model, for the head of the page.
        examples: captions to choose from; the page opens with the first.
    """
    answers = Answers(pipeline)
    parameters = sum(weights.numel() for weights in pipeline.parameters())
    facts = [f"{pipeline.image_size} px", f"{parameters / 1e6:.1f} M parameters"]
    with gr.Blocks(title="textgan", analytics_enabled=False) as page:
        gr.HTML(markup.header(name, facts))
        with gr.Tab("Samples"):
            _samples_tab(page, answers, examples)
        if "interpolate" in pipeline.abilities:
            with gr.Tab("Between two captions") as tab:
                _between_tab(tab, answers, examples)
    return page.queue(api_open=False, max_size=_MOST_WAITING)


@dataclass
class _Settings:
    """The column of controls: a number, the pipeline's options, and the seed."""

    number: gr.Slider
    options: list[gr.Slider]
    seed: gr.Number
    locked: gr.Checkbox
    another: gr.Button


def _samples_tab(page: gr.Blocks, answers: Answers, examples: list[str]) -> None:
    hint = "Images are sampled while you type."
    if "weighted_words" in answers.pipeline.abilities:
        hint += " (red:1.5) gives a word more weight."
    caption = _caption("Caption", examples[0] if examples else "", hint)
    with gr.Row(elem_classes="tg-row"):
        with _column(1, 240, "tg-settings"):
            settings = _settings("Images", (1, MAX_IMAGES, 4), answers.sliders("sample"))
            chips = markup.chips("Examples", examples)
            offered = gr.HTML(chips, js_on_load=_CHIPS, elem_classes="tg-examples")
        with _column(3, 300, "tg-result"):
            words = gr.HTML(js_on_load=_CHIPS)
            status = gr.HTML(js_on_load=_LIVE)
            images = gr.HTML(markup.EMPTY)

    async def attention(
        event: gr.EventData, caption: str, seed: float, number: float, *options: float
    ) -> tuple[str, str]:
        return await answers.attention(event.place, caption, seed, number, *options)

    def example(event: gr.EventData) -> str:
        return examples[event.place]

    shown = [caption, settings.seed, settings.number, *settings.options]
    made = [settings.seed, words, images, status]
    starts = [page.load, caption.submit]
    _answer(answers.samples, settings, [caption], shown, made, starts)
    _on([words.click], attention, shown, [images, status])
    _on([offered.click], example, [], [caption])


def _between_tab(tab: gr.Tab, answers: Answers, examples: list[str]) -> None:
    first, second = (*examples, "", "")[:2]
    with gr.Row(elem_classes="tg-row"):
        start, end = _caption("From", first), _caption("To", second)
    with gr.Row(elem_classes="tg-row"):
        with _column(1, 240, "tg-settings"):
            settings = _settings("Frames", (2, MAX_FRAMES, 16), answers.sliders("interpolate"))
        with _column(3, 300, "tg-result"):
            status = gr.HTML(js_on_load=_LIVE)
            moving = gr.HTML(markup.EMPTY)
    shown = [start, end, settings.seed, settings.number, *settings.options]
    made = [settings.seed, moving, status]
    starts = [tab.select, start.submit, end.submit]
    _answer(answers.animation, settings, [start, end], shown, made, starts)


def _caption(label: str, value: str, hint: str | None = None) -> gr.Textbox:
    return gr.Textbox(
        value,
        label=label,
        info=hint,
        placeholder="Describe an image",
        max_lines=4,
        min_width=300,
        elem_id=f"tg-{label.lower()}",
        elem_classes="tg-caption",
    )


def _column(scale: int, min_width: int, kind: str) -> gr.Column:
    return gr.Column(scale=scale, min_width=min_width, elem_classes=kind)


def _settings(name: str, bounds: tuple[int, int, int], options: list[Option]) -> _Settings:
    return _Settings(
        gr.Slider(*bounds, step=1, label=name, buttons=[]),
        [_slider(option) for option in options],
        gr.Number(0, precision=0, label="Seed"),
        gr.Checkbox(True, label="Lock the seed", info="It stays while the words change."),
        gr.Button("New seed"),
    )


def _slider(option: Option) -> gr.Slider:
    step = 1 if option.kind is int else (option.maximum - option.minimum) / 20
    bounds = option.minimum, option.maximum, option.default
    return gr.Slider(*bounds, step=step, label=label(option), info=option.help, buttons=[])


def _answer(
    function: Callable[..., Any],
    settings: _Settings,
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
    pressed = gr.Button(name, elem_id=f"tg-{name}", visible="hidden")
    numbers = [settings.number, settings.seed, *settings.options]
    changes = [*(box.change for box in captions), *(number.input for number in numbers)]
    timer, press = f"window.tg_{name}", f"document.querySelector('#tg-{name}').click()"
    later = f"clearTimeout({timer}); {timer} = setTimeout(() => {press}, {_REST});"
    gr.on(changes, None, js=f"() => {{ {later} }}")
    _on([*starts, pressed.click], function, [settings.locked, *inputs], outputs)
    _on([settings.another.click], partial(function, False), inputs, outputs)


def _on(
    triggers: list[Callable],
    answer: Callable[..., Any],
    inputs: list[Component],
    outputs: list[Component],
) -> None:
    """Call a function; of the requests that come meanwhile, only the latest waits."""
    gr.on(
        triggers,
        answer,
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
