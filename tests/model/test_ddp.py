"""Two processes train as one with twice the batch does."""

from functools import partial

import pytest
import torch

from textgan.loss import KL, R1R2, Match, Mismatch, Reconstruction, RpGAN

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
