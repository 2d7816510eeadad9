"""Two processes train as one with twice the batch does."""

from functools import partial

import pytest
import torch

from textgan.autoencoder import ConvolutionAutoencoder
from textgan.loss import KL, R1R2, Match, Mismatch, Reconstruction, RpGAN
from textgan.model import TokenPriorModel
from textgan.prior import GPTPrior, MaskedPrior
from textgan.quantizer import FSQ
from textgan.text_encoder import BertTextEncoder
from textgan.training.budget import Budget

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
    )


@pytest.mark.parametrize("kind", [GPTPrior, MaskedPrior])
def test_two_processes_train_a_prior_as_one_does(kind, states_of):
    def run(batch_size: int, **options: object) -> list[dict[str, torch.Tensor]]:
        sizes, precision = {"batch_size": batch_size}, {"precision": "64-true"}
        return [one["state"] for one in states_of(token_prior(kind), sizes, **precision, **options)]

    first, second = run(4, **TWO)
    (alone,) = run(8)
    before, moved = token_prior(kind).state_dict(), 0.0
    for name, value in alone.items():
        assert torch.equal(first[name], second[name]), name
        assert (first[name] - value).abs().max() <= 1e-9, name
        if name in before and name.startswith("prior."):
            moved = max(moved, (value - before[name]).abs().max())
    assert moved > 1e-3
