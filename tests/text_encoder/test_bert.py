"""A BERT from scratch learns a vocabulary of its own; a pretrained one agrees with transformers."""

import copy
import json
import shutil
import warnings

import pytest
import torch
import transformers
from torch import nn

from tests.text_encoder.same import assert_same
from textgan.pretrained.part import Part, build
from textgan.text_encoder import BertTextEncoder, PretrainedTextEncoder

CAPTIONS = [
    "a red circle on a blue field",
    "",
    "两个绿色的方块在白色背景上",
    "Кошка сидит на коврике",
]


def scratch(**arguments) -> BertTextEncoder:
    torch.manual_seed(0)
    defaults = {"width": 16, "depth": 1, "num_heads": 2, "vocab_size": 400, "max_length": 32}
    encoder = BertTextEncoder(**(defaults | arguments))
    encoder.fit_tokenizer(CAPTIONS * 2)
    return encoder


def features(encoder, captions=CAPTIONS):
    encoder.eval()
    with torch.no_grad():
        return encoder(captions)


def test_from_scratch_a_word_is_heard_through_a_transformer_that_says_nothing():
    encoder = scratch()
    with torch.no_grad():  # the last normalisation maps everything to 0
        for norm in (m for m in encoder.bert.encoder.modules() if isinstance(m, nn.LayerNorm)):
            norm.weight.zero_()
    red, blue = features(encoder, ["r"]), features(encoder, ["b"])  # a token each
    assert (red.words - blue.words).abs().max() > 0.1
    assert (red.pooled - blue.pooled).abs().max() > 0.1


def test_the_table_has_its_full_size_whatever_the_captions():
    many, few = scratch(), scratch()
    few.fit_tokenizer(["x"])
    few.bert.load_state_dict(many.bert.state_dict())
    assert few.bert.embeddings.word_embeddings.weight.shape == (400, 16)


def test_attention_is_sdpa_and_no_pooler_is_there(tiny):
    for encoder in (scratch(), PretrainedTextEncoder(pretrained=tiny, max_length=24)):
        assert encoder.bert.config._attn_implementation == "sdpa"
        assert encoder.bert.pooler is None


def test_dropout_acts_in_training_only():
    encoder = scratch(dropout=0.5)
    assert not torch.equal(encoder(CAPTIONS).pooled, encoder(CAPTIONS).pooled)
    assert torch.equal(features(encoder).pooled, features(encoder).pooled)
    still = scratch()
    assert torch.equal(still(CAPTIONS).pooled, still(CAPTIONS).pooled)


def test_the_recurrent_net_and_the_transformer_share_the_dropout_of_the_embeddings():
    encoder, calls = scratch(dropout=0.5).train(), []
    encoder.bert.embeddings.register_forward_hook(lambda *_: calls.append(1))
    encoder(CAPTIONS)
    assert calls == [1]


def test_words_are_projected_only_where_widths_differ():
    assert isinstance(scratch().words, nn.Identity)
    encoder = scratch(width=16, hidden_width=24)
    assert encoder.bert.config.hidden_size == 24
    assert encoder(CAPTIONS).words.shape[-1] == encoder(CAPTIONS).pooled.shape[-1] == 16


def test_features_start_near_unit_variance():
    text = scratch(width=64, num_heads=4, hidden_width=128)(["a red circle", "two green squares"])
    assert 0.5 < text.pooled.std() < 1.5
    assert 0.5 < text.words[text.mask].std() < 2  # twice a unit's at most: output plus input


def test_the_order_of_words_reaches_the_pooled_feature():
    text = features(scratch(), ["a red circle on a blue square", "a blue circle on a red square"])
    assert (text.pooled[0] - text.pooled[1]).abs().max() > 1e-3


def test_captions_longer_than_the_limit_are_cut_with_a_warning():
    with pytest.warns(UserWarning, match=r"of [0-9]+ captions were cut to max_length = 8 tokens"):
        encoder = scratch(max_length=8)
    text = encoder(["red " * 50, "red"])
    assert text.words.shape[:2] == (2, 8)


def test_what_was_saved_gives_the_same_features(tmp_path):
    encoder = scratch()
    encoder.save_pretrained(tmp_path)
    again = BertTextEncoder.from_pretrained(tmp_path)
    assert again.config() == encoder.config()
    assert_same(features(again), features(encoder))
    assert_same(features(copy.deepcopy(encoder)), features(encoder))


def test_frozen_weights_stay_and_the_projection_trains(tiny):
    encoder = PretrainedTextEncoder(pretrained=tiny, width=16, max_length=24, frozen=True).train()
    assert encoder.training
    assert not any(module.training for module in encoder.bert.modules())
    assert not any(weight.requires_grad for weight in encoder.bert.parameters())
    text = encoder(CAPTIONS)
    (text.words.sum() + text.pooled.square().sum()).backward()
    assert all(weight.grad is None for weight in encoder.bert.parameters())
    on_top = [*encoder.words.parameters(), *encoder.pooled.parameters()]
    assert all(weight.grad.abs().sum() > 0 for weight in on_top)


def test_frozen_weights_are_not_computed_with_gradients(tiny):
    hidden = []
    encoder = PretrainedTextEncoder(pretrained=tiny, max_length=24, frozen=True)
    encoder.bert.register_forward_hook(lambda *call: hidden.append(call[2].last_hidden_state))
    encoder.requires_grad_(True)  # as a training loop may do
    encoder(CAPTIONS).pooled.sum().backward()
    assert not hidden[0].requires_grad
    assert encoder.pooled.output.weight.grad is not None


def test_only_frozen_pretrained_weights_are_left_out_of_checkpoints(tiny):
    frozen = PretrainedTextEncoder(pretrained=tiny, max_length=24, frozen=True)
    assert frozen.frozen_prefixes() == ("bert.",)
    trained = PretrainedTextEncoder(pretrained=tiny, max_length=24)
    for encoder in (trained, scratch(), build(frozen.config())):
        assert encoder.frozen_prefixes() == ()
        assert encoder.frozen_hash() == ""


def test_the_hash_tells_other_frozen_weights(tiny):
    one, other = (
        PretrainedTextEncoder(pretrained=tiny, max_length=24, frozen=True) for _ in range(2)
    )
    assert len(one.frozen_hash()) == 64
    nn.init.ones_(other.pooled.output.weight)  # not frozen
    assert one.frozen_hash() == other.frozen_hash() == copy.deepcopy(one).frozen_hash()
    with torch.no_grad():
        other.bert.embeddings.LayerNorm.bias[0] += 1e-6
    assert one.frozen_hash() != other.frozen_hash()


def test_config_is_free_of_the_pretrained_folder_and_referring_config_names_it(tiny):
    encoder = PretrainedTextEncoder(pretrained=tiny, max_length=24)
    assert tiny not in json.dumps(encoder.config())
    assert encoder.config()["architecture"]["model_type"] == "bert"
    again = build(encoder.referring_config())
    again.load_state_dict(encoder.state_dict())
    assert again.referring_config() == encoder.referring_config()
    assert_same(features(again), features(encoder))
    assert scratch().referring_config() == scratch().config()


@pytest.mark.parametrize("kind", ["bert", "distilbert", "electra", "roberta"])
def test_any_encoder_of_transformers_becomes_a_self_contained_folder(kind, save_tiny, tmp_path):
    (tmp_path / "source").mkdir()
    encoder = PretrainedTextEncoder(
        width=24, max_length=24, pretrained=save_tiny(tmp_path / "source", kind)
    )
    assert encoder.is_fitted
    before = features(encoder)
    encoder.save_pretrained(tmp_path / "saved")
    (tmp_path / "source").rename(tmp_path / "gone")
    again = Part.from_pretrained(tmp_path / "saved")
    assert_same(features(again), before)
    again.save_pretrained(tmp_path / "twice")
    assert_same(features(Part.from_pretrained(tmp_path / "twice")), before)


def test_a_pretrained_encoder_keeps_its_own_tokenizer(tiny):
    encoder = PretrainedTextEncoder(pretrained=tiny, max_length=24)
    for part in (encoder, build(encoder.config())):
        with pytest.raises(ValueError, match="fit_tokenizer must not be called"):
            part.fit_tokenizer(CAPTIONS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"width": 10, "num_heads": 4},
            "hidden_width must be divisible by num_heads, got 10 and 4",
        ),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"vocab_size": 100}, "vocab_size must be at least 259, got 100"),
    ],
)
def test_arguments_of_an_encoder_from_scratch_are_checked(arguments, said):
    with pytest.raises(ValueError, match=said):
        BertTextEncoder(**arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"cache_megabytes": -1}, "cache_megabytes must be at least 0, got -1"),
        ({"frozen": True, "dropout": 0.1}, "dropout must be 0 where frozen is true, got 0.1"),
        ({"architecture": {}}, "one of pretrained and architecture must be given, got both"),
        ({"pretrained": None}, "one of pretrained and architecture must be given, got neither"),
    ],
)
def test_arguments_of_a_pretrained_encoder_are_checked(tiny, arguments, said):
    with pytest.raises(ValueError, match=said):
        PretrainedTextEncoder(**{"pretrained": tiny, "max_length": 24} | arguments)


def test_a_config_of_an_earlier_release_gives_the_same_features(tiny, tmp_path):
    one, gone = PretrainedTextEncoder(pretrained=tiny, max_length=24, frozen=True), {"depth": 2}
    one.save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    header = json.loads(file.read_text())
    header["format_version"] = 1
    header["part"] |= gone | {"_target_": "textgan.text_encoder.bert.BertTextEncoder"}
    file.write_text(json.dumps(header))
    again = Part.from_pretrained(tmp_path)
    assert type(again) is PretrainedTextEncoder
    assert torch.equal(again(CAPTIONS).pooled, one(CAPTIONS).pooled)


def test_a_pretrained_that_cannot_be_used_is_a_sentence(tiny, tmp_path):
    with pytest.raises(
        ValueError, match=r"pretrained must be a folder or hub name .* got '/no/such"
    ):
        PretrainedTextEncoder(pretrained="/no/such/folder")
    with pytest.raises(ValueError, match="pretrained must be a folder or hub name"):
        PretrainedTextEncoder(pretrained=str(tmp_path))
    with pytest.raises(ValueError, match=r"max_length must be at most 30 for .* got 31"):
        PretrainedTextEncoder(pretrained=tiny, max_length=31)


def test_pretrained_weights_that_are_missing_are_named(save_tiny, tmp_path):
    folder = save_tiny(tmp_path, "bert")
    model = transformers.AutoModel.from_pretrained(folder)
    state = {k: v for k, v in model.state_dict().items() if "LayerNorm.bias" not in k}
    model.save_pretrained(folder, state_dict=state)
    with pytest.raises(ValueError, match=r"must be a whole model, but .* lacks .*LayerNorm.bias"):
        PretrainedTextEncoder(pretrained=folder, max_length=24)


def test_nothing_warns_in_ordinary_use(tiny):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PretrainedTextEncoder(pretrained=tiny, max_length=24)(["red"]).pooled.sum().backward()
        scratch()(CAPTIONS).pooled.sum().backward()


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        (
            "tokenizer.json",
            {"model": {"type": "Nothing"}},
            r"has a tokenizer that cannot be read: ",
        ),
        (
            "tokenizer.json",
            {"normalizer": {"type": "Prepend", "prepend": ""}},
            r"^pretrained '.*' has a tokenizer that cannot be used: the tokenizer fails at",
        ),
        (
            "tokenizer_config.json",
            {"added_tokens_decoder": {"a": 3}},
            "^pretrained must be a folder",
        ),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["a.A", None]}}, None),
        ("config.json", {"auto_map": {"AutoModel": "evil.Model"}}, None),
        ("config.json", {"hidden_size": "wide"}, "^pretrained must be a folder or hub name"),
    ],
)
def test_a_pretrained_folder_of_a_stranger_is_a_sentence_or_runs_nothing(
    tiny, tmp_path, monkeypatch, file, change, sentence
):
    monkeypatch.setattr("builtins.input", None)  # asking whether code may run would be a TypeError
    folder = shutil.copytree(tiny, tmp_path / "folder")
    said = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(said | change))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')\nclass Model: pass\n")
    if sentence is None:
        PretrainedTextEncoder(width=8, pretrained=str(folder), max_length=24)
    else:
        with pytest.raises(ValueError, match=sentence) as caught:
            PretrainedTextEncoder(width=8, pretrained=str(folder), max_length=24)
        assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "harm").exists()
