import pytest
import torch

from textgan.image_encoder import ResNetImageEncoder
from textgan.pipeline import ContrastivePipeline, GANPipeline, rerank
from textgan.text_encoder import BertTextEncoder

CAPTIONS = ["a red circle", "a blue square"]


def text_encoder() -> BertTextEncoder:
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    return encoder


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline) -> GANPipeline:
    return tiny_pipeline(CAPTIONS)


@pytest.fixture(scope="module")
def judge() -> ContrastivePipeline:
    torch.manual_seed(1)
    images = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)
    return ContrastivePipeline(images, text_encoder()).eval()


def test_the_best_of_the_candidates_come_back_best_first(pipeline, judge):
    drawn = pipeline(CAPTIONS, num_images_per_prompt=6, seed=3, output_type="pt").images
    best = rerank(
        pipeline,
        judge,
        ["a (red:1) circle", CAPTIONS[1]],
        candidates=6,
        num_images_per_prompt=2,
        seed=3,
        output_type="pt",
    ).images
    for row, caption in enumerate(CAPTIONS):
        own = drawn[6 * row : 6 * row + 6]
        order = judge.similarity(own, caption)[:, 0].argsort(descending=True)
        torch.testing.assert_close(
            best[2 * row : 2 * row + 2], own[order[:2]], atol=2 / 255, rtol=0
        )


@pytest.mark.parametrize(("candidates", "wanted"), [(2, 3), (2, 0)])
def test_there_must_be_enough_candidates(pipeline, judge, candidates, wanted):
    with pytest.raises(ValueError, match=f"candidates must be .* got {candidates} and {wanted}"):
        rerank(pipeline, judge, "a", candidates=candidates, num_images_per_prompt=wanted)


def test_a_judge_of_other_channels_is_refused(pipeline):
    images = ResNetImageEncoder(image_size=16, channels=1, width=8, base_width=4, max_width=8)
    judge = ContrastivePipeline(images, text_encoder())
    with pytest.raises(ValueError, match="must have the 3 channels of the images, got one of 1"):
        rerank(pipeline, judge, "a")


def test_a_judge_of_another_kind_is_named(pipeline):
    with pytest.raises(TypeError, match="judge must be a ContrastivePipeline, got GANPipeline"):
        rerank(pipeline, pipeline, "a")
