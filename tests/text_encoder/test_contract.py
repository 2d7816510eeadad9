"""What every text encoder of `conf/text_encoder` must do."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline
from textgan.text_encoder import BertTextEncoder, FrozenTextEncoder, TextEncoder
from textgan.types import TextFeatures

FILES = sorted((Path(__file__).parents[2] / "conf" / "text_encoder").glob("*.yaml"))
SHARED = {"text_width": 32, "image_size": 16}
CAPTIONS = [
    "a red circle",
    "",
    "two large green squares beside a small yellow triangle on a dark blue field",
    "一只猫",
]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> str:
    """A saved pipeline, for what starts from one."""
    text_encoder = BertTextEncoder(width=SHARED["text_width"], depth=1, vocab_size=400)
    text_encoder.fit_tokenizer(CAPTIONS * 2)
    image_encoder = ResNetImageEncoder(image_size=16, width=SHARED["text_width"], base_width=4)
    folder = tmp_path_factory.mktemp("encoders")
    ContrastivePipeline(image_encoder, text_encoder).save_pretrained(folder)
    return str(folder)


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def make(request, encoders, load_choice, save_tiny, tmp_path_factory) -> Callable[[], TextEncoder]:
    """Builds what a YAML says."""
    part = load_choice(request.param)
    if OmegaConf.is_missing(part, "pretrained"):
        folder = tmp_path_factory.mktemp("tiny")
        part.update({"pretrained": save_tiny(folder, "bert", longest=100), "max_length": 100})
    elif "pretrained" in part:
        pytest.importorskip(part.pretrained.removeprefix("package:").partition("/")[0])
    config = OmegaConf.create({**SHARED, "encoders": encoders, "part": part})
    return lambda: instantiate(config.part)


@pytest.fixture
def encoder(make) -> TextEncoder:
    torch.manual_seed(0)
    encoder = make()
    if not encoder.is_fitted:
        encoder.fit_tokenizer(CAPTIONS * 2)
    return encoder.eval()


def close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def test_features_have_the_stated_shapes(encoder):
    assert isinstance(encoder, TextEncoder)
    text = encoder(CAPTIONS)
    assert isinstance(text, TextFeatures)
    length = text.mask.shape[1]
    assert encoder.width == SHARED["text_width"]
    assert text.words.shape == (len(CAPTIONS), length, encoder.width)
    assert text.mask.shape == (len(CAPTIONS), length)
    assert text.mask.dtype == torch.bool
    assert text.pooled.shape == (len(CAPTIONS), encoder.width)
    assert text.mask.any(1).all()
    assert text.mask.any(0).all()
    assert torch.isfinite(text.words).all()


def test_a_caption_has_the_same_features_alone_and_beside_longer_ones(encoder):
    together = encoder(CAPTIONS)
    for place, caption in enumerate(CAPTIONS):
        alone = encoder([caption])
        real = together.mask[place]
        assert real.sum() == alone.mask.sum()
        close(together.words[place][real], alone.words[0][alone.mask[0]])
        close(together.pooled[place], alone.pooled[0])


def test_shuffling_the_captions_shuffles_the_features(encoder):
    order = [2, 0, 3, 1]
    text, shuffled = encoder(CAPTIONS), encoder([CAPTIONS[place] for place in order])
    assert torch.equal(shuffled.mask, text.mask[order])
    close(shuffled.pooled, text.pooled[order])
    close(shuffled.words[shuffled.mask], text.words[order][text.mask[order]])


def test_different_captions_have_different_features(encoder):
    pooled = encoder(CAPTIONS).pooled
    distances = torch.cdist(pooled, pooled) + torch.eye(len(CAPTIONS))
    assert distances.min() > 1e-2


def test_gradient_reaches_every_weight_that_trains(encoder):
    text = encoder.train()(CAPTIONS)
    trainable = {
        name: weight for name, weight in encoder.named_parameters() if weight.requires_grad
    }
    assert bool(trainable) != isinstance(encoder, FrozenTextEncoder)
    assert text.words.requires_grad == text.pooled.requires_grad == bool(trainable)
    if not trainable:
        return
    (text.words * torch.randn_like(text.words)).sum().backward(retain_graph=True)
    (text.pooled * torch.randn_like(text.pooled)).sum().backward()
    assert [name for name, weight in trainable.items() if weight.grad is None] == []


def test_state_dict_brings_features_and_vocabulary_back(make, encoder, tmp_path):
    torch.save(encoder.state_dict(), tmp_path / "state.pt")
    again = make()
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True), strict=True)
    close(again.eval()(CAPTIONS).pooled, encoder(CAPTIONS).pooled)


def test_a_saved_folder_brings_features_and_vocabulary_back(encoder, tmp_path):
    encoder.save_pretrained(tmp_path)
    again = TextEncoder.from_pretrained(tmp_path)
    close(again(CAPTIONS).pooled, encoder(CAPTIONS).pooled)
    close(again(CAPTIONS).words, encoder(CAPTIONS).words)


def test_spans_say_which_characters_each_word_stands_for(make):
    encoder = make()
    if not encoder.is_fitted:
        encoder.fit_tokenizer(CAPTIONS)
    spans, text = encoder.spans(CAPTIONS), encoder(CAPTIONS)
    assert [len(own) for own in spans] == text.mask.sum(1).tolist()
    for caption, own in zip(CAPTIONS, spans, strict=True):
        covered = {place for start, end in own for place in range(start, end)}
        letters = {place for place, letter in enumerate(caption) if letter != " "}
        assert letters <= covered <= set(range(len(caption)))
