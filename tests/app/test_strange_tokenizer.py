"""A caption at which an untrusted tokenizer panics is refused with a message."""

import asyncio
import copy
import json

import torch

from textgan.app.answer import Answers
from textgan.app.markup import EMPTY


def test_a_panic_of_the_tokenizer_is_an_answer_of_the_page(pipeline):
    pipeline = copy.deepcopy(pipeline)
    tokenizer = pipeline.text_encoder.tokenizer
    state = json.loads(bytes(tokenizer.get_extra_state().tolist()))
    only_snow = {"type": "Replace", "pattern": {"Regex": "[^☃]"}, "content": ""}
    steps = [only_snow, {"type": "Prepend", "prepend": ""}]
    state["normalizer"] = {"type": "Sequence", "normalizers": steps}
    content = bytearray(json.dumps(state).encode())
    tokenizer.set_extra_state(torch.frombuffer(content, dtype=torch.uint8))
    answers = Answers(pipeline)
    assert EMPTY not in asyncio.run(answers.samples(True, "a star", 5, 1, 1.0))
    _, chips, html, status = asyncio.run(answers.samples(True, "☃☃☃", 5, 1, 1.0))
    assert (chips, html) == ("", EMPTY)
    assert "he tokenizer fails at the caption" in status
    assert "index out of bounds" in status
    for html, status in (
        asyncio.run(answers.attention(0, "☃☃☃", 5, 1, 1.0)),
        asyncio.run(answers.animation(True, "a star", "☃☃☃", 5, 4, 1.0))[1:],
    ):
        assert html == EMPTY
        assert "he tokenizer fails at the caption" in status
