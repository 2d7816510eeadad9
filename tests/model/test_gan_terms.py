"""What GANModel says of losses that do not fit, and of those that break; and how it accumulates."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from textgan.augmentation import DiffAugment
from textgan.image_encoder import ResNetImageEncoder
from textgan.loss import KL, R1R2, Loss, Mismatch, Perceptual, Reconstruction, RpGAN
from textgan.training.terms import NonFiniteLossError

PIXELS = {"reconstruction": Reconstruction(), "kl": KL()}
ADVERSARIAL_TERMS = {"rpgan": RpGAN()}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"losses": {}}, "losses must hold at least one term, got none"),
        ({"posterior": None}, "loss term reconstruction needs a posterior, but posterior is null"),
        ({"discriminator": None}, "loss term rpgan needs a discriminator, but discriminator is n"),
        ({"losses": ADVERSARIAL_TERMS}, "no loss term trains the posterior"),
        ({"losses": PIXELS}, "no loss term trains the discriminator"),
        ({"losses": {"r1r2": R1R2()}, "posterior": None}, "no loss term trains the generator"),
        (
            {"losses": PIXELS, "discriminator": None, "augmentation": DiffAugment()},
            "augmentation changes the discriminator's images, but discriminator is null",
        ),
        (
            {"losses": {**PIXELS, "r1r2": R1R2(), "mismatch": Mismatch()}},
            "no loss term .* on real and fake images: add rpgan, .* to r1r2, mismatch",
        ),
        ({"compile": ["losses"]}, "compile must name parts among .*, got losses"),
        ({"caption_dropout": 1.5}, r"caption_dropout must be within \[0, 1\], got 1.5"),
        ({"discriminator_start": -0.1}, r"discriminator_start must be within \[0, 1\], got -0.1"),
    ],
)
def test_what_does_not_fit_is_a_sentence_at_construction(model, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        model(**changes)


class Breaking(Loss):
    """Sound for eight images, then NaN or infinite in one turn."""

    needs = ("discriminator",)

    def __init__(self, value: float, turn: str):
        super().__init__()
        self.value, self.turn = value, turn

    def generator_loss(self, step):
        return self._at(step, "generator", step.fake_output.logits)

    def discriminator_loss(self, step):
        return self._at(step, "discriminator", step.real_output.logits)

    def _at(self, step, turn, logits):
        broken = turn == self.turn and step.images_seen >= 8
        return logits.mean() * (self.value if broken else 1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("turn", ["generator", "discriminator"])
def test_a_broken_loss_stops_training_and_is_named(model, fitted, value, turn):
    losses = {**PIXELS, **ADVERSARIAL_TERMS, "breaking": Breaking(value, turn)}
    sentence = f"stopped at 8 images: loss term {turn}/breaking is (nan|inf|-inf);"
    first = model(losses=losses)
    with pytest.raises(NonFiniteLossError, match=sentence):
        fitted(first)
    assert int(first.images_seen) == 8
    assert all(torch.isfinite(p).all() for p in first.parameters())


@pytest.mark.parametrize(("generator", "discriminator"), [(0.1, 0.0), (0.0, 0.1)])
def test_two_accumulated_batches_are_one_of_twice_the_size(
    model, data, fitted, monkeypatch, generator, discriminator
):
    # One side is held still: in a large batch the discriminator steps before the generator's turn.
    trained = []
    for batch_size, batches in ((8, 1), (4, 2)):
        first = model(
            losses={**PIXELS, **ADVERSARIAL_TERMS, "r1r2": R1R2(method="exact", interval=1)},
            generator_optimizer=partial(torch.optim.SGD, lr=generator),
            discriminator_optimizer=partial(torch.optim.SGD, lr=discriminator),
            learning_rate_decay_start=1.0,
            accumulate_batches=batches,
            total_images=24,
        )
        monkeypatch.setattr(first, "_encoded", without_noise(first._encoded))  # it is keyed
        start = {name: p.detach().clone() for name, p in first.named_parameters()}
        fitted(first, data(batch_size=batch_size))
        trained.append({n: p.detach() - start[n] for n, p in first.named_parameters()})
    one, two = trained
    moved = max(change.abs().max() for name, change in one.items() if "ema" not in name)
    assert moved > 1e-3
    for name, change in one.items():
        if "ema" not in name:
            torch.testing.assert_close(two[name], change, atol=1e-5 * moved.item(), rtol=1e-4)


def without_noise(encoded):
    return lambda batch: replace(encoded(batch), randn=torch.zeros)


def test_between_accumulated_batches_nothing_moves(model, fitted):
    first = model(accumulate_batches=2, total_images=4)
    before = {name: p.detach().clone() for name, p in first.named_parameters()}
    fitted(first)
    assert all(torch.equal(p, before[name]) for name, p in first.named_parameters())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_generator_trains(model, fitted):
    first = model(compile=["generator"], total_images=8)
    before = next(first.generator.parameters()).detach().clone()
    fitted(first)
    assert not torch.equal(next(first.generator.parameters()), before)
    assert fitted.trainer.global_step == 2
    assert not any("_orig_mod" in name for name in first.state_dict())


def test_encoders_of_other_channels_than_the_generators_are_refused(model):
    image_encoder = ResNetImageEncoder(
        image_size=16, width=8, channels=1, base_width=4, max_width=8, num_questions=2
    )
    losses = {
        "reconstruction": Reconstruction(),
        "perceptual": Perceptual(image_encoder=image_encoder),
    }
    with pytest.raises(ValueError, match="must have the same channels, got 1 and 3"):
        model(losses={**losses, "kl": KL()}, discriminator=None)
