import pytest

from textgan.loss import Hinge


@pytest.mark.parametrize(
    ("real", "fake", "value"),
    [
        ([2.0], [-3.0], 0.0),  # both beyond their margin
        ([0.0], [0.0], 2.0),
        ([0.5], [-0.25], 0.5 + 0.75),
        ([-1.0, 3.0], [1.0, -2.0], 1.0 + 1.0),  # averages of (2, 0) and (2, 0)
    ],
)
def test_the_discriminator_pays_for_what_is_within_its_margins(
    make_step, output, real, fake, value
):
    step = make_step(real_output=output(*real), fake_output=output(*fake))
    assert Hinge().discriminator_loss(step).item() == pytest.approx(value)


def test_the_generator_pays_minus_the_mean_logit_of_its_fakes(make_step, output):
    step = make_step(real_output=output(9.0, 9.0), fake_output=output(-3.0, 1.0))
    assert Hinge().generator_loss(step).item() == pytest.approx(1.0)
