import pytest
import torch

from textgan.pipeline import ContrastivePipeline, GANPipeline, rerank

CAPTIONS = ["a red circle", "a blue square"]


@pytest.fixture(scope="module")
def pipeline(tiny_pipeline) -> GANPipeline:
    return tiny_pipeline(CAPTIONS)


@pytest.fixture(scope="module")
def judge(make_judge) -> ContrastivePipeline:
    return make_judge(CAPTIONS)


def test_the_best_of_the_candidates_come_back_best_first(pipeline, judge):
    samples = pipeline(CAPTIONS, num_images_per_prompt=6, seed=3, output_type="pt").images
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
        own = samples[6 * row : 6 * row + 6]
        order = judge.similarity(own, caption)[:, 0].argsort(descending=True)
        torch.testing.assert_close(
            best[2 * row : 2 * row + 2], own[order[:2]], atol=2 / 255, rtol=0
        )


@pytest.mark.parametrize(("candidates", "wanted"), [(2, 3), (2, 0)])
def test_there_must_be_enough_candidates(pipeline, judge, candidates, wanted):
    with pytest.raises(ValueError, match=f"candidates must be .* got {candidates} and {wanted}"):
        rerank(pipeline, judge, "a", candidates=candidates, num_images_per_prompt=wanted)


def test_a_judge_of_other_channels_is_refused(pipeline, make_judge):
    judge = make_judge(CAPTIONS, channels=1)
    with pytest.raises(
        ValueError, match="images must have the 1 channels of the contrastive model"
    ):
        rerank(pipeline, judge, "a")


def test_a_judge_of_another_kind_is_named(pipeline):
    with pytest.raises(TypeError, match=r"that ranks images, .* got GANPipeline"):
        rerank(pipeline, pipeline, "a")
