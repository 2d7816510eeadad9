import math

import pytest
import torch

from textgan.loss import NonSaturating


def test_a_discriminator_that_cannot_tell_pays_two_logarithms_of_two(make_step, output):
    step = make_step(real_output=output(0.0, 0.0), fake_output=output(0.0, 0.0))
    assert NonSaturating().discriminator_loss(step).item() == pytest.approx(2 * math.log(2))
    assert NonSaturating().generator_loss(step).item() == pytest.approx(math.log(2))


def test_it_is_the_cross_entropy_of_real_against_fake(make_step, output):
    step = make_step(real_output=output(1.0, -0.5), fake_output=output(-1.0, 2.0))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = step.real_output.logits, step.fake_output.logits
    expected = entropy(real, torch.ones(2, 1)) + entropy(fake, torch.zeros(2, 1))
    torch.testing.assert_close(NonSaturating().discriminator_loss(step), expected)
    torch.testing.assert_close(
        NonSaturating().generator_loss(step), entropy(fake, torch.ones(2, 1))
    )


def test_the_generator_gradient_does_not_vanish_where_the_discriminator_is_sure(make_step, output):
    fake = output(-20.0)
    fake.logits.requires_grad_()
    NonSaturating().generator_loss(make_step(fake_output=fake)).backward()
    assert fake.logits.grad.item() == pytest.approx(-1.0)
