"""The page over one or more pipelines, in Gradio: controls, and the functions that answer."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
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


@dataclass
class Model:
    """A model on the page: its pipeline, its name, and captions to choose from.

    The page opens with the first caption.
    """

    pipeline: TextToImagePipeline
    name: str
    examples: list[str]

    def title(self) -> str:
        """The name, the size of the images and the number of parameters."""
        parameters = sum(weights.numel() for weights in self.pipeline.parameters())
        return markup.facts(
            self.name, f"{self.pipeline.image_size} px", f"{parameters / 1e6:.1f} M parameters"
        )


def build(models: Sequence[Model]) -> gr.Blocks:
    """Build the page: the controls of one model, or a tab for each of several."""
    with gr.Blocks(title="textgan", analytics_enabled=False) as page:
        if len(models) == 1:
            gr.HTML(markup.header(models[0].title()))
            _model_tabs(page.load, models[0], "tg-")
        else:
            gr.HTML(markup.header(f"{len(models)} models"))
            for n, model in enumerate(models):
                with gr.Tab(model.name) as tab:
                    gr.HTML(markup.subtitle(model.title()))
                    # The first tab is open when the page is loaded.
                    opened = tab.select if n else page.load
                    _model_tabs(opened, model, f"tg-{n}-" if n else "tg-")
    return page.queue(api_open=False, max_size=_MOST_WAITING)


def _model_tabs(opened: Callable, model: Model, prefix: str) -> None:
    """The tabs of one model. `opened` is the event at which it first samples."""
    answers = Answers(model.pipeline)
    with gr.Tab("Samples"):
        _samples_tab(opened, answers, model.examples, prefix)
    if "interpolate" in model.pipeline.abilities:
        with gr.Tab("Between two captions") as tab:
            _between_tab(tab, answers, model.examples, prefix)


@dataclass
class _Settings:
    """The column of controls: a number, the pipeline's options, and the seed."""

    number: gr.Slider
    options: list[gr.Slider]
    seed: gr.Number
    locked: gr.Checkbox
    another: gr.Button


def _samples_tab(opened: Callable, answers: Answers, examples: list[str], prefix: str) -> None:
    hint = "Images are sampled while you type."
    if "weighted_words" in answers.pipeline.abilities:
        hint += " (red:1.5) gives a word more weight."
    caption = _caption(prefix, "Caption", examples[0] if examples else "", hint)
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
    starts = [opened, caption.submit]

    async def drawn(*values: Any) -> AsyncIterator[tuple[Any, ...]]:
        async for new_seed, *rest in answers.drawn(*values):
            yield (gr.skip() if new_seed is None else new_seed, *rest)

    drawn_in_steps = "unfinished_images" in answers.pipeline.abilities
    made_by = drawn if drawn_in_steps else answers.samples
    _answer(prefix, made_by, settings, [caption], shown, made, starts)
    _on([words.click], attention, shown, [images, status])
    _on([offered.click], example, [], [caption])


def _between_tab(tab: gr.Tab, answers: Answers, examples: list[str], prefix: str) -> None:
    first, second = (*examples, "", "")[:2]
    with gr.Row(elem_classes="tg-row"):
        start, end = _caption(prefix, "From", first), _caption(prefix, "To", second)
    with gr.Row(elem_classes="tg-row"):
        with _column(1, 240, "tg-settings"):
            settings = _settings("Frames", (2, MAX_FRAMES, 16), answers.sliders("interpolate"))
        with _column(3, 300, "tg-result"):
            status = gr.HTML(js_on_load=_LIVE)
            moving = gr.HTML(markup.EMPTY)
    shown = [start, end, settings.seed, settings.number, *settings.options]
    made = [settings.seed, moving, status]
    starts = [tab.select, start.submit, end.submit]
    _answer(prefix, answers.animation, settings, [start, end], shown, made, starts)


def _caption(prefix: str, label: str, value: str, hint: str | None = None) -> gr.Textbox:
    return gr.Textbox(
        value,
        label=label,
        info=hint,
        placeholder="Describe an image",
        max_lines=4,
        min_width=300,
        elem_id=f"{prefix}{label.lower()}",
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
    prefix: str,
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
    place = f"{prefix}{name}"
    pressed = gr.Button(name, elem_id=place, visible="hidden")
    numbers = [settings.number, settings.seed, *settings.options]
    changes = [*(box.change for box in captions), *(number.input for number in numbers)]
    timer, press = f"window['{place}']", f"document.getElementById('{place}').click()"
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
