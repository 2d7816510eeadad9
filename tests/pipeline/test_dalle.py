"""Sampling by way of codes."""

import pytest
import torch
from PIL import Image

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.image import from_pil
from textgan.pipeline import DallePipeline, TextToImagePipeline, rerank
from textgan.prior import GPTPrior, MaskedPrior
from textgan.prior.transformer import TransformerPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}


def made(prior_class: type[TransformerPrior] = GPTPrior) -> DallePipeline:
    torch.manual_seed(0)
    quantizer = FSQ(levels=(4, 4), groups=2)
    autoencoder = ConvolutionAutoencoder(
        sample_shape=(3, 16, 16), downsampling=4, quantizer=quantizer, **SMALL
    )
    prior = prior_class((2, 4, 4), 16, text_width=8, width=12, depth=1, num_heads=2)
    for head in prior.heads:
        torch.nn.init.normal_(head.logits.weight, std=0.5)
    for block in prior.blocks:  # they start at 0
        torch.nn.init.normal_(block.mixed.weight, std=0.5)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle", "a blue square"])
    return DallePipeline(prior, encoder, autoencoder).eval()


@pytest.fixture(scope="module")
def pipeline() -> DallePipeline:
    return made()


def image() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(3, 16, 16) * 2 - 1


def test_it_is_called_as_every_pipeline_is(pipeline):
    out = pipeline(["a red circle", "a blue square"], num_images_per_prompt=2, output_type="pt")
    assert out.images.shape == (4, 3, 16, 16)
    assert isinstance(pipeline("a red circle").images[0], Image.Image)
    assert (pipeline.image_size, pipeline.channels) == (16, 3)


def test_an_image_depends_on_its_own_key_alone(pipeline):
    def sample(*captions: str, **options: object) -> torch.Tensor:
        return pipeline([*captions], output_type="pt", **options).images

    alone = sample("a blue square", indices=[1])
    torch.testing.assert_close(sample("a red circle", "a blue square")[1:], alone)
    assert not torch.equal(sample("a blue square", indices=[2]), alone)
    assert not torch.equal(sample("a blue square", indices=[1], seed=1), alone)


def test_every_option_has_an_effect(pipeline):
    captions = ["a red circle", "a blue square"]

    def sample(**options: float) -> torch.Tensor:
        return pipeline(captions, output_type="pt", **options).images

    plain = sample()
    for options in ({"temperature": 0}, {"top_k": 1}, {"top_p": 0.05}, {"guidance_scale": 8.0}):
        assert not torch.equal(sample(**options), plain), options
    assert torch.equal(sample(top_k=1), sample(temperature=0))
    with pytest.raises(ValueError, match="top_p must be in"):
        sample(top_p=0)


def test_the_image_is_shown_as_it_is_drawn(pipeline):
    seen = []
    (image,) = pipeline("a red circle", callback=seen.append, output_type="pt").images
    assert len(seen) == 4  # rows of codes
    assert torch.equal(seen[-1][0], image)
    assert not torch.equal(seen[0][0], image)


def test_a_completion_keeps_the_codes_of_the_kept_rows(pipeline):
    encode = pipeline.autoencoder.encode_to_codes
    codes = []
    decode = pipeline.autoencoder.decode_codes
    pipeline.autoencoder.decode_codes = lambda given: (codes.append(given), decode(given))[1]
    try:
        out = pipeline.complete(image(), "a red circle", number=3, output_type="pt").images
    finally:
        del pipeline.autoencoder.decode_codes
    assert out.shape == (3, 3, 16, 16)
    (drawn,) = codes
    assert torch.equal(drawn[:, :, :2], encode(image()[None]).expand(3, -1, -1, -1)[:, :, :2])
    assert len(drawn.flatten(1).unique(dim=0)) == 3


def test_what_is_kept_is_a_share_or_a_mask(pipeline):
    whole = pipeline.complete(image(), "x", keep=1.0, output_type="pt").images
    again = pipeline.autoencoder.decode_codes(pipeline.autoencoder.encode_to_codes(image()[None]))
    torch.testing.assert_close(whole, again)
    places = torch.zeros(4, 4, dtype=torch.bool)
    places[1, 2] = True
    pixels = places.repeat_interleave(4, 0).repeat_interleave(4, 1)
    one, two = (
        pipeline.complete(image(), "x", keep=mask, output_type="pt").images
        for mask in (places, pixels)
    )
    assert torch.equal(one, two)
    pixels[4, 8] = False  # a position with a missing pixel is drawn anew
    none = pipeline.complete(image(), "x", keep=0.0, output_type="pt").images
    assert torch.equal(pipeline.complete(image(), "x", keep=pixels, output_type="pt").images, none)
    picture = Image.new("RGB", (30, 20), "red")
    assert len(pipeline.complete(picture, "x", number=2).images) == 2
    square = from_pil(picture.resize((16, 16)), 3)
    assert torch.equal(
        pipeline.complete(picture, "x", output_type="pt").images,
        pipeline.complete(square, "x", output_type="pt").images,
    )
    with pytest.raises(ValueError, match=r"keep must be within \[0, 1\], got 2"):
        pipeline.complete(image(), "x", keep=2)
    with pytest.raises(ValueError, match="keep must be a number or a mask of 4 x 4 or 16 x 16"):
        pipeline.complete(image(), "x", keep=torch.zeros(3, 3))


def test_the_log_likelihood_is_the_sum_over_the_codes(pipeline):
    images = torch.stack([image(), -image()])
    found = pipeline.log_likelihood(images, ["a red circle", "a blue square"], batch_size=1)
    codes = pipeline.autoencoder.encode_to_codes(images)
    logits = pipeline.prior(codes, pipeline.text_encoder(["a red circle", "a blue square"]))
    for row in range(2):
        total = sum(
            logits[row, g, y, x].log_softmax(-1)[codes[row, g, y, x]]
            for g in range(2)
            for y in range(4)
            for x in range(4)
        )
        torch.testing.assert_close(found[row], total, atol=1e-3, rtol=1e-4)
    with pytest.raises(ValueError, match="captions must be one for each image, got 1 for 2"):
        pipeline.log_likelihood(images, ["a"])


def test_a_saved_pipeline_is_the_same(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    one, two = (p("a red circle", output_type="pt").images for p in (pipeline, again))
    assert torch.equal(one, two)


def test_a_prior_of_other_codes_is_refused(pipeline):
    other = GPTPrior((2, 4, 4), 17, text_width=8, width=12, depth=1, num_heads=2)
    with pytest.raises(ValueError, match="prior must be built for the codes of the autoencoder"):
        DallePipeline(other, pipeline.text_encoder, pipeline.autoencoder)
    continuous = ConvolutionAutoencoder(sample_shape=(3, 16, 16), **SMALL)
    with pytest.raises(ValueError, match="autoencoder must be discrete"):
        DallePipeline(other, pipeline.text_encoder, continuous)


def test_many_codes_at_once(tmp_path):
    pipeline = made(MaskedPrior)
    names = {option.name for option in pipeline.options}
    assert "num_inference_steps" in names
    seen = []
    (one,) = pipeline(
        "a red circle", num_inference_steps=3, callback=seen.append, output_type="pt"
    ).images
    assert len(seen) == 3
    assert torch.equal(seen[-1][0], one)
    (other,) = pipeline("a red circle", num_inference_steps=4, output_type="pt").images
    assert not torch.equal(other, one)
    done = pipeline.complete(image(), "x", keep=1.0, output_type="pt").images
    codes = pipeline.autoencoder.encode_to_codes(image()[None])
    torch.testing.assert_close(done, pipeline.autoencoder.decode_codes(codes))
    with pytest.raises(TypeError, match="MaskedPrior has no likelihood"):
        pipeline.log_likelihood(image()[None], ["a red circle"])
    pipeline.save_pretrained(tmp_path)
    again = TextToImagePipeline.from_pretrained(tmp_path)
    (same,) = again("a red circle", num_inference_steps=3, output_type="pt").images
    assert torch.equal(same, one)


def test_steps_of_a_prior_that_has_none_are_refused(pipeline):
    assert "num_inference_steps" not in {option.name for option in pipeline.options}
    with pytest.raises(ValueError, match="num_inference_steps must be left out, because the prior"):
        pipeline("a red circle", num_inference_steps=3)


def test_it_ranks_its_own_samples_by_their_likelihood(pipeline):
    captions = ["a red circle", "a blue square"]
    samples = pipeline(captions, num_images_per_prompt=5, output_type="pt").images
    best = rerank(pipeline, pipeline, captions, candidates=5, output_type="pt").images
    for row, caption in enumerate(captions):
        own = samples[5 * row : 5 * row + 5]
        likely = pipeline.log_likelihood(own, [caption] * 5).argmax()
        torch.testing.assert_close(best[row], own[likely], atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r"images must have the shape \(3, 16, 16\)"):
        pipeline.score(torch.zeros(1, 3, 8, 8), "a red circle")
    with pytest.raises(TypeError, match="judge must be a pipeline that ranks images"):
        rerank(pipeline, made(MaskedPrior), captions)


@pytest.mark.parametrize("prior_class", [GPTPrior, MaskedPrior])
def test_inpainting_draws_what_the_mask_marks_and_nothing_else(prior_class):
    pipeline = made(prior_class)
    assert "inpaint" in pipeline.abilities
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[5, 6:12] = True  # it touches the positions (1, 1) and (1, 2) of the codes
    touched = torch.zeros(4, 4, dtype=torch.bool)
    touched[1, 1:3] = True
    options = {"number": 3, "seed": 2, "output_type": "pt"}
    drawn = pipeline.complete(image(), "a red circle", keep=~touched, **options).images
    filled = pipeline.inpaint(image(), mask, "a red circle", **options).images
    assert torch.equal(filled[:, :, mask], drawn[:, :, mask])
    assert torch.equal(filled[:, :, ~mask], image()[:, ~mask].expand(3, -1, -1))
    assert not torch.equal(filled[0], filled[1])
    other = pipeline.inpaint(image(), mask, "a red circle", **options, temperature=0).images
    assert not torch.equal(other, filled)


def test_inpainting_takes_pictures_and_refuses_what_does_not_fit(pipeline):
    picture, mask = Image.new("RGB", (30, 20), "red"), Image.new("L", (30, 20), 0)
    mask.paste(255, (10, 5, 20, 15))
    (filled,) = pipeline.inpaint(picture, mask, "x").images
    assert filled.getpixel((0, 0)) == (255, 0, 0)
    assert filled.getpixel((8, 8)) != (255, 0, 0)
    whole = torch.ones(16, 16, dtype=torch.bool)
    mistakes = [
        (lambda: pipeline.inpaint(image(), ~whole, "x"), "mask must mark what is drawn anew"),
        (lambda: pipeline.inpaint(image(), whole[1:], "x"), "mask must have the shape"),
        (lambda: pipeline.inpaint(image()[:, 1:], whole, "x"), "image must have the shape"),
        (lambda: pipeline.inpaint(image(), whole, "x", number=0), "number must be at least 1"),
        (lambda: pipeline.inpaint(image(), whole, "x", top_p=0), "top_p must be in"),
        (
            lambda: pipeline.inpaint(picture, mask.resize((8, 8)), "x"),
            r"mask must have the size of the upright image, \(30, 20\), got \(8, 8\)",
        ),
    ]
    for call, sentence in mistakes:
        with pytest.raises(ValueError, match=sentence):
            call()
