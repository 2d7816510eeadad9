import asyncio
import base64
import io
import re

import pytest
from PIL import Image

from textgan.app import answer
from textgan.app.answer import Answers
from textgan.app.drawing import draw


class Asked:
    """What one visitor gets."""

    def __init__(self, pipeline):
        self.answers = Answers(pipeline)

    def drawing(self, *values):
        return asyncio.run(self.answers.drawing(*values))

    def attention(self, *values):
        return asyncio.run(self.answers.attention(*values))

    def animation(self, *values):
        return asyncio.run(self.answers.animation(*values))


@pytest.fixture(scope="module")
def answers(pipeline):
    return Asked(pipeline)


def images_of(html):
    sources = re.findall(r'<img [^>]*src="data:image/\w+;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]


def test_a_drawing_has_its_pictures_words_and_time(answers, pipeline):
    seed, chips, pictures, status = answers.drawing(True, "a red circle", 5, 3, 1.0)
    drawn = draw(pipeline, "a red circle", number=3, seed=5)
    assert [i.tobytes() for i in images_of(pictures)] == [i.tobytes() for i in drawn.images]
    assert re.findall(r">(\w+)</button>", chips) == ["a", "red", "circle"]
    assert chips.count('aria-pressed="false"') == 3
    assert re.search(r"3 pictures in \d+ ms", status)
    assert "seed 5" in status
    assert seed == 5


def test_an_unlocked_seed_is_another_each_time(answers, monkeypatch):
    taken = iter([11, 22])
    monkeypatch.setattr(answer.random, "randrange", lambda end: next(taken))
    first = answers.drawing(False, "a red circle", 5, 1, 1.0)
    second = answers.drawing(False, "a red circle", None, 1, 1.0)
    assert (first[0], second[0]) == (11, 22)
    assert first[2] != second[2]


def test_heat_comes_and_goes_over_the_same_drawing(answers):
    _, _, plain, _ = answers.drawing(True, "a red circle", 5, 2, 0.5)
    hot, _ = answers.attention(1, "a red circle", 5, 2, 0.5)
    cold, _ = answers.attention(-1, "a red circle", 5, 2, 0.5)
    assert len(images_of(hot)) == 2
    assert hot != plain
    assert cold == plain


def test_an_animation_moves_and_shows_its_frames(answers):
    seed, moving, status = answers.animation(True, "a red circle", "a blue square", 2, 4, 1.0)
    kinds = [image.format for image in images_of(moving)]
    assert kinds == ["GIF", *["PNG"] * 4]
    assert "4 frames in" in status
    assert seed == 2


def test_a_generator_that_looks_at_no_words_offers_none(make_pipeline):
    _, chips, pictures, _ = Asked(make_pipeline(word_resolutions=())).drawing(True, "a", 0, 1, 1)
    assert chips == ""
    assert len(images_of(pictures)) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("", 0, 4, 1.0), "Type a caption"),
        (("a " * 2000, 0, 4, 1.0), "1,000 characters"),
        (("a (red:99)", 0, 4, 1.0), "weight"),
        (("a", None, 4, 1.0), "A locked seed must be a number, and its box is empty."),
        (("a", 1.5, 4, 1.0), "A locked seed must be a whole number, got 1.5."),
        (("a", 0, None, 1.0), "The number of pictures must be a number"),
        ((None, 0, 4, 1.0), "Type a caption"),
        (("a", float("inf"), 4, 1.0), "A locked seed must be a number, got inf."),
        (("a", 0, "x", 1.0), "The number of pictures must be a number, got &#x27;x&#x27;."),
        (("a", 0, 17, 1.0), "from 1 to 16, got 17"),
        (("a", 0, 4, None), "Truncation must be a number"),
        (("a", 0, 4, 1.5), "Truncation must be in [0, 1], got 1.5"),
    ],
)
def test_bad_input_is_answered_in_words(answers, values, said):
    seed, chips, pictures, status = answers.drawing(True, *values)
    assert said in status
    assert seed == values[1]
    assert chips == ""
    assert not images_of(pictures)
    pictures, status = answers.attention(0, *values)
    assert said in status
    assert not images_of(pictures)


def test_a_way_to_nowhere_is_answered_in_words(answers):
    for values, said in (
        (("a", "", 0, 8, 1.0), "Type a second caption"),
        (("a", "b", 0, 99, 1.0), "from 2 to 32, got 99"),
        (("a", "b", 0, None, 1.0), "The number of frames must be a number"),
    ):
        _, moving, status = answers.animation(True, *values)
        assert said in status
        assert not images_of(moving)


def test_a_word_of_an_earlier_caption_is_answered_in_words(answers):
    _, status = answers.attention(5, "a", 0, 1, 1.0)
    assert "no word number 6" in status


def test_a_caption_cannot_write_html(answers):
    caption = '<u title="x">&'
    for html in answers.drawing(True, caption, 0, 2, 1.0)[1:]:
        assert "<u" not in html
        assert 'title="x"' not in html
    _, moving, _ = answers.animation(True, caption, caption, 0, 2, 1.0)
    assert "<u" not in moving


def test_words_that_are_not_read_are_said(answers):
    assert "words were not read" in answers.drawing(True, "circle " * 100, 0, 1, 1.0)[3]
    assert "not read" not in answers.drawing(True, "circle", 0, 1, 1.0)[3]
