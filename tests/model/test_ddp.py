"""Two processes train as one with twice the batch does."""

from functools import partial

import pytest
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.denoiser import EmbeddingCondition, LowResolutionCondition, TransformerDenoiser
from textgan.diffusion import FlowDiffusion, GaussianDiffusion
from textgan.image_encoder import ResNetImageEncoder
from textgan.loss import KL, R1R2, Match, Mismatch, Reconstruction, RpGAN
from textgan.model import (
    DiffusionModel,
    DiffusionPriorModel,
    TokenPriorModel,
    UnclipModel,
    UpsamplerModel,
)
from textgan.pipeline import ContrastivePipeline
from textgan.prior import DiffusionPrior, GPTPrior, MaskedPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget
from textgan.training.model import TrainedModel

STEPS = 3
# Forked: it takes seconds, where processes that import everything anew take a minute.
TWO = {"devices": 2, "strategy": "ddp_fork_find_unused_parameters_true"}
# A finite difference divides float32's rounding by 0.01, which hides what is compared here.
CASES = [("exact", "32-true", 1e-6), ("finite_difference", "64-true", 1e-10)]


@pytest.fixture
def train(model, states_of):
    """Penalty, batch size of a process, options of the trainer -> the weights of each process."""

    def run(method: str, batch_size: int, **options: object) -> list[dict[str, torch.Tensor]]:
        terms = [
            Reconstruction(),
            KL(),
            RpGAN(),
            R1R2(interval=2, method=method),
            Mismatch(),
            Match(),
        ]
        # Adam divides by the gradient's size, and so makes a whole step of what rounding leaves.
        sgd = partial(torch.optim.SGD, lr=0.05)
        net = model(
            losses={type(term).__name__.lower(): term for term in terms},
            generator_optimizer=sgd,
            discriminator_optimizer=sgd,
            learning_rate_decay_start=1.0,
            caption_dropout=0.2,
            total_images=8 * STEPS,
        )
        found = states_of(net, {"batch_size": batch_size}, **options)
        assert [one["steps"] for one in found] == [STEPS] * len(found)
        return [one["state"] for one in found]

    return run


@pytest.mark.parametrize(("method", "precision", "tolerance"), CASES)
def test_two_processes_end_equal_and_where_one_with_twice_the_batch_does(
    model, train, method, precision, tolerance
):
    first, second = train(method, 4, precision=precision, **TWO)
    (alone,) = train(method, 8, precision=precision)
    before, moved = model().state_dict(), {}
    assert first.keys() == second.keys() == alone.keys()
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        # Weights are of the order of 1 and move by 1e-3 and more.
        assert (first[name] - value).abs().max() <= tolerance, name
        if name in before and value.is_floating_point():
            part = name.partition(".")[0]
            moved[part] = max(moved.get(part, 0), (value - before[name]).abs().max())
    for part in ("generator", "text_encoder", "posterior", "discriminator", "ema"):
        assert moved[part] > 1e-3, part
    assert alone["losses.match.temperature.log_temperature"] != Match().temperature.log_temperature


def token_prior(kind: type[GPTPrior] | type[MaskedPrior]) -> TokenPriorModel:
    """A tiny prior, which a GPT also trains to make captions."""
    torch.manual_seed(0)
    has_captions = kind is GPTPrior
    sizes = {"text_width": 8, "width": 16, "depth": 1, "num_heads": 2}
    small = {"width": 8, "deep_width": 12, "encoder_blocks": 1, "decoder_blocks": 1}
    return TokenPriorModel(
        autoencoder=ConvolutionAutoencoder(
            sample_shape=(3, 16, 16), downsampling=4, quantizer=FSQ(levels=(4, 4)), **small
        ),
        prior=partial(kind, **sizes, **({"text_vocabulary": 270} if has_captions else {})),
        text_encoder=BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        optimizer=partial(torch.optim.SGD, lr=0.05),
        budget=Budget(total_images=8 * STEPS, learning_rate_decay_start=1.0),
        caption_dropout=0.2,
        describe_weight=0.125 if has_captions else 0.0,
        tokenizer_captions=20,
    )


def denoising(kind: type[TrainedModel]) -> TrainedModel:
    """A tiny model of diffusion, in which no weight is 0."""
    torch.manual_seed(0)
    encoder = BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270)
    encoder.fit_tokenizer(["a red circle"])
    embedder = ContrastivePipeline(
        ResNetImageEncoder(image_size=16, channels=3, width=8, base_width=4, max_width=8), encoder
    )
    sizes = {"width": 16, "depth": 1, "num_heads": 2}
    extra = 3 if kind is UpsamplerModel else 0
    image = {"sample_shape": (3, 16, 16), "text_width": 8, "patch_size": 4, "extra_channels": extra}
    diffusion = GaussianDiffusion(prediction="sample", min_snr=None)
    of_prior = {"prior": partial(DiffusionPrior, diffusion=diffusion, **sizes)}
    of_denoiser = {
        "denoiser": TransformerDenoiser(**image, **sizes),
        "text_encoder": BertTextEncoder(width=8, depth=1, num_heads=2, vocab_size=270),
        "diffusion": FlowDiffusion(),
        "tokenizer_captions": 20,
    }
    own = {
        DiffusionModel: of_denoiser,
        DiffusionPriorModel: {**of_prior, "embedder": embedder},
        UnclipModel: {
            **of_denoiser,
            "condition": partial(EmbeddingCondition, text_width=8, num_words=2),
            "embedder": embedder,
        },
        UpsamplerModel: {
            **of_denoiser,
            "condition": LowResolutionCondition(image_size=16, factor=2, text_width=8),
        },
    }
    model = kind(
        optimizer=partial(torch.optim.SGD, lr=0.05),
        budget=Budget(total_images=8 * STEPS, learning_rate_decay_start=1.0),
        caption_dropout=0.2,
        **own[kind],
    )
    for weight in model.parameters():  # gates and the last layer start at 0
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    return model


# A way to make a model, and its trained parts.
MODELS = {
    "gpt": (partial(token_prior, GPTPrior), ("prior",)),
    "masked": (partial(token_prior, MaskedPrior), ("prior",)),
    "diffusion": (partial(denoising, DiffusionModel), ("denoiser", "text_encoder")),
    "diffusion_prior": (partial(denoising, DiffusionPriorModel), ("prior",)),
    "unclip": (partial(denoising, UnclipModel), ("denoiser", "text_encoder", "condition")),
    "upsampler": (partial(denoising, UpsamplerModel), ("denoiser", "text_encoder", "condition")),
}


@pytest.mark.parametrize("name", MODELS)
def test_two_processes_train_other_models_as_one_does(name, states_of):
    make, parts = MODELS[name]
    if make.func is denoising:
        pytest.importorskip("diffusers", reason="needs diffusers: pip install 'textgan[diffusion]'")

    def run(batch_size: int, **options: object) -> list[dict[str, torch.Tensor]]:
        sizes, precision = {"batch_size": batch_size}, {"precision": "64-true"}
        return [one["state"] for one in states_of(make(), sizes, **precision, **options)]

    first, second = run(4, **TWO)
    (alone,) = run(8)
    before, moved = make().state_dict(), dict.fromkeys(parts, 0.0)
    for key, value in alone.items():
        assert torch.equal(first[key], second[key]), key
        assert (first[key] - value).abs().max() <= 1e-9, key
        part = key.partition(".")[0]
        if key in before and part in moved and value.is_floating_point():
            moved[part] = max(moved[part], (value - before[key]).abs().max())
    assert min(moved.values()) > 1e-3, moved
