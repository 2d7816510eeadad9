"""The game alone: no Trainer, no text, and a noise level where there is one."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from textgan.adversarial.game import AdversarialGame
from textgan.discriminator import Discriminator
from textgan.loss import R1R2, RpGAN
from textgan.step import AdversarialStep
from textgan.types import DiscriminatorOutput


class Unconditional(Discriminator):
    """One weight for each channel, and one for the noise level if it reads that."""

    def __init__(self, *, noisy: bool = False) -> None:
        super().__init__()
        self.weight, self.noisy = nn.Parameter(torch.tensor([1.0, -1.0, 0.5])), noisy

    def features(self, images: Tensor) -> list[Tensor]:
        return [images]

    def score(self, features: list[Tensor], text: None) -> DiscriminatorOutput:
        assert text is None
        pooled = features[-1].mean((2, 3))  # (B, 3)
        return DiscriminatorOutput((pooled * self.weight).sum(1, keepdim=True), pooled, pooled, [])

    def forward(self, images: Tensor, text: None, noise_level: Tensor | None = None):
        if not self.noisy:
            return super().forward(images, text, noise_level)
        output = super().forward(images, text)
        return replace(output, logits=output.logits + noise_level[:, None])


def step(discriminator: Discriminator, **changes) -> AdversarialStep:
    images = torch.linspace(-1, 1, 2 * 4 * 3 * 4 * 4).reshape(2, 4, 3, 4, 4)
    made = AdversarialStep(
        real=images[0],
        fake=images[1].clone().requires_grad_(),
        captions=[""] * 4,
        text=None,
        images_seen=0,
        progress=0.0,
        step_index=0,
        discriminator=discriminator,
        randn=torch.zeros,
        gather=lambda tensor: tensor,
    )
    return replace(made, **changes)


def game(discriminator: Discriminator, **losses: nn.Module) -> AdversarialGame:
    terms = nn.ModuleDict({"rpgan": RpGAN(centring=0.0), **losses})
    return AdversarialGame(terms, discriminator=discriminator)


def test_the_turns_are_softplus_of_the_difference_of_the_logits():
    discriminator, log = Unconditional(), {}
    turn = step(discriminator)
    real, fake = (discriminator(images, None).logits for images in (turn.real, turn.fake))
    loss = game(discriminator).discriminator_loss(turn, log)
    expected = nn.functional.softplus(fake - real).mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(log["train/discriminator/rpgan"], expected.detach())
    loss.backward()
    assert turn.fake.grad is None
    assert discriminator.weight.grad is not None


def test_the_generators_turn_leaves_the_discriminator_alone_and_reaches_the_images():
    discriminator, log = Unconditional(), {}
    turn, played = step(discriminator), game(discriminator)
    with played.frozen_discriminator():
        played.generator_loss(turn, log).backward()
    assert discriminator.weight.grad is None
    assert discriminator.weight.requires_grad
    assert turn.fake.grad.abs().sum() > 0


@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_a_penalty_needs_no_text(method):
    log = {}
    discriminator = Unconditional()
    game(discriminator, r1r2=R1R2(method=method, interval=1)).discriminator_loss(
        step(discriminator), log
    )
    assert torch.isfinite(log["train/discriminator/r1r2"])


def test_a_noise_level_reaches_a_discriminator_that_reads_it_and_no_other():
    level = torch.tensor([0.0, 0.25, 0.5, 1.0])
    noisy = Unconditional(noisy=True)
    with_, without = (
        game(noisy, r1r2=R1R2(interval=1)).discriminator_loss(step(noisy, noise_level=given), {})
        for given in (level, torch.zeros(4))
    )
    torch.testing.assert_close(with_, without)  # the same for both images of a pair
    plain = Unconditional()
    with pytest.raises(ValueError, match="conditional on the noise level, and Unconditional is"):
        game(plain).discriminator_loss(step(plain, noise_level=level), {})
