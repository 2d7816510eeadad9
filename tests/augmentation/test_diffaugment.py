import pytest
import torch

from textgan.augmentation import DiffAugment


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_leaves_every_edge_where_it_was(channels):
    images = torch.full((6, channels, 16, 16), -0.5)
    images[:, :, :, 8:] = 0.5
    (out,) = DiffAugment(policies=("color",), color=0.4)((images,))
    left, right = out[..., :8], out[..., 8:]
    assert not torch.equal(out, images)
    for half in (left, right):
        assert (half.flatten(2).std(2) < 1e-5).all()
    assert ((right.mean((2, 3)) - left.mean((2, 3))) > 0.5).all()  # contrast at least 0.6


def test_colour_leaves_alpha_alone_and_treats_the_rest_as_rgb():
    images, augment = torch.rand(4, 4, 16, 16) * 2 - 1, DiffAugment(policies=("color",))
    (out,) = augment((images,))
    torch.testing.assert_close(out[:, 3], images[:, 3])
    assert not torch.allclose(out[:, :3], images[:, :3], atol=0.01)
    torch.manual_seed(0)
    images = torch.rand(4, 4, 16, 16) * 2 - 1  # the same draws again
    (rgb,) = augment((images[:, :3],))
    torch.testing.assert_close(out[:, :3], rgb)


def test_a_gray_image_in_colour_stays_gray():
    gray = (torch.rand(4, 1, 16, 16) * 2 - 1).repeat(1, 3, 1, 1)
    (out,) = DiffAugment(policies=("color",))((gray,))
    torch.testing.assert_close(out[:, 0], out[:, 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(out[:, 0], out[:, 2], atol=1e-5, rtol=0)


def test_gradient_through_colour_is_finite_where_an_image_has_none():
    for value in (-1.0, 0.0, 1.0):
        images = torch.full((2, 3, 16, 16), value, requires_grad=True)
        (out,) = DiffAugment(policies=("color",))((images,))
        out.sum().backward()
        assert torch.isfinite(images.grad).all()
        assert images.grad.abs().sum() > 0


def test_translation_shifts_by_at_most_its_share_and_fills_with_black():
    images = torch.full((64, 3, 16, 16), 1.0)
    (out,) = DiffAugment(policies=("translation",), translation=0.25)((images,))
    black = (out < 0).all(1)  # (B, H, W)
    assert out.min() >= -1
    assert not black[:, 5:11, 5:11].any()  # 4 pixels at most, and one of interpolation
    assert black.any((1, 2)).sum() > 32


def test_cutout_blanks_a_square_of_its_share():
    images = torch.full((64, 3, 16, 16), 1.0)
    (out,) = DiffAugment(policies=("cutout",), cutout=0.5)((images,))
    blank = out[:, 0] != 1
    assert (out.mT.movedim(1, -1)[blank.mT].abs() < 1e-6).all()  # mid-gray
    assert blank.sum((1, 2)).max() == 64
    assert (blank.any(2).sum(1) <= 8).all()
    assert (blank.any(1).sum(1) <= 8).all()


@pytest.mark.parametrize("policies", [(), ("colour",), ("cutout", "flip")])
def test_unknown_policies_are_refused(policies):
    with pytest.raises(ValueError, match="policies must be among color, translation and cutout"):
        DiffAugment(policies=policies)
