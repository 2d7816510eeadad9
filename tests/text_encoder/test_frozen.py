"""A frozen text encoder says what the one inside says, and stays as it is."""

import pytest
import torch
from torch import nn

from tests.text_encoder.same import assert_same
from textgan.pretrained.part import Part, build
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder
from textgan.training.ema import ImageEMA

CAPTIONS = ["a red circle on a blue field", "", "red", "Кошка сидит на коврике"]


@pytest.fixture
def frozen(scratch) -> FrozenTextEncoder:
    return FrozenTextEncoder(scratch())


def test_nothing_of_it_trains(frozen):
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    probe = nn.Linear(frozen.width, 1)
    weights = [w for net in (frozen, probe) for w in net.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.1, weight_decay=0.1)
    for _ in range(2):
        text = frozen.train()(CAPTIONS)
        (probe(text.words).sum() + probe(text.pooled).sum()).backward()
        optimizer.step()
    assert [*map(id, weights)] == [*map(id, probe.parameters())]
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())
    assert all(weight.grad is None for weight in frozen.parameters())


def test_it_stays_in_eval_mode(scratch):
    frozen = FrozenTextEncoder(scratch(dropout=0.5)).train()
    assert not any(module.training for module in frozen.modules())
    nn.ModuleList([frozen]).train()
    assert not any(module.training for module in frozen.modules())


@pytest.mark.parametrize("megabytes", [0, 1])
def test_its_features_are_those_of_the_encoder_inside(scratch, megabytes):
    frozen = FrozenTextEncoder(scratch(), cache_megabytes=megabytes)
    plain = scratch().eval()
    for captions in (CAPTIONS[:2], CAPTIONS[1:], CAPTIONS[::-1]):
        said = frozen(captions)
        assert said.words.is_contiguous()
        with torch.no_grad():
            assert_same(said, plain(captions))
    assert frozen.width == plain.width


def test_it_reads_a_caption_once(frozen, count_calls):
    read = count_calls(frozen.encoder)
    frozen(CAPTIONS)
    frozen(CAPTIONS[::-1])
    frozen([*CAPTIONS, "new"])
    assert read == [4, 1]


def test_captions_are_not_kept_twice(pretrained):
    frozen = FrozenTextEncoder(pretrained(cache_megabytes=7))
    frozen(CAPTIONS)
    assert len(frozen.cache._rows) == 4
    assert not frozen.encoder.cache._rows
    assert frozen.config()["encoder"]["cache_megabytes"] == 7


def test_weights_loaded_into_it_are_heard(frozen, scratch):
    frozen(CAPTIONS)
    other = FrozenTextEncoder(scratch())
    with torch.no_grad():
        other.encoder.pooled.output.bias.add_(1)
    frozen.load_state_dict(other.state_dict())
    assert_same(frozen(CAPTIONS), other(CAPTIONS))


def test_it_keeps_its_vocabulary(frozen):
    assert frozen.is_fitted
    with pytest.raises(ValueError, match="fit_tokenizer must not be called where the text encoder"):
        frozen.fit_tokenizer(CAPTIONS)
    with pytest.warns(UserWarning, match="1 of 2 captions were cut to max_length = 32 tokens"):
        frozen.check_lengths(["red", "x y " * 40])


def test_one_without_a_vocabulary_can_be_built_and_loaded_but_not_used(frozen):
    empty = build(frozen.config())
    assert not empty.is_fitted
    with pytest.raises(ValueError, match="encoder must have been trained, but it has no vocab"):
        empty(CAPTIONS)
    empty.load_state_dict(frozen.state_dict())
    assert_same(empty(CAPTIONS), frozen(CAPTIONS))


def test_a_saved_folder_needs_no_other(frozen, tmp_path):
    frozen.save_pretrained(tmp_path)
    again = Part.from_pretrained(tmp_path)
    assert isinstance(again, FrozenTextEncoder)
    assert again.config() == frozen.config()
    assert_same(again(CAPTIONS), frozen(CAPTIONS))
    inside = BertTextEncoder.from_pretrained(tmp_path, part="encoder")
    assert_same(inside(CAPTIONS), frozen(CAPTIONS))


def test_its_average_shares_its_weights_and_reads_for_itself(frozen, count_calls):
    frozen(CAPTIONS)
    average = ImageEMA({"text_encoder": frozen}, half_life_images=10).averaged["text_encoder"]
    pairs = zip(average.parameters(), frozen.parameters(), strict=True)
    assert all(ours is theirs for ours, theirs in pairs)
    read = count_calls(average.encoder)
    assert_same(average(CAPTIONS), frozen(CAPTIONS))
    assert read == [4]


def test_what_the_one_inside_leaves_out_of_checkpoints_it_leaves_out_too(tiny, pretrained, scratch):
    inner = pretrained()
    frozen = FrozenTextEncoder(inner)
    assert frozen.frozen_prefixes() == ("encoder.bert.",)
    assert any(name.startswith("encoder.bert.") for name in frozen.state_dict())
    assert frozen.frozen_hash() == inner.frozen_hash() != ""
    assert frozen.referring_config()["encoder"]["pretrained"] == tiny
    again = build(frozen.referring_config())
    left = {k: v for k, v in frozen.state_dict().items() if not k.startswith("encoder.bert.")}
    again.load_state_dict(left, strict=False)
    assert_same(again(CAPTIONS), frozen(CAPTIONS))
    alone = FrozenTextEncoder(scratch())
    assert (alone.frozen_prefixes(), alone.frozen_hash()) == ((), "")
    assert alone.referring_config() == alone.config()
