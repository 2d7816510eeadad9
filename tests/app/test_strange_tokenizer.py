"""A caption at which a stranger's tokenizer gives up is answered, as any other that is refused."""

import asyncio
import copy
import json

import torch

from textgan.app.answer import Answers
from textgan.app.markup import EMPTY


def test_a_panic_of_the_tokenizer_is_an_answer_of_the_page(pipeline):
    pipeline = copy.deepcopy(pipeline)
    tokenizer = pipeline.text_encoder.tokenizer
    said = json.loads(bytes(tokenizer.get_extra_state().tolist()))
    only_snow = {"type": "Replace", "pattern": {"Regex": "[^☃]"}, "content": ""}
    steps = [only_snow, {"type": "Prepend", "prepend": ""}]
    said["normalizer"] = {"type": "Sequence", "normalizers": steps}
    content = bytearray(json.dumps(said).encode())
    tokenizer.set_extra_state(torch.frombuffer(content, dtype=torch.uint8))
    answers = Answers(pipeline)
    assert EMPTY not in asyncio.run(answers.drawing(True, "a star", 5, 1, 1.0))
    _, chips, pictures, status = asyncio.run(answers.drawing(True, "☃☃☃", 5, 1, 1.0))
    assert (chips, pictures) == ("", EMPTY)
    assert "he tokenizer fails at the caption" in status
    assert "index out of bounds" in status
    for pictures, status in (
        asyncio.run(answers.attention(0, "☃☃☃", 5, 1, 1.0)),
        asyncio.run(answers.animation(True, "a star", "☃☃☃", 5, 4, 1.0))[1:],
    ):
        assert pictures == EMPTY
        assert "he tokenizer fails at the caption" in status
