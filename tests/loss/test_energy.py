import pytest
import torch
from torch import Tensor

from textgan.image_encoder import ResNetImageEncoder
from textgan.loss import Energy


@pytest.fixture
def score(make_step):
    """First and second samples and real images (B, 3, H, W) -> the value of an Energy."""

    def make(first: Tensor, second: Tensor, real: Tensor, **arguments) -> Tensor:
        step = make_step(real=real, fake=first, second_fake=second)
        return Energy(**arguments).generator_loss(step)

    return make


def plain(value: float, size: int = 8, batch: int = 2) -> Tensor:
    return torch.full((batch, 3, size, size), value)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("repulsion", [0.0, 0.5, 1.0])
def test_plain_images_have_the_score_of_the_formula(score, exponent, repulsion):
    value = score(plain(0.7), plain(-0.1), plain(0.2), exponent=exponent, repulsion=repulsion)
    expected = 0.5**exponent + 0.3**exponent - repulsion * 0.8**exponent
    assert value.item() == pytest.approx(expected, abs=1e-4)


def test_a_patch_counts_where_the_whole_image_hides_it(score):
    real = plain(0.0)
    first = real.clone()
    first[:, :, :2, :2] = 1.0  # one patch of 2 x 2 in sixteen, or in 49 that overlap by half
    whole = score(first, first, real, patch_sizes=(0,))
    patches = score(first, first, real, patch_sizes=(2,))
    assert whole.item() == pytest.approx(2 * (4 / 64) ** 0.5, abs=5e-3)
    # patches with four, two (twice) and one of the pixels
    assert patches.item() == pytest.approx(2 * (1 + 2 * 0.5**0.5 + 0.5) / 49, abs=5e-3)


def test_patches_larger_than_the_image_are_the_whole_image(score):
    torch.manual_seed(0)
    first, second, real = torch.rand(3, 2, 3, 8, 8)
    large, whole = (score(first, second, real, patch_sizes=(size,)) for size in (64, 0))
    assert large.item() == pytest.approx(whole.item())


def test_its_least_value_has_the_distribution_of_the_real_images(make_step):
    """Two real values of one caption, -0.5 and 0.5: noise that is used wins over their mean."""
    draws = torch.Generator().manual_seed(0)
    real, first, second = (torch.randint(0, 2, (4000,), generator=draws) - 0.5 for _ in range(3))

    def value(spread: float) -> float:
        images = [x[:, None, None, None].expand(-1, 3, 1, 1) for x in (real, first, second)]
        step = make_step(
            captions=["a"] * 4000,
            real=images[0],
            fake=spread * images[1],
            second_fake=spread * images[2],
        )
        return Energy(patch_sizes=(0,)).generator_loss(step).item()

    values = {spread: value(spread) for spread in (0.0, 0.5, 1.0, 1.5)}
    assert min(values, key=values.get) == 1.0


def test_in_features_it_compares_directions_of_maps(score):
    torch.manual_seed(0)
    encoder = ResNetImageEncoder(image_size=16, width=8, base_width=4, max_width=8)
    first, second, real = torch.rand(3, 2, 3, 16, 16)
    found = score(first, second, real, image_encoder=encoder)

    def distance(ours: Tensor, theirs: Tensor) -> float:
        means = [
            (torch.nn.functional.normalize(a) - torch.nn.functional.normalize(b))
            .square()
            .sum(1)
            .sqrt()
            .mean()
            for a, b in zip(encoder(ours).maps, encoder(theirs).maps, strict=True)
        ]
        return float(torch.stack(means).mean())

    expected = distance(first, real) + distance(second, real) - distance(first, second)
    assert found.item() == pytest.approx(expected, abs=1e-3)


def test_equal_images_have_a_gradient_that_is_finite(score):
    first = plain(0.2).requires_grad_()
    score(first, plain(0.2), plain(0.2)).backward()
    assert torch.isfinite(first.grad).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"exponent": 2.0}, r"exponent must be within \(0, 2\), got 2.0"),
        ({"exponent": 0.0}, r"exponent must be within \(0, 2\), got 0.0"),
        ({"repulsion": -1.0}, "repulsion must be at least 0, got -1.0"),
        ({"patch_sizes": ()}, r"patch_sizes must be sides in pixels or 0, got \[\]"),
        ({"patch_sizes": (4, -1)}, r"patch_sizes must be sides in pixels or 0, got \[4, -1\]"),
    ],
)
def test_numbers_out_of_range_are_a_sentence(arguments, said):
    with pytest.raises(ValueError, match=said):
        Energy(**arguments)
