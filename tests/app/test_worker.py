import asyncio
import base64
import io
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from PIL import Image

from textgan.app import worker as worker_module
from textgan.app.answer import Answers
from textgan.app.drawing import Wish, draw
from textgan.app.worker import NotDrawnError, Worker

CAPTIONS = ["a red circle", "a blue square left of a green star", "star", "a (red:1.7) square"]


@contextmanager
def held(worker):
    """Hold the worker at a task, so that all that is asked within waits."""
    go, begun = threading.Event(), threading.Event()

    def task():
        begun.set()
        return go.wait(20)

    waiting = worker.run(task)
    begun.wait(20)
    yield
    go.set()
    assert waiting.result()


def answers_of(worker, wishes):
    """What each gets of several that wait at once: its drawing, or its error."""
    with held(worker):
        asked = [worker.draw(wish) for wish in wishes]
    return [one.exception() or one.result() for one in asked]


@pytest.fixture
def batches(monkeypatch):
    """How many wishes are drawn together, batch by batch."""
    sizes, before = [], worker_module.draw_all

    def draw_all(pipeline, wishes):
        sizes.append(len(wishes))
        return before(pipeline, wishes)

    monkeypatch.setattr(worker_module, "draw_all", draw_all)
    return sizes


def test_wishes_that_wait_are_drawn_in_one_batch_and_are_as_if_drawn_alone(pipeline, batches):
    wishes = [
        Wish(caption, 1 + i, 3 * i, {"truncation": 0.5}) for i, caption in enumerate(CAPTIONS)
    ]
    drawings = answers_of(Worker(pipeline), wishes)
    assert batches == [4]
    for wish, drawing in zip(wishes, drawings, strict=True):
        alone = draw(pipeline, wish.caption, number=wish.number, seed=wish.seed, truncation=0.5)
        assert (drawing.caption, drawing.seed) == (wish.caption, wish.seed)
        assert len(drawing.images) == wish.number
        for one, other in zip(drawing.images, alone.images, strict=True):
            assert np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max() <= 1


def test_other_options_make_another_batch_and_a_batch_has_an_end(pipeline, batches):
    options = [{"truncation": value} for value in (1.0, 0.5, 1.0, 0.5, 1.0, 1.0)]
    wishes = [Wish("a star", 4, seed, value) for seed, value in enumerate(options)]
    drawings = answers_of(Worker(pipeline, most_pictures=12), wishes)
    assert batches == [3, 2, 1]
    assert [drawing.seed for drawing in drawings] == [0, 1, 2, 3, 4, 5]
    assert [drawing.options for drawing in drawings] == options


@pytest.mark.parametrize("error", [ValueError("unread"), RuntimeError("boom"), KeyError("x")])
def test_only_the_wish_at_fault_is_refused(pipeline, monkeypatch, error, capsys):
    encode = pipeline.encode

    def fussy(captions):
        if "bad" in captions:
            raise error
        return encode(captions)

    monkeypatch.setattr(pipeline, "encode", fussy)
    worker = Worker(pipeline)
    first, bad, last = answers_of(worker, [Wish("a"), Wish("bad"), Wish("star")])
    assert (first.caption, last.caption) == ("a", "star")
    if isinstance(error, ValueError):
        assert bad is error
    else:
        assert isinstance(bad, NotDrawnError)
        assert "failed to draw this" in str(bad)
        assert type(error).__name__ in capsys.readouterr().err
    assert worker.draw(Wish("a star")).result().caption == "a star"


def test_the_worker_outlives_even_what_is_no_exception(pipeline, capsys):
    class Panic(BaseException):
        pass

    def task():
        raise Panic

    worker = Worker(pipeline)
    with pytest.raises(NotDrawnError):
        worker.run(task).result()
    assert worker.run(lambda: 7).result() == 7


def test_pictures_that_are_no_numbers_are_refused_alone(pipeline, monkeypatch):
    noise = pipeline.noise

    def broken(keys, truncation):
        drawn = noise(keys, truncation)
        drawn[[seed == 13 for seed, *_ in keys]] = torch.nan
        return drawn

    monkeypatch.setattr(pipeline, "noise", broken)
    good, bad = answers_of(Worker(pipeline), [Wish("a", seed=1), Wish("a", seed=13)])
    assert good.seed == 1
    assert isinstance(bad, FloatingPointError)


def test_a_full_queue_refuses_with_a_sentence(pipeline):
    worker = Worker(pipeline, most_waiting=2)
    with held(worker):
        asked = [worker.draw(Wish("a")) for _ in range(2)]
        with pytest.raises(NotDrawnError, match=r"Too many visitors draw at once \(2 others"):
            worker.draw(Wish("a"))
        with pytest.raises(NotDrawnError, match="Too many visitors"):
            worker.run(lambda: 1)
    assert all(one.result() for one in asked)


def test_a_visitor_who_left_is_not_drawn_for(pipeline, batches):
    worker = Worker(pipeline)
    with held(worker):
        asked = [worker.draw(Wish("a", seed=seed)) for seed in range(4)]
        assert asked[0].cancel()
        assert asked[2].cancel()
    assert [asked[1].result().seed, asked[3].result().seed] == [1, 3]
    assert sum(batches) == 2


def test_answers_to_eight_threads_are_those_to_one(pipeline):
    answers = Answers(pipeline)
    wishes = [(CAPTIONS[i % 4], i, 1 + i % 3, 1.0) for i in range(16)]

    async def visit(wish):
        seed, chips, pictures, _ = await answers.drawing(True, *wish)
        heat, _ = await answers.attention(0, *wish)
        _, moving, _ = await answers.animation(True, wish[0], "a star", wish[1], 3, 1.0)
        return seed, chips, pixels_of(pictures), pixels_of(heat), pixels_of(moving)

    def ask(wish):
        return asyncio.run(visit(wish))

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, wishes))
    for one, other in zip(together, map(ask, wishes), strict=True):
        assert one[:2] == other[:2]
        for these, those in zip(one[2:], other[2:], strict=True):
            assert these.shape == those.shape
            assert np.abs(these - those).max() <= 2


def pixels_of(html):
    sources = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)"', html)
    images = [Image.open(io.BytesIO(base64.b64decode(source))) for source in sources]
    return np.stack([np.asarray(image, dtype=int) for image in images])
