"""What every term of `conf/loss` must do."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate

from textgan.discriminator import ProjectionDiscriminator
from textgan.loss import Loss
from textgan.model.terms import check_terms, weighted_sum
from textgan.types import AdversarialStep, Gaussian

FILES = sorted((Path(__file__).parents[2] / "conf" / "loss").glob("*.yaml"))
PARTS = {"posterior", "discriminator", "augmentation"}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def name(request) -> str:
    return request.param.stem


@pytest.fixture
def term(name, load_choice) -> Loss:
    return instantiate(load_choice(FILES[0].with_name(f"{name}.yaml")), _convert_="all")


@pytest.fixture
def step(make_step, make_text) -> AdversarialStep:
    torch.manual_seed(0)
    critic = ProjectionDiscriminator(image_size=16, text_width=4, width=4, max_width=8)
    real, fake, drawn = (torch.rand(4, 3, 16, 16, requires_grad=True) for _ in range(3))
    text = make_text(torch.randn(4, 4))
    return make_step(
        captions=[*"aabc"],
        real=real.detach(),
        text=text,
        progress=1.0,
        discriminator=critic,
        fake=fake,
        noise=torch.randn(4, 3),
        augmented_real=real,
        augmented_fake=fake,
        real_output=critic(real, text),
        fake_output=critic(fake, text),
        reconstruction=drawn,
        posterior=Gaussian(*(torch.randn(4, 3, requires_grad=True) for _ in range(2))),
        prior=Gaussian(torch.randn(4, 3), torch.randn(4, 3)),
    )


def turns(term: Loss) -> list[str]:
    return [
        turn
        for turn in ("generator", "discriminator")
        if getattr(type(term), f"{turn}_loss") is not getattr(Loss, f"{turn}_loss")
    ]


def test_it_plays_at_least_one_turn_and_needs_real_parts(term):
    assert isinstance(term, Loss)
    assert turns(term)
    assert set(term.needs) <= PARTS


def test_its_values_are_finite_scalars_that_teach(term, step):
    for turn in turns(term):
        value = getattr(term, f"{turn}_loss")(step)
        assert value.shape == ()
        assert torch.isfinite(value)
        assert value.requires_grad


def test_it_trains_what_it_needs(term, step):
    total = sum(getattr(term, f"{turn}_loss")(step) for turn in turns(term))
    total.backward()
    reached = {
        "discriminator": [p.grad for p in step.discriminator.parameters()],
        "posterior": [step.posterior.mean.grad, step.reconstruction.grad],
        "augmentation": [torch.ones(1)],
    }
    for part in term.needs:
        assert any(grad is not None and grad.abs().sum() > 0 for grad in reached[part])


def test_it_is_logged_under_its_own_name(name, term, step):
    for turn in turns(term):
        log = {}
        weighted_sum(turn, torch.nn.ModuleDict({name: term}), step, log)
        assert list(log) == [f"train/{turn}/{name}"]


def test_it_is_refused_without_a_part_that_it_needs(name, term):
    for part in term.needs:
        parts = {other: object() for other in PARTS} | {part: None}
        with pytest.raises(ValueError, match=f"loss term {name} needs a {part}"):
            check_terms({name: term}, parts)
