import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import torch

from textgan.app import worker as worker_module
from textgan.app.answer import Answers
from textgan.app.sampling import SampleRequest, VisitorGoneError
from textgan.app.worker import NotSampledError, Worker

CAPTIONS = ["a red circle", "a blue square left of a green star", "star", "a (red:1.7) square"]


@contextmanager
def held(worker):
    """Hold the worker at a task, so that requests inside the block wait."""
    go, begun = threading.Event(), threading.Event()

    def task():
        begun.set()
        return go.wait(20)

    waiting = worker.run(task)
    begun.wait(20)
    yield
    go.set()
    assert waiting.result()


def answers_of(worker, requests):
    """The samples, or the error, of each of several requests that wait at once."""
    with held(worker):
        waiting = [worker.sample(request) for request in requests]
    return [one.exception() or one.result() for one in waiting]


@pytest.fixture
def batches(monkeypatch):
    """The number of requests in each batch."""
    sizes, before = [], worker_module.sample_batch

    def sample_batch(pipeline, requests, shows):
        sizes.append(len(requests))
        return before(pipeline, requests, shows)

    monkeypatch.setattr(worker_module, "sample_batch", sample_batch)
    return sizes


def test_requests_that_wait_are_one_batch_with_the_same_images(pipeline, batches, sample, gap):
    half = {"truncation": 0.5}
    requests = [SampleRequest(c, 1 + i, 3 * i, half) for i, c in enumerate(CAPTIONS)]
    answers = answers_of(Worker(pipeline), requests)
    assert batches == [4]
    for request, samples in zip(requests, answers, strict=True):
        alone = sample(pipeline, request.caption, request.number, request.seed, truncation=0.5)
        assert samples.request is request
        assert len(samples.images) == request.number
        assert all(gap(*pair) <= 1 for pair in zip(samples.images, alone.images, strict=True))


def test_a_drawing_that_nobody_waits_for_ends(stepwise_pipeline, every_frame):
    seen, worker = [], Worker(stepwise_pipeline)

    def leave(images) -> None:
        seen.append(images)
        raise VisitorGoneError

    with held(worker):
        left = worker.sample(SampleRequest("a red circle"), leave)
    with pytest.raises(NotSampledError, match="The visitor has left"):
        left.result()
    assert len(seen) == 1
    # One who stays in the same batch gets the samples.
    with held(worker):
        left = worker.sample(SampleRequest("a red circle"), leave)
        stays = worker.sample(SampleRequest("a blue square"), lambda images: None)
    assert len(stays.result().images) == 4
    assert worker.sample(SampleRequest("a red circle")).result().images


def test_each_request_of_a_batch_sees_its_own_unfinished_images(
    stepwise_pipeline, batches, every_frame
):
    requests = [SampleRequest("a red circle", 2), SampleRequest("a blue square", 1, 5)]
    seen, worker = [[], []], Worker(stepwise_pipeline)
    with held(worker):
        waiting = [worker.sample(r, own.append) for r, own in zip(requests, seen, strict=True)]
    for request, own, answer in zip(requests, seen, waiting, strict=True):
        images = answer.result().images
        assert len(own) == 4  # rows of codes
        assert [len(some) for some in own] == [request.number] * 4
        assert [i.tobytes() for i in own[-1]] == [i.tobytes() for i in images]
        assert own[0][0].tobytes() != images[0].tobytes()
    assert batches == [2]


def test_a_model_without_unfinished_images_shows_none(pipeline):
    seen = []
    assert Worker(pipeline).sample(SampleRequest("a star"), seen.append).result().images
    assert seen == []


def test_other_options_make_another_batch_and_a_batch_has_an_end(pipeline, batches):
    options = [{"truncation": value} for value in (1.0, 0.5, 1.0, 0.5, 1.0, 1.0)]
    requests = [SampleRequest("a star", 4, seed, value) for seed, value in enumerate(options)]
    answers = answers_of(Worker(pipeline, most_images=12), requests)
    assert batches == [3, 2, 1]
    assert [samples.request for samples in answers] == requests


@pytest.mark.parametrize("error", [ValueError("unread"), RuntimeError("boom"), KeyError("x")])
def test_only_the_request_at_fault_is_refused(pipeline, monkeypatch, error, capsys):
    encode = pipeline.encode

    def fussy(captions):
        if "bad" in captions:
            raise error
        return encode(captions)

    monkeypatch.setattr(pipeline, "encode", fussy)
    worker = Worker(pipeline)
    first, bad, last = answers_of(worker, map(SampleRequest, ("a", "bad", "star")))
    assert (first.request.caption, last.request.caption) == ("a", "star")
    if isinstance(error, ValueError):
        assert bad is error
    else:
        assert isinstance(bad, NotSampledError)
        assert "failed on this request" in str(bad)
        assert type(error).__name__ in capsys.readouterr().err
    assert worker.sample(SampleRequest("a star")).result().request.caption == "a star"


def test_the_worker_outlives_even_what_is_no_exception(pipeline, capsys):
    class Panic(BaseException):
        pass

    def task():
        raise Panic

    worker = Worker(pipeline)
    with pytest.raises(NotSampledError):
        worker.run(task).result()
    assert worker.run(lambda: 7).result() == 7


def test_images_that_are_no_numbers_are_refused_alone(pipeline, monkeypatch):
    noise = pipeline.noise

    def broken(keys, truncation):
        values = noise(keys, truncation)
        values[[seed == 13 for seed, *_ in keys]] = torch.nan
        return values

    monkeypatch.setattr(pipeline, "noise", broken)
    requests = [SampleRequest("a", seed=seed) for seed in (1, 13)]
    good, bad = answers_of(Worker(pipeline), requests)
    assert good.request.seed == 1
    assert isinstance(bad, FloatingPointError)


def test_a_full_queue_refuses_with_a_sentence(pipeline):
    worker = Worker(pipeline, most_waiting=2)
    with held(worker):
        waiting = [worker.sample(SampleRequest("a")) for _ in range(2)]
        with pytest.raises(NotSampledError, match=r"too many requests \(2 others are waiting"):
            worker.sample(SampleRequest("a"))
        with pytest.raises(NotSampledError, match="too many requests"):
            worker.run(lambda: 1)
    assert all(one.result() for one in waiting)


def test_a_visitor_who_left_is_not_sampled_for(pipeline, batches):
    worker = Worker(pipeline)
    with held(worker):
        waiting = [worker.sample(SampleRequest("a", seed=seed)) for seed in range(4)]
        assert waiting[0].cancel()
        assert waiting[2].cancel()
    assert [waiting[place].result().request.seed for place in (1, 3)] == [1, 3]
    assert sum(batches) == 2


def test_answers_to_eight_threads_are_those_to_one(pipeline, images_of, gap):
    answers = Answers(pipeline)
    values = [(CAPTIONS[i % 4], i, 1 + i % 3, 1.0) for i in range(16)]

    async def visit(values):
        seed, chips, samples, _ = await answers.samples(True, *values)
        heat, _ = await answers.attention(0, *values)
        _, moving, _ = await answers.animation(True, values[0], "a star", values[1], 3, 1.0)
        strip = moving.partition("tg-strip")[2]
        return seed, chips, images_of(samples + heat + strip)

    def call(values):
        return asyncio.run(visit(values))

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(call, values))
    for one, other in zip(together, map(call, values), strict=True):
        assert one[:2] == other[:2]
        assert all(gap(*pair) <= 2 for pair in zip(one[2], other[2], strict=True))
