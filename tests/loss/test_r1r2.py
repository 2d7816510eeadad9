import pytest
import torch

from textgan.discriminator import ProjectionDiscriminator
from textgan.layer import SelfAttention
from textgan.loss import R1R2


@pytest.fixture
def penalty(make_step, make_text):
    """A discriminator, images and settings -> the penalty on the images as real and as fake."""

    def make(discriminator, images, step_index=0, **settings):
        text = make_text(torch.linspace(-1, 1, 2 * len(images)).view(-1, 2))
        step = make_step(
            captions=["a"] * len(images),
            real=images,
            text=text,
            discriminator=discriminator,
            augmented_real=images,
            augmented_fake=images,
            step_index=step_index,
        )
        return R1R2(**settings).discriminator_loss(step)

    return make


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return ProjectionDiscriminator(
        sample_shape=(3, 16, 16),
        text_width=2,
        width=4,
        max_width=8,
        word_attention=True,
        unconditional=True,
    )


def test_the_exact_penalty_of_a_linear_discriminator_is_half_gamma_times_its_squared_norm(
    penalty, linear
):
    images = torch.randn(3, 3, 4, 4)
    norm = linear.weight.square().sum().item()
    value = penalty(linear, images, gamma=3.0, method="exact", interval=1, fakes=False)
    assert value.item() == pytest.approx(3.0 / 2 * norm, rel=1e-5)


@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_fakes_are_penalised_as_much_as_real_images(penalty, linear, method):
    images = torch.randn(4096, 3, 4, 4)
    real = penalty(linear, images, method=method, fakes=False)
    both = penalty(linear, images, method=method, fakes=True)
    assert both.item() == pytest.approx(2 * real.item(), rel=0.1)


@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_a_lazy_penalty_comes_every_interval_and_as_often_as_strong(penalty, linear, method):
    images = torch.randn(4, 3, 4, 4)
    values = [penalty(linear, images, n, method=method, interval=3) for n in range(7)]
    assert [value is not None for value in values] == [True, False, False] * 2 + [True]
    each_step = penalty(linear, images, method=method, interval=1)
    assert values[3].item() == pytest.approx(3 * each_step.item(), rel=1e-5)


def test_the_mean_of_many_finite_differences_is_the_exact_penalty(penalty, discriminator):
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    text_free = {"gamma": 1.0, "interval": 1, "fakes": False}
    for parameter in (
        discriminator.project_text.weight,
        discriminator.word_attention.output.weight,
    ):
        torch.nn.init.zeros_(
            parameter
        )  # rows differ in their text: make the discriminator blind to it
    exact = penalty(discriminator, image, method="exact", **text_free).item()
    with torch.no_grad():
        drawn = penalty(discriminator, image.repeat(4 * 6000, 1, 1, 1), **text_free).item()
    assert exact > 0
    assert drawn == pytest.approx(exact, rel=0.06)  # 6,000 draws: a standard error of 1.8 %


def test_a_finite_difference_looks_at_every_fourth_image(penalty, linear):
    rows = []
    linear.register_forward_hook(lambda module, given, out: rows.append(len(given[0])))
    penalty(linear, torch.randn(8, 3, 4, 4), fakes=False)
    assert rows == [4]  # two images, each here and there


def test_the_exact_penalty_teaches_attention_by_differentiating_twice(penalty, discriminator):
    images = torch.rand(2, 3, 16, 16)
    penalty(discriminator, images, method="exact").backward()
    for weight in (
        discriminator.attentions["8"].query_key_value.weight,
        discriminator.word_attention.query.weight,
        discriminator.from_image.weight,
    ):
        assert torch.isfinite(weight.grad).all()
        assert weight.grad.abs().max() > 0


def test_the_gradient_of_the_exact_penalty_is_its_slope(penalty, linear, monkeypatch):
    torch.manual_seed(0)
    attention = SelfAttention(3, num_heads=1)  # smooth: the slope of a leaky ReLU's penalty jumps
    monkeypatch.setattr(linear, "features", lambda images: [attention(images)])
    images, weight = torch.randn(2, 3, 4, 4), attention.query_key_value.weight
    penalty(linear, images, method="exact").backward()
    direction, values = weight.grad / weight.grad.norm(), {}
    for step in (1e-2, -1e-2):
        with torch.no_grad():
            weight += step * direction
        values[step] = penalty(linear, images, method="exact").item()
        with torch.no_grad():
            weight -= step * direction
    slope = (values[1e-2] - values[-1e-2]) / 2e-2
    assert slope == pytest.approx(weight.grad.norm().item(), rel=0.02)


@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_it_is_computed_in_float32_under_autocast(penalty, discriminator, method):
    images = torch.rand(4, 3, 16, 16)
    plain = penalty(discriminator, images, method=method)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = penalty(discriminator, images.bfloat16().float(), method=method)
    exact = penalty(discriminator, images.bfloat16().float(), method=method)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, exact)
    assert plain.item() == pytest.approx(mixed.item(), rel=0.1)


@pytest.mark.parametrize("settings", [{"gamma": -1.0}, {"epsilon": 0.0}, {"interval": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match="gamma must be >= 0, epsilon > 0 and interval >= 1"):
        R1R2(**settings)
