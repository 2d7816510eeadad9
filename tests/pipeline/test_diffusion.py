"""Sampling from a diffusion model, and images that start from another image."""

import pytest
import torch
from PIL import Image

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.denoiser import TransformerDenoiser
from textgan.diffusion import Diffusion, FlowDiffusion, GaussianDiffusion, alphas_cumprod
from textgan.image import from_pil
from textgan.pipeline import DiffusionPipeline, TextToImagePipeline
from textgan.pipeline.redrawing import RedrawingPipeline
from textgan.seed import keyed_randn
from textgan.text_encoder import BertTextEncoder

pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

SMALL = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "refine_width": 4}
CAPTIONS = ["a red circle", "a blue square"]


def autoencoder() -> ConvolutionAutoencoder:
    torch.manual_seed(1)
    return ConvolutionAutoencoder(
        sample_shape=(3, 32, 32), downsampling=4, latent_channels=5, **SMALL
    )


def made(
    diffusion: Diffusion | None = None, *, latent: bool = False, patch_size: int = 2
) -> DiffusionPipeline:
    torch.manual_seed(0)
    denoiser = TransformerDenoiser(
        sample_shape=(5, 8, 8) if latent else (3, 16, 16),
        text_width=8,
        width=16,
        depth=1,
        num_heads=2,
        patch_size=1 if latent else patch_size,
    )
    for weight in denoiser.parameters():  # gates and the last layer start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(CAPTIONS)
    net = autoencoder() if latent else None
    return DiffusionPipeline(
        denoiser, encoder, diffusion or FlowDiffusion(), autoencoder=net
    ).eval()


@pytest.fixture(scope="module")
def pipeline() -> DiffusionPipeline:
    return made()


def image() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(3, 16, 16) * 2 - 1


def test_it_is_called_as_every_pipeline_is(pipeline):
    out = pipeline(CAPTIONS, num_images_per_prompt=2, output_type="pt", num_inference_steps=3)
    assert out.images.shape == (4, 3, 16, 16)
    assert out.images.abs().max() <= 1
    assert isinstance(pipeline("a red circle", num_inference_steps=2).images[0], Image.Image)
    assert (pipeline.image_size, pipeline.channels) == (16, 3)


@pytest.mark.parametrize(
    "diffusion",
    [
        *(FlowDiffusion(sampler=name) for name in FlowDiffusion.samplers),
        *(GaussianDiffusion(sampler=name) for name in GaussianDiffusion.samplers),
    ],
    ids=lambda diffusion: f"{type(diffusion).__name__}-{diffusion.sampler}",
)
def test_every_sampler_draws_varies_and_starts_from_images(diffusion):
    pipeline = made(diffusion)
    options = {"output_type": "pt", "num_inference_steps": 4}
    one, two = pipeline("a red circle", num_images_per_prompt=2, **options).images
    assert (one - two).abs().max() > 1e-3
    again = pipeline("a red circle", indices=[0], **options).images[0]
    torch.testing.assert_close(again, one, atol=1e-4, rtol=0)
    near, far = (
        pipeline.image_to_image(image(), "a red circle", strength=strength, **options).images[0]
        for strength in (0.25, 1.0)
    )
    assert (near - image()).abs().mean() < (far - image()).abs().mean()
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[4:8, 4:8] = True
    (filled,) = pipeline.inpaint(image(), mask, "a red circle", **options).images
    assert torch.equal(filled[:, ~mask], image()[:, ~mask])
    assert (filled - image())[:, mask].abs().max() > 1e-3


INPAINTING = [
    *(FlowDiffusion(sampler=name) for name in FlowDiffusion.samplers),
    *(
        GaussianDiffusion(sampler=name, prediction=prediction)
        for name in GaussianDiffusion.samplers
        for prediction in ("epsilon", "velocity")
    ),
]


def name(diffusion: Diffusion) -> str:
    return f"{type(diffusion).__name__}-{diffusion.sampler}-{getattr(diffusion, 'prediction', '')}"


@pytest.mark.parametrize("diffusion", INPAINTING, ids=name)
def test_what_was_in_the_mask_has_no_effect(diffusion):
    pipeline = made(diffusion)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[4:12, 4:12] = True
    options = {"output_type": "pt", "num_inference_steps": 3}
    one, other = (
        pipeline.inpaint(torch.where(mask, fill, image()), mask, "a red circle", **options).images
        for fill in (-1.0, 1.0)
    )
    assert torch.equal(one, other)


@pytest.mark.parametrize("diffusion", INPAINTING, ids=name)
def test_the_noisy_samples_outside_of_the_mask_are_those_of_the_image(diffusion, monkeypatch):
    pipeline = made(diffusion)
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[4:12, 4:12] = True
    predict, states = pipeline._predict, []

    def recording(seen, times, **options):
        states.append((seen, times))
        return predict(seen, times, **options)

    monkeypatch.setattr(pipeline, "_predict", recording)
    pipeline.inpaint(image(), mask, "a red circle", seed=3, num_inference_steps=4)
    assert len(states) == (7 if diffusion.sampler == "heun" else 4)
    noise = keyed_randn([(3, 0, 0)], (3, 16, 16))
    for seen, times in states:
        if isinstance(diffusion, FlowDiffusion):
            expected = (1 - times) * image() + times * noise
        else:
            signal = alphas_cumprod()[(times * 1000).round().long()]
            expected = signal.sqrt() * image() + (1 - signal).sqrt() * noise
        outside = (~mask).expand_as(seen)
        torch.testing.assert_close(seen[outside], expected[outside], atol=1e-4, rtol=0)


def test_an_image_depends_on_its_own_key_alone(pipeline):
    def sample(*captions: str, **options: object) -> torch.Tensor:
        return pipeline([*captions], output_type="pt", num_inference_steps=3, **options).images

    alone = sample("a blue square", indices=[1])
    torch.testing.assert_close(sample(*CAPTIONS)[1:], alone, atol=1e-5, rtol=0)
    assert not torch.equal(sample("a blue square", indices=[2]), alone)
    assert not torch.equal(sample("a blue square", indices=[1], seed=1), alone)


def test_guidance_by_hand(pipeline):
    text = pipeline.text_encoder(["a red circle"])
    empty = pipeline.text_encoder(["something else"])
    noisy, time = torch.randn(1, 3, 16, 16), torch.tensor([0.5])
    with torch.no_grad():
        c, u = (pipeline.denoiser(noisy, time, t) for t in (text, empty))
        seen = []
        pipeline.denoiser.register_forward_hook(lambda *call: seen.append(call[2]))
    guided = u + 4 * (c - u)
    both = type(text).cat([text, empty])
    with torch.no_grad():
        found = pipeline._predict(noisy, time, text=both, scale=4, rescale=0)
        half = pipeline._predict(noisy, time, text=both, scale=4, rescale=0.5)
    torch.testing.assert_close(found, guided, atol=1e-4, rtol=1e-4)
    expected = 0.5 * guided + 0.5 * guided * c.std() / guided.std()
    torch.testing.assert_close(half, expected, atol=1e-4, rtol=1e-4)
    assert len(seen) == 2


def test_every_option_has_an_effect(pipeline):
    def sample(**options: object) -> torch.Tensor:
        given = {"num_inference_steps": 3, "output_type": "pt"} | options
        return pipeline("a red circle", **given).images

    plain = sample()
    changes = (
        {"num_inference_steps": 4},
        {"guidance_scale": 1.0},
        {"guidance_scale": 8.0},
        {"guidance_rescale": 1.0},
        {"negative_prompt": "a blue square"},
        {"sampler": "heun"},
    )
    for options in changes:
        assert not torch.equal(sample(**options), plain), options


def test_the_image_is_shown_as_it_is_drawn(pipeline):
    seen = []
    options = {"callback": seen.append, "num_inference_steps": 5, "output_type": "pt"}
    (last,) = pipeline("a red circle", **options).images
    assert len(seen) == 5
    assert seen[0].shape == (1, 3, 16, 16)
    # The last step of Euler's goes to what the denoiser predicts.
    torch.testing.assert_close(seen[-1][0], last, atol=1e-4, rtol=0)
    assert not torch.equal(seen[0][0], last)


def test_latents_are_decoded_and_images_encoded():
    pipeline = made(latent=True)
    options = {"output_type": "pt", "num_inference_steps": 4}
    assert pipeline("a red circle", **options).images.shape == (1, 3, 32, 32)
    square = torch.rand(3, 32, 32) * 2 - 1
    near = pipeline.image_to_image(square, "a red circle", strength=0.01, **options).images
    assert near.shape == (1, 3, 32, 32)
    mask = torch.zeros(32, 32, dtype=torch.bool)
    mask[3, 5] = True  # one pixel: its whole position is drawn, and the other pixels are put back
    (filled,) = pipeline.inpaint(square, mask, "a red circle", **options).images
    assert torch.equal(filled[:, ~mask], square[:, ~mask])


@pytest.mark.parametrize("strength", [0.1, 0.3, 0.36, 0.5, 0.7, 1.0])
@pytest.mark.parametrize(
    "diffusion",
    [
        *(FlowDiffusion(sampler=name) for name in FlowDiffusion.samplers),
        *(GaussianDiffusion(sampler=name) for name in GaussianDiffusion.samplers),
    ],
    ids=lambda diffusion: f"{type(diffusion).__name__}-{diffusion.sampler}",
)
def test_no_noise_is_left_whatever_the_strength(diffusion, strength, monkeypatch):
    pipeline = made(diffusion)
    known = torch.linspace(-0.5, 0.5, 16).expand(3, 16, 16)

    def exact(seen, times, **_):
        if isinstance(diffusion, FlowDiffusion):
            return (seen - known) / times[:, None, None, None]
        signal = alphas_cumprod()[(times * 1000).round().long()][:, None, None, None]
        noise = (seen - signal.sqrt() * known) / (1 - signal).sqrt()
        return signal.sqrt() * noise - (1 - signal).sqrt() * known

    monkeypatch.setattr(pipeline, "_predict", exact)
    options = {"strength": strength, "num_inference_steps": 10, "output_type": "pt"}
    (found,) = pipeline.image_to_image(known, "x", **options).images
    torch.testing.assert_close(found, known, atol=0.02, rtol=0)


def test_pictures_and_masks_of_pil(pipeline):
    picture = Image.new("RGB", (30, 20), "red")
    mask = Image.new("L", (30, 20), 0)
    mask.paste(255, (10, 5, 20, 15))
    (filled,) = pipeline.inpaint(picture, mask, "x", num_inference_steps=2).images
    assert filled.getpixel((0, 0)) == (255, 0, 0)
    square = from_pil(picture.resize((16, 16)), 3)
    options = {"output_type": "pt", "num_inference_steps": 2}
    assert torch.equal(
        pipeline.image_to_image(picture, "x", **options).images,
        pipeline.image_to_image(square, "x", **options).images,
    )


def test_a_saved_pipeline_is_the_same(tmp_path):
    for latent in (False, True):
        pipeline = made(GaussianDiffusion(sampler="euler", prediction="epsilon"), latent=latent)
        pipeline.save_pretrained(tmp_path / str(latent))
        again = TextToImagePipeline.from_pretrained(tmp_path / str(latent))
        one, two = (
            p("a red circle", output_type="pt", num_inference_steps=2).images
            for p in (pipeline, again)
        )
        assert torch.equal(one, two)


@pytest.mark.parametrize("latent", [False, True])
@pytest.mark.parametrize("diffusion", [FlowDiffusion(), GaussianDiffusion()], ids=["flow", "gauss"])
def test_in_half_precision_it_draws_nearly_the_same(diffusion, latent):
    pipeline = made(diffusion, latent=latent)
    torch.manual_seed(2)
    square = torch.rand(3, pipeline.image_size, pipeline.image_size) * 1.8 - 0.9
    mask = torch.zeros(square.shape[1:], dtype=torch.bool)
    mask[:8] = True
    options = {"output_type": "pt", "num_inference_steps": 4, "guidance_rescale": 0.5}

    def drawn() -> list[torch.Tensor]:
        outputs = [
            pipeline(CAPTIONS, negative_prompt="a", **options),
            pipeline.image_to_image(square, "a red circle", **options),
            pipeline.inpaint(square, mask, "a red circle", **options),
            pipeline.edit(square, *CAPTIONS, strength=0.5, **options),
        ]
        return [output.images for output in outputs]

    expected = drawn()
    pipeline.bfloat16()
    for images, exact in zip(drawn(), expected, strict=True):
        assert images.dtype == torch.float32
        assert 0 < (images - exact).abs().max() < 0.1


def test_a_pipeline_that_draws_anew_must_say_how_it_predicts():
    class Half(RedrawingPipeline):
        def generate(self, captions, keys):
            return torch.zeros(len(keys), 3, 16, 16)

    with pytest.raises(TypeError, match="_predict"):
        Half()


def test_what_does_not_fit_is_a_sentence(pipeline):
    encoder, diffusion = pipeline.text_encoder, pipeline.diffusion
    latent = TransformerDenoiser(
        sample_shape=(5, 8, 8), text_width=8, width=16, depth=1, num_heads=2
    )
    with pytest.raises(ValueError, match="channels of the denoiser must be 1, 3 or 4"):
        DiffusionPipeline(latent, encoder, diffusion)
    with pytest.raises(ValueError, match=r"autoencoder's latents, \(5, 8, 8\), got \(3, 16, 16\)"):
        DiffusionPipeline(pipeline.denoiser, encoder, diffusion, autoencoder=autoencoder())
    whole = torch.ones(16, 16, dtype=torch.bool)
    mistakes = [
        (lambda: pipeline("x", num_inference_steps=0), "num_inference_steps must be in"),
        (lambda: pipeline("x", guidance_scale=-1), "guidance_scale must be in"),
        (
            lambda: pipeline.image_to_image(image(), "x", strength=0),
            r"strength must be in \(0, 1\]",
        ),
        (
            lambda: pipeline.image_to_image(image(), "x", number=0),
            "num_images_per_prompt and batch_size",
        ),
        (lambda: pipeline.image_to_image(image()[:, 1:], "x"), "image must have the shape"),
        (lambda: pipeline.image_to_image(image() * 255, "x"), "image must have numbers in"),
        (lambda: pipeline.image_to_image(image().byte(), "x"), "image must have numbers in"),
        (lambda: pipeline("x", sampler="ddim"), "sampler must be one of euler, heun, got 'ddim'"),
        (lambda: pipeline.generate(["x"], [(0, 0, 0)], strength=0.5), "without start"),
        (lambda: pipeline.invert(image(), num_inference_steps=1), "steps must be at least 2"),
        (lambda: pipeline.edit(image(), "a", "b", num_inference_steps=1), "must be at least 2"),
        (
            lambda: pipeline("x", negative_prompt="y", guidance_scale=1),
            "negative_prompt has no effect with a guidance_scale of 1, got 'y'",
        ),
        (
            lambda: pipeline.image_to_image(image(), "x", negative_prompt="y", guidance_scale=1.0),
            "negative_prompt has no effect with a guidance_scale of 1, got 'y'",
        ),
        (lambda: pipeline.inpaint(image(), whole[1:], "x"), "mask must have the shape"),
        (lambda: pipeline.inpaint(image(), ~whole, "x"), "mask must mark what is drawn anew"),
        (
            lambda: pipeline.inpaint(Image.new("RGB", (9, 9)), Image.new("L", (8, 8)), "x"),
            "mask must have the size of the upright image",
        ),
    ]
    for call, sentence in mistakes:
        with pytest.raises(ValueError, match=sentence):
            call()


@pytest.mark.parametrize(
    "other",
    [
        {"sampler": "heun"},
        {"start": torch.zeros(1, 3, 16, 16)},
        {"redrawn": torch.ones(1, 1, 16, 16, dtype=torch.bool)},
    ],
)
def test_what_has_no_effect_on_an_inverted_image_is_refused(pipeline, other):
    noisy = pipeline.invert(image(), num_inference_steps=2)
    options = {"noisy": noisy, "num_inference_steps": 2}
    assert pipeline.generate(["x"], [(0, 0, 0)], **options).shape == (1, 3, 16, 16)
    with pytest.raises(ValueError, match="sampler, start and redrawn must be left out with noisy"):
        pipeline.generate(["x"], [(0, 0, 0)], **options, **other)


@pytest.mark.parametrize("diffusion", [FlowDiffusion(), GaussianDiffusion()])
def test_an_edit_between_equal_captions_gives_the_image(diffusion):
    pipeline = made(diffusion)
    square = image() * 0.9
    options = {"num_inference_steps": 10, "output_type": "pt"}
    for strength, tolerance in ((0.5, 0.05), (1.0, 0.1)):
        (same,) = pipeline.edit(square, "a", "a", strength=strength, **options).images
        assert (same - square).abs().mean() < tolerance
        (other,) = pipeline.edit(
            square, "a red circle", "a blue square", strength=strength, **options
        ).images
        assert (other - square).abs().mean() > (same - square).abs().mean()
