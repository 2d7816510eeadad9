"""The page over one or more pipelines, in Gradio: controls, and the functions that answer."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Set before the import, since Gradio would report it.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
# Otherwise Gradio builds a table of the last 10,000 events after each one, for a monitor that is
# not served.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)

import gradio as gr

from textgan.app import markup
from textgan.app.animation import MAX_FRAMES
from textgan.app.answer import Answers
from textgan.app.control import LIVE, answer_live, answer_on, caption_box, column, make_settings
from textgan.app.edit_tab import edit_tab
from textgan.app.editing import tasks_of
from textgan.app.sampling import MAX_IMAGES
from textgan.pipeline import TextToImagePipeline

_MOST_WAITING = 1024  # requests in that queue
# One object for all clicks: Gradio sends the first one's again for a click that had to wait.
_CHIPS = """
const sent = {};
element.addEventListener('click', (event) => {
  const chip = event.target.closest('button');
  if (!chip) return;
  const down = chip.getAttribute('aria-pressed') === 'false';
  for (const other of element.querySelectorAll('button[aria-pressed]'))
    other.setAttribute('aria-pressed', other === chip && down);
  const place = Number(chip.dataset.place);
  sent.place = !chip.hasAttribute('aria-pressed') || down ? place : -1;
  trigger('click', sent);
});
"""


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
    if tasks_of(model.pipeline):
        with gr.Tab("Edit"):
            edit_tab(answers, model.examples, prefix)


def _samples_tab(opened: Callable, answers: Answers, examples: list[str], prefix: str) -> None:
    hint = "Images are sampled while you type."
    if "weighted_words" in answers.pipeline.abilities:
        hint += " (red:1.5) gives a word more weight."
    caption = caption_box(f"{prefix}caption", "Caption", examples[0] if examples else "", hint)
    with gr.Row(elem_classes="tg-row"):
        with column(1, 240, "tg-settings"):
            settings = make_settings("Images", (1, MAX_IMAGES, 4), answers.sliders("sample"))
            chips = markup.chips("Examples", examples)
            offered = gr.HTML(chips, js_on_load=_CHIPS, elem_classes="tg-examples")
        with column(3, 300, "tg-result"):
            words = gr.HTML(js_on_load=_CHIPS)
            status = gr.HTML(js_on_load=LIVE)
            images = gr.HTML(markup.EMPTY, elem_id=f"{prefix}images")

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
    answer_live(prefix, made_by, settings, [caption], shown, made, starts)
    answer_on([words.click], attention, shown, [images, status])
    answer_on([offered.click], example, [], [caption])


def _between_tab(tab: gr.Tab, answers: Answers, examples: list[str], prefix: str) -> None:
    first, second = (*examples, "", "")[:2]
    with gr.Row(elem_classes="tg-row"):
        start = caption_box(f"{prefix}from", "From", first)
        end = caption_box(f"{prefix}to", "To", second)
    with gr.Row(elem_classes="tg-row"):
        with column(1, 240, "tg-settings"):
            settings = make_settings("Frames", (2, MAX_FRAMES, 16), answers.sliders("interpolate"))
        with column(3, 300, "tg-result"):
            status = gr.HTML(js_on_load=LIVE)
            moving = gr.HTML(markup.EMPTY)
    shown = [start, end, settings.seed, settings.number, *settings.options]
    made = [settings.seed, moving, status]
    starts = [tab.select, start.submit, end.submit]
    answer_live(prefix, answers.animation, settings, [start, end], shown, made, starts)
