import math

import pytest

from textgan.loss import RpGAN


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_the_discriminator_pays_for_fakes_above_their_reals_and_for_its_offset(make_step, output):
    step = make_step(real_output=output(1.0, 2.0), fake_output=output(0.0, -1.0))
    # differences 1 and 3, sums 1 and 1
    expected = (softplus(-1) + softplus(-3)) / 2 + 0.5 * 1.0
    assert RpGAN(centring=0.5).discriminator_loss(step).item() == pytest.approx(expected)


def test_the_generator_pays_for_reals_above_their_fakes(make_step, output):
    step = make_step(real_output=output(1.0, 2.0), fake_output=output(0.0, -1.0))
    expected = (softplus(1) + softplus(3)) / 2
    assert RpGAN().generator_loss(step).item() == pytest.approx(expected)


def test_pairs_are_compared_and_not_averages(make_step, output):
    paired = make_step(real_output=output(5.0, -5.0), fake_output=output(5.0, -5.0))
    crossed = make_step(real_output=output(5.0, -5.0), fake_output=output(-5.0, 5.0))
    term = RpGAN(centring=0.0)
    assert term.discriminator_loss(paired).item() == pytest.approx(math.log(2))
    assert term.discriminator_loss(crossed).item() == pytest.approx(
        (softplus(-10) + softplus(10)) / 2
    )


def test_only_the_centring_sees_the_offset_of_the_discriminator(make_step, output):
    near = make_step(real_output=output(1.0), fake_output=output(0.0))
    far = make_step(real_output=output(101.0), fake_output=output(100.0))
    plain, centred = RpGAN(centring=0.0), RpGAN(centring=0.01)
    assert plain.discriminator_loss(far).item() == pytest.approx(
        plain.discriminator_loss(near).item(), rel=1e-5
    )
    difference = centred.discriminator_loss(far) - centred.discriminator_loss(near)
    assert difference.item() == pytest.approx(0.01 * (201**2 - 1), rel=1e-5)
    assert centred.generator_loss(far).item() == pytest.approx(
        centred.generator_loss(near).item(), rel=1e-5
    )
