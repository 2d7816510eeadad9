import pytest
import torch

from textgan.pipeline import prompt
from textgan.pipeline.prompt import Prompt, parse
from textgan.text_encoder import BertTextEncoder

CAPTIONS = ["a large red circle", "a large circle", "two stars"]


@pytest.fixture(scope="module")
def encoder() -> BertTextEncoder:
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=400)
    encoder.fit_tokenizer(CAPTIONS * 2)
    return encoder.eval()


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a (red:1.5) circle", Prompt("a red circle", ((2, 5, 1.5),))),
        ("(two words: 0) (x:2)", Prompt("two words x", ((0, 9, 0.0), (10, 11, 2.0)))),
        ("a sign (left) (a: b) :2)", Prompt("a sign (left) (a: b) :2)")),
        ("(red:x)", Prompt("(red:x)")),
        ("", Prompt("")),
    ],
)
def test_only_a_number_behind_a_colon_in_parentheses_is_a_weight(caption, expected):
    assert parse(caption) == expected


@pytest.mark.parametrize("weight", ["-1", "10.5"])
def test_a_weight_out_of_range_is_named(weight):
    with pytest.raises(ValueError, match=rf"in \[0, 10\], got '\(red:{weight}\)'"):
        parse(f"a (red:{weight}) circle")


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
    own = prompt.places(encoder.spans([CAPTIONS[0]])[0], 8, 11)
    others = [place for place in range(faded.words.shape[1]) if place not in own]
    assert len(own) >= 1
    assert not faded.words[0, own].any()
    torch.testing.assert_close(faded.words[0, others], without.words[0])


def test_beyond_1_what_the_word_adds_is_exaggerated(encoder):
    plain, without = encoder([CAPTIONS[0]]), encoder([CAPTIONS[1]])
    twice = prompt.encode(encoder, ["a large (red:2) circle"])
    torch.testing.assert_close(twice.pooled, 2 * plain.pooled - without.pooled)
    own = prompt.places(encoder.spans([CAPTIONS[0]])[0], 8, 11)
    torch.testing.assert_close(twice.words[0, own], plain.words[0, own])


def test_captions_without_weights_are_left_as_they_are_beside_weighted_ones(encoder):
    together = prompt.encode(encoder, ["(two:3) stars", CAPTIONS[0]])
    alone = encoder(["two stars", CAPTIONS[0]])
    torch.testing.assert_close(together.words[1], alone.words[1])
    torch.testing.assert_close(together.pooled[1], alone.pooled[1])
