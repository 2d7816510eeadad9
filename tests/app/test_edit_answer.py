"""A picture that a visitor sends is edited, whatever the request contains."""

import asyncio
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from textgan.app import value
from textgan.app.answer import Answers
from textgan.app.edit_answer import EditAnswers, EditControls
from textgan.app.editing import strengths, tasks_of

CAPTION = "a red circle"  # 12 letters
GRADIENT = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.fixture(scope="module")
def edits(shades):
    return EditAnswers(Answers(shades(16)))


@pytest.fixture
def controls(png_of):
    """What the page sends for a gradient whose upper half is marked."""
    mask = np.zeros((16, 16), dtype=np.uint8)
    mask[:8] = 255
    return EditControls(
        picture=png_of(Image.fromarray(GRADIENT).convert("RGBA")),
        mask=png_of(Image.fromarray(mask)),
        task="inpaint",
        caption=CAPTION,
        source="a circle",
        strengths=[0.5, 1, 1],
        seed=5,
        locked=True,
        number=1,
        options=[1],
    )


def shown(edits, controls):
    """All that the answer shows."""

    async def collect():
        return [values async for values in edits.edited(controls)]

    return asyncio.run(collect())


def test_the_rest_of_an_inpainted_picture_stays_as_it_is(edits, controls, images_of):
    first, (seed, html, status) = shown(edits, controls)
    assert first[:2] == (None, None)
    assert "is being drawn" in first[2]
    (image,) = images_of(html)
    gray = np.asarray(image)[..., 0]
    assert (gray[8:] == GRADIENT[8:]).all()
    # (12 + 5 + 10) / 100 in [-1, 1] is 0.635 of 255.
    assert (abs(gray[:8] - 161.9) < 1).all()
    assert seed is None
    assert "1 image in" in status
    assert "seed 5" in status
    assert 'download="a-red-circle-seed-5-1.png"' in html


def test_several_images_differ_by_their_number(edits, controls, images_of):
    html = shown(edits, replace(controls, number=3))[-1][1]
    grays = [np.asarray(image)[0, 0, 0] for image in images_of(html)[:3]]
    # Each image is 1 / 100 lighter than the one before, which is 1.3 of 255.
    assert [round((int(gray) - int(grays[0])) / 1.275) for gray in grays] == [0, 1, 2]


def test_a_picture_is_drawn_anew_as_far_as_its_strength_says(edits, controls, images_of):
    html = shown(edits, replace(controls, task="image_to_image", strengths=[0.25, 1, 1]))[-1][1]
    gray = np.asarray(images_of(html)[0])[..., 0]
    assert (abs(gray - (0.75 * GRADIENT + 0.25 * 161.9)) < 1).all()
    html = shown(edits, replace(controls, task="variations"))[-1][1]
    assert (abs(np.asarray(images_of(html)[0])[..., 0] - 161.9) < 1).all()


def test_a_change_by_two_captions_has_one_image_and_no_seed(edits, controls, images_of):
    sent = replace(controls, task="edit", seed=None, number=None, strengths=[None, 0.5, None])
    seed, html, status = shown(edits, sent)[-1]
    gray = np.asarray(images_of(html)[0])[..., 0]
    # Half of 12 - 8 letters and one step is 0.025 in [-1, 1], or 3.2 of 255.
    assert (abs(gray - (GRADIENT + 3.2).clip(0, 255)) < 1).all()
    assert seed is None
    assert "seed" not in status
    assert 'download="a-red-circle-1.png"' in html


def test_an_unlocked_seed_is_random_and_shown_at_first(edits, controls, monkeypatch):
    monkeypatch.setattr(value.random, "randrange", lambda end: 11)
    first, last = shown(edits, replace(controls, locked=False))
    assert (first[0], last[0]) == (11, None)
    assert "seed 11" in last[2]
    (first, _) = shown(edits, replace(controls, locked=False, task="edit"))
    assert first[0] is None


def test_options_change_the_images(edits, controls):
    few, more = (shown(edits, replace(controls, options=[n]))[-1][1] for n in (1, 5))
    assert few != more


def test_an_option_that_the_task_does_not_declare_is_left_out(edits, controls):
    sent = replace(controls, task="variations")
    few, more = (shown(edits, replace(sent, options=[n]))[-1][1] for n in (1, 5))
    assert few == more


def test_variations_need_no_caption(edits, controls):
    assert "1 image in" in shown(edits, replace(controls, task="variations", caption=""))[-1][2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"picture": None}, "Choose a picture first."),
        ({"picture": "/etc/passwd"}, "The picture must be a PNG inside the request"),
        ({"picture": {"path": "/etc/passwd"}}, "The picture must be a PNG inside the request"),
        ({"picture": "data:image/png;base64,AAAA"}, "The picture must be a PNG, and its first"),
        ({"mask": None}, "Paint over the part"),
        ({"mask": "x"}, "The mask must be a PNG inside the request"),
        ({"task": "sample"}, "What to do must be one of inpaint, image_to_image, edit, variations"),
        ({"task": "__init__"}, "What to do must be one of"),
        ({"task": None}, "What to do must be one of"),
        ({"task": ["edit"]}, "What to do must be one of"),
        ({"caption": ""}, "Type a caption"),
        ({"caption": 7}, "A caption must be text, got 7"),
        ({"caption": "a" * 1001}, "1,000 characters"),
        ({"task": "edit", "source": " "}, "Type a caption of the picture"),
        ({"task": "edit", "source": None}, "Type a caption of the picture"),
        ({"seed": None}, "A locked seed must be a number"),
        ({"number": 17}, "from 1 to 16, got 17"),
        ({"options": [99]}, "Steps must be in [1, 9]"),
        ({"options": []}, "argument 2 is shorter"),
        (
            {"task": "image_to_image", "strengths": [0, 1, 1]},
            "Strength must be in [0.05, 1], got 0",
        ),
        ({"task": "image_to_image", "strengths": ["1", 1, 1]}, "Strength must be a number"),
        ({"task": "variations", "strengths": [1, 1, float("nan")]}, "Strength must be in"),
    ],
)
def test_bad_input_is_answered_in_one_sentence_and_leaves_the_images(
    edits, controls, changed, message
):
    *_, (seed, html, status) = shown(edits, replace(controls, **changed))
    assert message.replace("'", "&#x27;") in status
    assert 'class="tg-status tg-refused"' in status
    assert (seed, html) == (None, None)


def test_marks_without_a_size_of_the_picture_are_refused(edits, controls, png_of):
    small = replace(controls, mask=png_of(Image.new("L", (8, 8), "white")))
    assert "must have the size of the picture" in shown(edits, small)[-1][2]
    empty = replace(controls, mask=png_of(Image.new("L", (16, 16))))
    assert "Paint over the part" in shown(edits, empty)[-1][2]


def test_a_model_that_fails_is_answered_in_one_sentence(shades, controls, monkeypatch, capsys):
    pipeline = shades(16)

    def fail(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr(pipeline, "inpaint", fail)
    edits = EditAnswers(Answers(pipeline))
    assert "The model failed on this request" in shown(edits, controls)[-1][2]
    assert "1 image in" in shown(edits, replace(controls, task="edit"))[-1][2]


def unfinished(shades):
    pipeline = shades(16)
    pipeline.abilities = pipeline.abilities | {"unfinished_images"}
    return pipeline


def test_unfinished_images_are_shown_where_there_are_some(shades, controls, images_of):
    edits = EditAnswers(Answers(unfinished(shades)))
    for task in ("inpaint", "image_to_image", "variations"):
        first, *between, last = shown(edits, replace(controls, task=task))
        assert first[1] is None
        for _, html, status in between:
            assert html != last[1]
            assert len(images_of(html)) == 1
            assert "is being drawn" in status
        assert "1 image in" in last[2]
    assert len(shown(edits, replace(controls, task="edit"))) == 2


def test_who_leaves_ends_the_drawing(shades, controls):
    pipeline, calls = unfinished(shades), []
    generate = pipeline.generate

    def in_steps(captions, keys, **options):
        for _ in range(10):
            calls.append(1)
            time.sleep(0.1)
            images = generate(captions, keys, **options)
        return images

    pipeline.generate = in_steps
    edits = EditAnswers(Answers(pipeline))

    async def leave() -> None:
        stream = edits.edited(controls)
        await anext(stream)
        await anext(stream)
        await stream.aclose()

    asyncio.run(leave())
    edits.answers.worker.run(lambda: None).result()  # the worker is free again
    assert len(calls) < 10


def test_tasks_and_strengths_are_those_of_the_pipeline(shades, pipeline):
    found = strengths(shades(16))
    assert {task: option.default for task, option in found.items()} == {
        "image_to_image": 0.6,
        "edit": 1.0,
        "variations": 1.0,
    }
    assert tasks_of(shades(16)) == ["inpaint", "image_to_image", "edit", "variations"]
    assert tasks_of(pipeline) == []
