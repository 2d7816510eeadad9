import asyncio
import re
import time

import pytest

from textgan.app import answer, value
from textgan.app.answer import Answers


class Awaited:
    """`Answers` whose methods return the awaited result."""

    def __init__(self, pipeline):
        self.answers = Answers(pipeline)

    def __getattr__(self, name):
        return lambda *values: asyncio.run(getattr(self.answers, name)(*values))


@pytest.fixture(scope="module")
def answers(pipeline):
    return Awaited(pipeline)


def test_samples_have_their_images_words_and_time(answers, pipeline, sample, images_of):
    seed, chips, html, status = answers.samples(True, "a red circle", 5, 3, 1.0)
    expected = sample(pipeline, "a red circle", number=3, seed=5).images
    assert [i.tobytes() for i in images_of(html)] == [i.tobytes() for i in expected]
    assert re.findall(r">(\w+)</button>", chips) == ["a", "red", "circle"]
    assert chips.count('aria-pressed="false"') == 3
    assert re.search(r"3 images in \d+ ms", status)
    assert "seed 5" in status
    assert seed == 5


def test_an_unlocked_seed_is_another_each_time(answers, monkeypatch):
    taken = iter([11, 22])
    monkeypatch.setattr(value.random, "randrange", lambda end: next(taken))
    first = answers.samples(False, "a red circle", 5, 1, 1.0)
    second = answers.samples(False, "a red circle", None, 1, 1.0)
    assert (first[0], second[0]) == (11, 22)
    assert first[2] != second[2]


def drawn(pipeline, *values):
    """All that an answer with unfinished images shows."""

    async def collect():
        return [shown async for shown in Answers(pipeline).drawn(*values)]

    return asyncio.run(collect())


def test_unfinished_images_are_shown_before_the_samples(stepwise_pipeline, images_of, every_frame):
    values = (True, "a red circle", 5, 2, 1.0, 1.0, 1.0)
    shown = drawn(stepwise_pipeline, *values)
    samples = asyncio.run(Answers(stepwise_pipeline).samples(*values))
    assert shown[-1][1:3] == samples[1:3]
    assert "2 images in" in shown[-1][3]
    assert 2 <= len(shown) <= 5  # as many of four rows as can be shown, and the samples
    assert {seed for seed, *_ in shown} == {None}  # the control of the seed is left alone
    for _, chips, html, status in shown[:-1]:
        assert chips == ""
        assert len(images_of(html)) == 2
        assert "2 images are being drawn" in status
    assert shown[0][2] != shown[-1][2]


def test_a_random_seed_is_shown_once_at_first(stepwise_pipeline, every_frame, monkeypatch):
    monkeypatch.setattr(value.random, "randrange", lambda end: 11)
    shown = drawn(stepwise_pipeline, False, "a red circle", 5, 2, 1.0, 1.0, 1.0)
    assert [seed for seed, *_ in shown][:2] == [11, None]
    assert "seed 11" in shown[-1][3]


def test_who_leaves_ends_the_drawing(stepwise_pipeline, every_frame):
    answers, calls = Answers(stepwise_pipeline), []
    decode = stepwise_pipeline.autoencoder.decode_codes

    def counted(codes):
        calls.append(1)
        time.sleep(0.2)
        return decode(codes)

    async def leave() -> None:
        stream = answers.drawn(True, "a red circle", 5, 2, 1.0, 1.0, 1.0)
        await anext(stream)
        await stream.aclose()

    stepwise_pipeline.autoencoder.decode_codes = counted
    try:
        asyncio.run(leave())
        answers.worker.run(lambda: None).result()  # the worker is free again
    finally:
        del stepwise_pipeline.autoencoder.decode_codes
    assert len(calls) < 4  # of four rows and the end


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((True, "", 0, 4, 1.0, 1.0, 1.0), "Type a caption"),
        ((True, "a", 0, 4, 9.0, 1.0, 1.0), "temperature must be in"),
    ],
)
def test_bad_input_to_it_is_answered_in_words(stepwise_pipeline, values, message):
    ((seed, chips, html, status),) = drawn(stepwise_pipeline, *values)
    assert message.lower() in status.lower()
    assert (seed, chips, html) == (None, "", answer.markup.EMPTY)


def test_heat_comes_and_goes_over_the_same_samples(answers, images_of):
    _, _, plain, _ = answers.samples(True, "a red circle", 5, 2, 0.5)
    hot, _ = answers.attention(1, "a red circle", 5, 2, 0.5)
    cold, _ = answers.attention(-1, "a red circle", 5, 2, 0.5)
    assert len(images_of(hot)) == 2
    assert hot != plain
    assert cold == plain


def test_an_animation_moves_and_shows_its_frames(answers, images_of):
    seed, moving, status = answers.animation(True, "a red circle", "a blue square", 2, 4, 1.0)
    kinds = [image.format for image in images_of(moving)]
    assert kinds == ["GIF", *["PNG"] * 4]
    assert "4 frames in" in status
    assert seed == 2


def test_a_generator_that_attends_to_no_words_offers_none(make_pipeline, images_of):
    _, chips, html, _ = Awaited(make_pipeline(word_resolutions=())).samples(True, "a", 0, 1, 1)
    assert chips == ""
    assert len(images_of(html)) == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("", 0, 4, 1.0), "Type a caption"),
        (("a " * 2000, 0, 4, 1.0), "1,000 characters"),
        (("a (red:99)", 0, 4, 1.0), "weight"),
        (("a", None, 4, 1.0), "A locked seed must be a number, and its box is empty."),
        (("a", 1.5, 4, 1.0), "A locked seed must be a whole number, got 1.5."),
        (("a", 0, None, 1.0), "The number of images must be a number"),
        ((None, 0, 4, 1.0), "Type a caption"),
        (("a", float("inf"), 4, 1.0), "A locked seed must be a number, got inf."),
        (("a", 0, "x", 1.0), "The number of images must be a number, got &#x27;x&#x27;."),
        (("a", 0, 17, 1.0), "from 1 to 16, got 17"),
        (("a", 0, 4, None), "Truncation must be a number"),
        (("a", 0, 4, 1.5), "Truncation must be in [0, 1], got 1.5"),
    ],
)
def test_bad_input_is_answered_in_words(answers, images_of, values, message):
    seed, chips, html, status = answers.samples(True, *values)
    assert message in status
    assert seed == values[1]
    assert chips == ""
    assert not images_of(html)
    html, status = answers.attention(0, *values)
    assert message in status
    assert not images_of(html)


def test_an_animation_without_an_end_is_answered_in_words(answers, images_of):
    for values, message in (
        (("a", "", 0, 8, 1.0), "Type a second caption"),
        (("a", "b", 0, 99, 1.0), "from 2 to 32, got 99"),
        (("a", "b", 0, None, 1.0), "The number of frames must be a number"),
    ):
        _, moving, status = answers.animation(True, *values)
        assert message in status
        assert not images_of(moving)


def test_a_word_of_an_earlier_caption_is_answered_in_words(answers):
    _, status = answers.attention(5, "a", 0, 1, 1.0)
    assert "fewer than 6 words" in status


def test_a_caption_cannot_write_html(answers):
    caption = '<u title="x">&'
    for html in answers.samples(True, caption, 0, 2, 1.0)[1:]:
        assert "<u" not in html
        assert 'title="x"' not in html
    _, moving, _ = answers.animation(True, caption, caption, 0, 2, 1.0)
    assert "<u" not in moving


def test_words_that_are_not_read_are_named(answers):
    assert "words were not read" in answers.samples(True, "circle " * 100, 0, 1, 1.0)[3]
    assert "not read" not in answers.samples(True, "circle", 0, 1, 1.0)[3]
