"""The judge out of a saved contrastive pipeline."""

import json

import pytest
import torch
from torch import Tensor, nn

from textgan.errors import ConfigError, MissingWeightsError
from textgan.evaluation import Evaluator
from textgan.image import from_uint8
from textgan.image_encoder import ImageEncoder, ResNetImageEncoder
from textgan.judge.contrastive import ContrastiveJudge
from textgan.metric.r_precision import RPrecision
from textgan.metric.text_image_similarity import TextImageSimilarity
from textgan.pipeline import ContrastivePipeline
from textgan.pretrained.frozen import Frozen, weights_hash
from textgan.text_encoder import BertTextEncoder
from textgan.types import Evaluation

CAPTIONS = ["a red circle", "a blue square", "two circles", ""]
ANCESTOR = "a" * 64


def pipeline(num_heads: int = 2) -> ContrastivePipeline:
    torch.manual_seed(0)
    images = ResNetImageEncoder(
        image_size=16, width=8, base_width=4, max_width=8, num_heads=num_heads
    )
    texts = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    texts.fit_tokenizer(CAPTIONS)
    return ContrastivePipeline(images, texts, ancestors=[ANCESTOR]).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("contrastive")
    pipeline().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def judge(folder) -> ContrastiveJudge:
    judge = ContrastiveJudge(folder)
    judge.load()
    return judge


def pictures(n: int, side: int = 16) -> Tensor:
    """(n, 3, side, side) in [-1, 1], of 8 bits."""
    generator = torch.Generator().manual_seed(n)
    return from_uint8(torch.randint(0, 256, (n, 3, side, side), generator=generator))


@pytest.mark.parametrize("side", [16, 24, 8])
def test_encodings_are_those_of_the_pipeline(judge, side):
    images = pictures(4, side)
    expected = nn.functional.normalize(pipeline().image_encoder(images).pooled.detach())
    torch.testing.assert_close(judge.encode_images(images), expected)
    expected = nn.functional.normalize(pipeline().text_encoder(CAPTIONS).pooled.detach())
    torch.testing.assert_close(judge.encode_texts(CAPTIONS), expected)


def test_images_are_seen_as_if_they_had_been_saved(judge):
    images = pictures(2)
    expected = judge.encode_images(images)
    assert torch.equal(judge.encode_images(images + 0.4 / 127.5), expected)
    assert not torch.equal(judge.encode_images(images.clamp(-0.9, 0.9)), expected)
    white = judge.encode_images(torch.ones(1, 3, 16, 16))
    assert torch.equal(judge.encode_images(torch.full((1, 3, 16, 16), 1.5)), white)


def test_images_of_other_channels_are_one_sentence(judge):
    with pytest.raises(ValueError, match="images must have 3 channels, got 1"):
        judge.encode_images(torch.ones(1, 1, 16, 16))


def test_it_is_frozen_and_stays_in_eval_mode(judge):
    judge.train()
    assert not any(module.training for module in judge.modules())
    assert len([*judge.parameters()]) > 10
    assert not any(parameter.requires_grad for parameter in judge.parameters())
    assert not judge.encode_images(pictures(1)).requires_grad


def test_construction_reads_nothing_and_none_is_missing():
    ContrastiveJudge("/no/such/folder")
    with pytest.raises(MissingWeightsError, match="the argument pretrained must name"):
        ContrastiveJudge(None).load()


def test_loading_leaves_the_global_random_state_alone(folder):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    ContrastiveJudge(folder).load()
    assert torch.equal(torch.rand(2), expected)


def test_weights_are_read_once_and_to_where_the_judge_was_moved(folder):
    judge = ContrastiveJudge(folder).to("meta")
    judge.load()
    assert all(parameter.is_meta for parameter in judge.parameters())
    before = judge.pipeline
    judge.load()
    assert judge.pipeline is before


def test_what_is_no_contrastive_pipeline_is_one_sentence(tmp_path):
    pipeline().image_encoder.save_pretrained(tmp_path / "encoder")
    said = "folder of a contrastive pipeline, got '.*encoder', which holds a ResNetImageEncoder"
    with pytest.raises(ValueError, match=said):
        ContrastiveJudge(str(tmp_path / "encoder")).load()
    with pytest.raises(FileNotFoundError, match="must be a folder by save_pretrained"):
        ContrastiveJudge(str(tmp_path / "none")).load()


def test_its_lineage_is_known_to_who_is_trained_against_its_image_encoder(judge, folder):
    guide = Frozen(ImageEncoder.from_pretrained(folder, part="image_encoder"))
    assert judge.lineage() == {*guide.lineage(), ANCESTOR}


@pytest.mark.parametrize("whose", ["its own", "its ancestor's", "another's"])
def test_it_does_not_judge_who_was_trained_against_it_or_its_ancestor(judge, folder, whose):
    own = weights_hash(ImageEncoder.from_pretrained(folder, part="image_encoder"))
    against = {"its own": own, "its ancestor's": ANCESTOR, "another's": "b" * 64}[whose]
    evaluator = Evaluator({"r_precision": RPrecision(judge)})
    arguments = {"testing": True, "device": torch.device("cpu"), "trained_against": [against]}
    if whose == "another's":
        evaluator.prepare(**arguments)
        return
    with pytest.raises(ConfigError, match="r_precision must not use a network"):
        evaluator.prepare(**arguments)


def test_its_protocol_is_json_and_says_not_where_it_lay(judge, folder):
    protocol = judge.protocol()
    assert folder not in json.dumps(protocol)
    assert protocol["judge"] == "textgan.judge.contrastive.ContrastiveJudge"
    assert protocol["weights"] == weights_hash(pipeline())
    assert (protocol["image_size"], protocol["channels"]) == (16, 3)


def test_its_protocol_tells_nets_of_equal_weights_and_other_heads_apart(judge, tmp_path):
    pipeline(num_heads=1).save_pretrained(tmp_path)
    other = ContrastiveJudge(str(tmp_path)).protocol()
    assert other["weights"] == judge.protocol()["weights"]
    assert other["config"] != judge.protocol()["config"]


def test_metrics_find_what_it_finds(judge):
    images = pictures(4)
    cosines = judge.encode_images(images) @ judge.encode_texts(CAPTIONS).T
    evaluation = Evaluation(CAPTIONS, None, images[:, None])
    metric = RPrecision(judge, others=3, groups=2)
    metric.update(evaluation)
    right = (cosines.argmax(1) == torch.arange(4)).float().mean()
    assert metric.compute()["r_precision"] == pytest.approx(float(right))
    metric = TextImageSimilarity(judge)
    metric.update(evaluation)
    mean = max(0.0, float(cosines.diagonal().mean()))
    assert metric.compute()["text_image_similarity"] == pytest.approx(mean, abs=1e-6)
