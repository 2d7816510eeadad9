"""Sampling, variations and edits with the embeddings of images."""

import pytest
import torch

from textgan.denoiser import EmbeddingCondition, TransformerDenoiser
from textgan.diffusion import FlowDiffusion, GaussianDiffusion
from textgan.pipeline import (
    ContrastivePipeline,
    DiffusionPriorPipeline,
    TextToImagePipeline,
    UnclipPipeline,
)
from textgan.prior import DiffusionPrior
from textgan.text_encoder import BertTextEncoder

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

CAPTIONS = ["a red circle", "a blue square"]
PT = {"output_type": "pt", "num_inference_steps": 4}


@pytest.fixture(scope="module")
def embedder(make_judge) -> ContrastivePipeline:
    return make_judge(CAPTIONS)


def prior_for(model: ContrastivePipeline, **changes: object) -> DiffusionPrior:
    torch.manual_seed(3)
    width = model.image_encoder.width
    sizes = {"width": 16, "depth": 1, "num_heads": 2}
    diffusion = GaussianDiffusion(prediction="sample", min_snr=None)
    prior = DiffusionPrior(width, width, "", **{"diffusion": diffusion, **sizes, **changes})
    for weight in prior.parameters():  # the last layers of the branches start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    return prior


def made(embedder: ContrastivePipeline, *, with_prior: bool = True) -> UnclipPipeline:
    torch.manual_seed(0)
    denoiser = TransformerDenoiser(
        sample_shape=(3, 16, 16), text_width=8, width=16, depth=1, num_heads=2, patch_size=2
    )
    for weight in denoiser.parameters():  # gates and the last layer start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    condition = EmbeddingCondition(embedder.image_encoder.width, text_width=8, num_words=2)
    prior = prior_for(embedder) if with_prior else None
    return UnclipPipeline(
        denoiser, encoder, FlowDiffusion(), condition, embedder, prior=prior
    ).eval()


@pytest.fixture(scope="module")
def pipeline(embedder) -> UnclipPipeline:
    return made(embedder)


def image(seed: int = 1) -> torch.Tensor:
    torch.manual_seed(seed)
    return torch.rand(3, 16, 16) * 1.8 - 0.9


def test_samples_depend_on_the_prior_and_on_their_own_key(pipeline, embedder):
    two = pipeline(CAPTIONS, **PT).images
    alone = pipeline("a blue square", indices=[1], **PT).images
    torch.testing.assert_close(two[1:], alone, atol=1e-4, rtol=0)
    guided = pipeline(CAPTIONS, prior_guidance_scale=4.0, **PT).images
    assert (guided - two).abs().max() > 1e-4
    words_alone = made(embedder, with_prior=False)(CAPTIONS, **PT).images
    assert (words_alone - two).abs().max() > 1e-3


def test_variations_follow_the_image_and_not_only_the_caption(pipeline):
    def drawn(seed: int, **options: object) -> torch.Tensor:
        return pipeline.variations(image(seed), "a red circle", number=2, **PT, **options).images

    one = drawn(1)
    assert one.shape == (2, 3, 16, 16)
    assert (one[0] - one[1]).abs().max() > 1e-3
    assert (drawn(2) - one).abs().max() > 1e-4
    near = drawn(1, strength=0.25)
    assert (near - image(1)).abs().mean() < (one - image(1)).abs().mean()


def test_guidance_of_the_prior_is_refused_where_it_has_no_effect(pipeline, embedder):
    without = made(embedder, with_prior=False)
    names = [[option.name for option in p.options] for p in (pipeline, without)]
    assert names[0] == [*names[1], "prior_guidance_scale"]
    guided = {"prior_guidance_scale": 2.0, **PT}
    for call, why in (
        (lambda: without("a red circle", **guided), "the model has no prior"),
        (lambda: without.variations(image(), **guided), "the model has no prior"),
        (lambda: pipeline.variations(image(), **guided), "the embeddings are given"),
    ):
        rule = f"prior_guidance_scale must be 1, because {why}, got 2.0"
        with pytest.raises(ValueError, match=rule):
            call()


def test_frames_between_two_images_begin_and_end_with_them(pipeline):
    frames = pipeline.interpolate_images(image(1), image(2), frames=5, **PT).images
    assert frames.shape == (5, 3, 16, 16)
    for frame, end in ((frames[0], image(1)), (frames[-1], image(2))):
        assert (frame - end).abs().mean() < 0.15
    few = {"num_inference_steps": 2, "output_type": "pt"}
    for wrong, got in (({"frames": 1}, "1 and 64"), ({"batch_size": 0}, "8 and 0")):
        rule = f"frames must be at least 2, and batch_size at least 1, got {got}"
        with pytest.raises(ValueError, match=rule):
            pipeline.interpolate_images(image(1), image(2), **few, **wrong)


def test_frames_are_drawn_in_batches(pipeline):
    drawn, options = [], {"frames": 5, **PT}
    whole = pipeline.interpolate_images(image(1), image(2), **options).images
    hook = pipeline.denoiser.register_forward_hook(lambda part, given, _: drawn.append(given[0]))
    split = pipeline.interpolate_images(image(1), image(2), batch_size=2, **options).images
    hook.remove()
    assert {len(images) for images in drawn} == {1, 2}
    torch.testing.assert_close(split, whole, atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r"number of steps must be at least 2 .*, got 1"):
        pipeline.interpolate_images(image(1), image(2), num_inference_steps=1)


def test_an_edit_turns_the_embedding(pipeline, embedder):
    square = image() * 0.9
    (same,) = pipeline.edit(square, "a", "a", strength=0.5, **PT).images
    (other,) = pipeline.edit(square, *CAPTIONS, strength=0.5, **PT).images
    assert (same - square).abs().mean() < 0.1
    assert (other - square).abs().mean() > (same - square).abs().mean()
    _, after = pipeline._pair(square, *CAPTIONS)
    plain = pipeline._told([CAPTIONS[1]], embedder.encode_images(square[None]))
    assert not torch.equal(after.pooled, plain.pooled)


def test_a_saved_pipeline_is_the_same(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    assert torch.equal(again(CAPTIONS, **PT).images, pipeline(CAPTIONS, **PT).images)
    assert "variations" in again.abilities


def test_the_prior_alone_embeds_captions(embedder):
    pipeline = DiffusionPriorPipeline(prior_for(embedder), embedder).eval()
    found = pipeline.embed(CAPTIONS, batch_size=1)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(found, pipeline.embed(CAPTIONS), atol=1e-5, rtol=0)
    for other in ({"seed": 1}, {"num_inference_steps": 3}, {"guidance_scale": 3.0}):
        assert (found - pipeline.embed(CAPTIONS, **other)).abs().max() > 1e-4, other
    for wrong, rule in (
        ({"num_inference_steps": 0}, r"num_inference_steps must be in \[1, 100\], got 0"),
        ({"num_inference_steps": 2.5}, "num_inference_steps must be a whole number, got 2.5"),
        ({"guidance_scale": -1.0}, r"guidance_scale must be in \[0, 15\], got -1.0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ):
        with pytest.raises(ValueError, match=rule):
            pipeline.embed(CAPTIONS, **wrong)


def test_in_half_precision_it_draws_nearly_the_same(make_judge):
    pipeline = made(make_judge(CAPTIONS))
    prior = DiffusionPriorPipeline(pipeline.prior, pipeline.embedder)

    def drawn() -> list[torch.Tensor]:
        outputs = [
            pipeline(CAPTIONS, prior_guidance_scale=2.0, **PT),
            pipeline.variations(image(), "a red circle", strength=0.5, **PT),
            pipeline.interpolate_images(image(1), image(2), frames=3, **PT),
            pipeline.edit(image(), *CAPTIONS, strength=0.5, **PT),
        ]
        embeddings = prior.embed(CAPTIONS, num_inference_steps=4, guidance_scale=2.0)
        return [embeddings, *(output.images for output in outputs)]

    expected = drawn()
    pipeline.bfloat16()
    for found, exact in zip(drawn(), expected, strict=True):
        assert found.dtype == torch.float32
        assert 0 < (found - exact).abs().max() < 0.1


def test_what_does_not_fit_is_a_sentence(pipeline, embedder):
    width = embedder.image_encoder.width
    odd = DiffusionPrior(
        width + 1, width, "", diffusion=FlowDiffusion(), width=16, depth=1, num_heads=2
    )
    with pytest.raises(ValueError, match="prior must have the width of the contrastive model's"):
        DiffusionPriorPipeline(odd, embedder)
    with pytest.raises(ValueError, match="channels must be those of the contrastive model, 3"):
        UnclipPipeline.check_channels(embedder, 1)
    with pytest.raises(ValueError, match="prior_guidance_scale must be"):
        pipeline("a red circle", prior_guidance_scale=-1.0)
