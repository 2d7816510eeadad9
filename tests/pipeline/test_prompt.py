import pytest
import torch

from textgan.caption.prompt import Prompt, parse
from textgan.pipeline import prompt
from textgan.text_encoder import BertTextEncoder

CAPTIONS = ["a large red circle", "a large circle", "two stars"]


@pytest.fixture(scope="module")
def encoder(make_encoder) -> BertTextEncoder:
    torch.manual_seed(0)
    return make_encoder(CAPTIONS * 2, vocab_size=400)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a (red:1.5) circle", Prompt("a red circle", ((2, 5, 1.5),))),
        ("(two words: 0) (x:2)", Prompt("two words x", ((0, 9, 0.0), (10, 11, 2.0)))),
        ("a sign (left) (a: b) :2)", Prompt("a sign (left) (a: b) :2)")),
        ("(red:x) (red:-1)", Prompt("(red:x) (red:-1)")),
        ("(at 12:30) (16:9) (scale 1:5) (:3)", Prompt("(at 12:30) (16:9) (scale 1:5) (:3)")),
        ("", Prompt("")),
    ],
)
def test_only_a_number_behind_a_colon_in_parentheses_is_a_weight(caption, expected):
    assert parse(caption) == expected


def test_a_weight_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"in \[0, 10\], got '\(red:10.5\)'"):
        parse("a (red:10.5) circle")


def test_more_weights_than_a_caption_may_have_are_counted():
    assert len(parse("(a:2) " * 16).weights) == 16
    with pytest.raises(ValueError, match="at most 16 weights, got 17"):
        parse("(a:2) " * 17)


def test_captions_without_the_words_are_read_in_one_batch(encoder, monkeypatch):
    batches = []
    forward = type(encoder).forward
    monkeypatch.setattr(
        type(encoder),
        "forward",
        lambda self, captions: batches.append(captions) or forward(self, captions),
    )
    prompt.encode(encoder, ["a (large:2) (red:0.5) circle"] * 3)
    assert [len(captions) for captions in batches] == [3, 2]


def test_a_weight_of_1_changes_nothing(encoder):
    plain, weighted = (
        encoder(CAPTIONS),
        prompt.encode(encoder, ["a large (red:1) circle", *CAPTIONS[1:]]),
    )
    torch.testing.assert_close(weighted.words, plain.words)
    torch.testing.assert_close(weighted.pooled, plain.pooled)
    assert torch.equal(weighted.mask, plain.mask)


def test_a_weight_of_0_leaves_the_caption_without_the_word(encoder):
    without = encoder([CAPTIONS[1]])
    faded = prompt.encode(encoder, ["a large (red:0) circle"])
    torch.testing.assert_close(faded.pooled, without.pooled)
    own = prompt.token_indices(encoder.spans([CAPTIONS[0]])[0], 8, 11)
    others = [place for place in range(faded.words.shape[1]) if place not in own]
    assert len(own) >= 1
    assert not faded.words[0, own].any()
    torch.testing.assert_close(faded.words[0, others], without.words[0])


def test_beyond_1_what_the_word_adds_is_exaggerated(encoder):
    plain, without = encoder([CAPTIONS[0]]), encoder([CAPTIONS[1]])
    twice = prompt.encode(encoder, ["a large (red:2) circle"])
    torch.testing.assert_close(twice.pooled, 2 * plain.pooled - without.pooled)
    own = prompt.token_indices(encoder.spans([CAPTIONS[0]])[0], 8, 11)
    torch.testing.assert_close(twice.words[0, own], plain.words[0, own])


def test_captions_without_weights_are_left_as_they_are_beside_weighted_ones(encoder):
    together = prompt.encode(encoder, ["(two:3) stars", CAPTIONS[0]])
    alone = encoder(["two stars", CAPTIONS[0]])
    torch.testing.assert_close(together.words[1], alone.words[1])
    torch.testing.assert_close(together.pooled[1], alone.pooled[1])
