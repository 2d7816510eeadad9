"""What is served from the cache is what would have been computed; what is stale is not served."""

import copy
import pickle

import pytest
import torch
from torch import nn

from tests.text_encoder.same import assert_same
from textgan.text_encoder import CaptionCache

CAPTIONS = ["a red circle on a blue field", "", "red", "Кошка сидит на коврике"]


class Letters:
    """Reads a caption letter by letter: (code, place) beside it, `width` numbers in all."""

    def __init__(self, width: int = 2):
        self.width, self.calls = width, []
        self.weights = [torch.zeros(3)]

    def __call__(self, captions: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls.append(list(captions))
        length = max(map(len, captions))
        states = torch.zeros(len(captions), length, self.width)
        mask = torch.zeros(len(captions), length, dtype=torch.bool)
        for row, caption in enumerate(captions):
            for place, letter in enumerate(caption):
                states[row, place, :2] = torch.tensor([ord(letter), place])
                mask[row, place] = True
        return states, mask

    def through(self, cache: CaptionCache, *captions: str) -> tuple[torch.Tensor, torch.Tensor]:
        return cache.get_or_compute(list(captions), self, weights=self.weights)


def test_what_is_served_is_what_is_computed():
    cache, letters = CaptionCache(1), Letters()
    letters.through(cache, "blue", "a")
    for captions in (["red", "a"], ["a"], ["a", "blue", "a", "green circle"]):
        states, mask = letters.through(cache, *captions)
        assert torch.equal(states, Letters()(captions)[0])
        assert torch.equal(mask, Letters()(captions)[1])


def test_only_what_was_never_seen_is_computed_each_caption_once_in_one_batch():
    cache, letters = CaptionCache(1), Letters()
    letters.through(cache, "a", "b", "a")
    letters.through(cache, "c", "b", "d")
    letters.through(cache, "d", "a")
    assert letters.calls == [["a", "b"], ["c", "d"]]


def test_reading_ahead_computes_each_caption_once_short_ones_first_until_it_is_full():
    cache, letters = CaptionCache(1), Letters()
    cache.fill(["green", "red", "a", "red"], letters, weights=letters.weights)
    assert letters.calls == [["a", "red", "green"]]
    letters.through(cache, "green", "a")
    assert len(letters.calls) == 1
    large = Letters(width=50_000)  # 0.2 megabytes a letter: a batch of 128 is more than enough
    cache.fill(
        [chr(97 + n // 26) + chr(97 + n % 26) for n in range(300)], large, weights=large.weights
    )
    assert len(large.calls) == 1
    CaptionCache(0).fill(["a"], large, weights=letters.weights)
    assert len(large.calls) == 1


def test_what_was_asked_for_longest_ago_is_thrown_out_where_it_is_full():
    cache, letters = CaptionCache(1), Letters(width=50_000)  # 0.2 megabytes a letter: five fit
    letters.through(cache, *"abcde")
    letters.through(cache, "a")
    letters.through(cache, "f")  # in the place of b
    letters.through(cache, *"acdef")
    assert letters.calls == [[*"abcde"], ["f"]]
    letters.through(cache, "b")
    assert letters.calls[2:] == [["b"]]


def test_a_batch_that_is_larger_than_the_cache_is_served_whole():
    cache, letters = CaptionCache(1), Letters(width=50_000)
    assert torch.equal(letters.through(cache, *"abcdefg")[0][:, 0, 0].int(), torch.arange(97, 104))
    letters.through(cache, *"cdefg")
    letters.through(cache, "long caption")  # does not fit at all
    assert len(letters.calls) == 2
    letters.through(cache, "long caption")
    assert len(letters.calls) == 3


def test_a_kept_caption_does_not_hold_on_to_its_batch():
    cache, letters = CaptionCache(1), Letters()
    letters.through(cache, "a", "a long caption")
    assert [row.untyped_storage().nbytes() for row in cache._rows.values()] == [8, 8 * 14]


def test_0_megabytes_keep_nothing():
    cache, letters = CaptionCache(0), Letters()
    letters.through(cache, "a", "a")
    letters.through(cache, "a")
    assert letters.calls == [["a", "a"], ["a"]]


def test_weights_that_were_written_to_or_replaced_make_it_empty():
    cache, letters = CaptionCache(1), Letters()
    letters.through(cache, "a")
    letters.weights = [torch.zeros(3)]
    letters.through(cache, "a")
    letters.weights[0].add_(1)
    letters.through(cache, "a")
    letters.through(cache, "a")
    assert len(letters.calls) == 3


def test_weights_whose_changes_are_not_counted_keep_nothing():
    cache, letters = CaptionCache(1), Letters()
    with torch.inference_mode():
        letters.weights = [torch.zeros(3)]
    for _ in range(2):
        letters.through(cache, "a")
    assert len(letters.calls) == 2


@pytest.mark.parametrize(
    "change", [lambda net: net.to(torch.float64), lambda net: net.load_state_dict({})]
)
def test_moving_or_loading_the_net_around_it_makes_it_empty(change):
    cache, letters = CaptionCache(1), Letters()
    letters.through(cache, "a")
    change(nn.Sequential(cache))
    letters.through(cache, "a")
    assert len(letters.calls) == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_are_empty_and_as_large(copied):
    cache, letters = CaptionCache(1), Letters(width=50_000)
    letters.through(cache, *"abcde")
    twin = copied(cache)
    letters.through(twin, *"abcde")
    letters.through(twin, *"abcde")
    assert len(letters.calls) == 2
    assert cache.state_dict() == {}


def test_what_was_read_in_inference_mode_can_enter_a_graph():
    cache, letters = CaptionCache(1), Letters()
    with torch.inference_mode():
        letters.through(cache, "a")
    scale = torch.ones(2, requires_grad=True)
    (letters.through(cache, "a")[0] * scale).sum().backward()
    assert scale.grad.tolist() == [97, 0]


def test_autocast_and_gradients_do_not_reach_what_is_kept():
    linear, cache = nn.Linear(2, 2), CaptionCache(1)

    def read(captions: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        states, mask = Letters()(captions)
        return linear(states), mask

    with torch.autocast("cpu", torch.bfloat16):
        kept, _ = cache.get_or_compute(["a"], read, weights=linear.parameters())
    assert kept.dtype == torch.float32
    assert not kept.requires_grad
    assert torch.equal(kept, read(["a"])[0])


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="cache_megabytes must be at least 0, got -1"):
        CaptionCache(-1)
    with pytest.raises(TypeError, match="captions must be a list of strings, got the string 'ab'"):
        CaptionCache(1).get_or_compute("ab", Letters(), weights=Letters().weights)


def test_a_frozen_bert_says_from_the_cache_what_it_says_without_one(pretrained, count_calls):
    cached, plain = pretrained(), pretrained(cache_megabytes=0)
    read = count_calls(cached.bert)
    for captions in (CAPTIONS[:2], CAPTIONS[1:], CAPTIONS[::-1], [*CAPTIONS[:3], "new", "new"]):
        assert_same(cached(captions), plain(captions))
    assert len(read) == 3  # the third batch had nothing new
    assert cached.config()["cache_megabytes"] == 256
    assert plain.config()["cache_megabytes"] == 0


def test_a_bert_that_trains_is_read_each_time(scratch, count_calls):
    encoder = scratch()
    read = count_calls(encoder.bert)
    encoder(CAPTIONS)
    encoder(CAPTIONS)
    assert read == [4, 4]


def test_the_projection_trains_on_what_was_kept(pretrained):
    encoder = pretrained()
    with torch.no_grad():
        encoder(CAPTIONS)
    text = encoder(CAPTIONS)
    (text.words.square().sum() + text.pooled.square().sum()).backward()
    trainable = {name for name, weight in encoder.named_parameters() if weight.requires_grad}
    trained = {name for name, weight in encoder.named_parameters() if weight.grad is not None}
    on_top = {n for n, _ in encoder.named_parameters() if n.startswith(("words.", "pooled."))}
    assert trained == trainable == on_top != set()


def changed(encoder: nn.Module) -> dict[str, torch.Tensor]:
    """A state dict of other weights."""
    return {
        name: value + 0.1 if value.is_floating_point() else value
        for name, value in encoder.state_dict().items()
    }


@pytest.mark.parametrize("part", ["", "bert"])
def test_loaded_weights_are_heard(pretrained, part):
    encoder, plain = pretrained(), pretrained(cache_megabytes=0)
    before = encoder(CAPTIONS)
    state = changed(encoder.get_submodule(part))
    for each in (encoder, plain):
        each.get_submodule(part).load_state_dict(state)
    assert_same(encoder(CAPTIONS), plain(CAPTIONS))
    assert (encoder(CAPTIONS).pooled - before.pooled).abs().max() > 1e-3


def test_a_copy_that_shares_frozen_weights_hears_when_they_are_loaded_into_the_other(pretrained):
    encoder, plain = pretrained(), pretrained(cache_megabytes=0)
    shared = {id(weight): weight for weight in encoder.bert.parameters()}
    twin = copy.deepcopy(encoder, shared)
    twin(CAPTIONS)
    for each in (encoder, plain):
        each.bert.load_state_dict(changed(each.bert))
    assert_same(twin(CAPTIONS), plain(CAPTIONS))


def test_another_precision_is_noticed(pretrained):
    encoder, plain = pretrained(), pretrained(cache_megabytes=0)
    encoder(CAPTIONS)
    assert_same(encoder.double()(CAPTIONS), plain.double()(CAPTIONS))
    assert encoder(CAPTIONS).words.dtype == torch.float64


def test_a_copy_of_a_frozen_bert_reads_for_itself(pretrained, count_calls):
    encoder = pretrained()
    said = encoder(CAPTIONS)
    twin = copy.deepcopy(encoder)
    read = count_calls(twin.bert)
    assert_same(twin(CAPTIONS), said)
    assert_same(twin(CAPTIONS), said)
    assert read == [4]
    assert not any("cache" in name for name in encoder.state_dict())
