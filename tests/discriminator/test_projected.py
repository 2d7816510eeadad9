import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from textgan.discriminator import ProjectedDiscriminator
from textgan.image_encoder import ImageEncoder, ResNetImageEncoder, ViTImageEncoder
from textgan.layer import DownBlock
from textgan.loss import R1R2
from textgan.step import AdversarialStep
from textgan.types import ImageFeatures, TextFeatures


class Maps(ImageEncoder):
    """An encoder whose maps are the image, averaged to the sides asked for, times `gain`."""

    def __init__(self, sides: list[int], gain: float = 1.0):
        super().__init__()
        self.image_size, self.channels, self.width = 32, 3, 3
        self.map_shapes = [(3, side, side) for side in sides]
        self.gain = gain

    def encode(self, images: Tensor) -> ImageFeatures:
        maps = [
            torch.nn.functional.adaptive_avg_pool2d(self.gain * images, side)
            for _, side, _ in self.map_shapes
        ]
        return ImageFeatures(maps[0].flatten(2).mT, images.mean((2, 3)), maps)


def resnet(image_size: int = 16) -> ResNetImageEncoder:
    torch.manual_seed(0)
    return ResNetImageEncoder(image_size=image_size, width=4, base_width=4, max_width=8)


def vit(image_size: int = 16) -> ViTImageEncoder:
    torch.manual_seed(0)
    return ViTImageEncoder(
        image_size=image_size, width=4, patch_size=4, hidden_width=8, depth=2, num_heads=2
    )


def make(encoder: ImageEncoder | None = None, **sizes: int) -> ProjectedDiscriminator:
    encoder = encoder or resnet()
    torch.manual_seed(1)
    sizes = {"text_width": 5, "width": 6, "pixel_width": 4, **sizes}
    return ProjectedDiscriminator(image_encoder=encoder, **sizes)


def given(image_size: int = 16, dtype: torch.dtype = torch.float32) -> tuple[Tensor, TextFeatures]:
    torch.manual_seed(2)
    images = torch.rand(4, 3, image_size, image_size, dtype=dtype) * 2 - 1
    pooled = torch.randn(4, 5, dtype=dtype)
    mask = torch.ones(4, 1, dtype=torch.bool)
    return images, TextFeatures(pooled[:, None], mask, pooled)


@pytest.mark.parametrize(
    ("sides", "read"),
    [
        ([16, 8, 4], [0, 1, 2]),
        ([64, 32, 16, 8, 4], [1, 2, 3, 4]),
        ([16, 16, 8, 8, 8], [1, 4]),
        ([8, 8, 8], [0, 1, 2]),
        ([8] * 6, [0, 2, 3, 5]),
        ([8] * 12, [2, 5, 8, 11]),
        ([2], [0]),
    ],
)
def test_it_reads_the_deepest_map_of_each_of_the_last_four_resolutions(sides, read):
    net = make(Maps(sides))
    assert net.positions == read
    features = net.features(given(32)[0])
    assert [tuple(map_.shape[1:]) for map_ in features[1:]] == [(6, 4, 4)] * len(read)
    images, text = given(32)
    assert net(images, text).logits.shape == (4, len(read) + 1)


def test_without_a_pixel_branch_it_sees_the_encoders_maps_alone():
    with_, without = make(), make(pixel_width=0)
    images = given()[0]
    assert len(with_.features(images)) == len(without.features(images)) + 1
    assert without.pixels is None
    assert not any(name.startswith("pixels") for name, _ in without.named_parameters())


@pytest.mark.parametrize(
    ("side", "halvings"),
    [(2, 0), (4, 0), (5, 0), (7, 0), (8, 1), (14, 1), (16, 2), (31, 2), (56, 3)],
)
def test_a_map_of_any_side_comes_down_to_four(side, halvings):
    net = make(Maps([side]), pixel_width=0)
    assert sum(isinstance(module, DownBlock) for module in net.modules()) == halvings
    (seen,) = net.features(given(32)[0])
    assert seen.shape == (4, 6, 4, 4)
    left, right = net.features(torch.linspace(-1, 1, 32).expand(1, 3, 32, 32))[0][
        ..., [0, 3]
    ].unbind(-1)
    assert (left - right).abs().max() > 0.01  # where something is, is still told


@pytest.mark.parametrize("image_size", [8, 16, 32, 64])
@pytest.mark.parametrize("encoder", [resnet, vit])
def test_images_may_be_of_another_size_than_the_encoders(encoder, image_size):
    images, text = given(image_size)
    net = make(encoder(16))
    out = net(images.requires_grad_(), text)
    assert all(map_.shape[-2:] == (4, 4) for map_ in out.features)
    out.logits.sum().backward()
    assert (images.grad != 0).all()


@pytest.mark.parametrize("image_size", [32, 64])
def test_the_pixel_branch_sees_what_is_finer_than_the_encoder_can(image_size):
    images = given(image_size)[0] / 2
    place = torch.arange(image_size)
    board = (place[:, None] + place) % 2 - 0.5  # black and white in turn
    net = make(Maps([4]))
    before, after = net.features(images), net.features(images + board)
    assert (before[0] - after[0]).norm() > 0.1 * before[0].norm()
    assert (before[1] - after[1]).norm() < 0.02 * before[1].norm()


def test_the_pixel_branch_knows_where_something_is_in_a_small_image_too():
    ramp = torch.linspace(-1, 1, 8).expand(1, 3, 8, 8)
    pixels = make(Maps([4])).features(ramp)[0]
    steps = pixels[..., 1:] - pixels[..., :-1]  # from each of the four columns to the next
    assert (steps.abs().amax((0, 1, 2)) > 1e-3).all()


def test_the_scale_of_the_encoders_maps_does_not_matter():
    images, text = given(32)
    expected = make(Maps([8, 4]))(images, text).logits
    for gain in (0.3, 100.0):
        logits = make(Maps([8, 4], gain))(images, text).logits
        torch.testing.assert_close(logits, expected, atol=1e-3, rtol=1e-3)


def test_each_head_has_a_logit_that_is_an_inner_product_with_its_own_projection_of_the_text():
    net, (images, text) = make(), given()
    out = net(images, text)
    without = net.score(out.features, TextFeatures(text.words, text.mask, 0 * text.pooled))
    heads = len(net.heads)
    for n, head in enumerate(net.heads):
        shift = text.pooled @ head.project_text.weight.T  # (B, D)
        match = (out.pooled.chunk(heads, 1)[n] * shift).sum(1) / 5**0.5
        torch.testing.assert_close(out.logits[:, n], without.logits[:, n] + match)


def test_a_head_sees_its_own_map_and_the_deeper_ones():
    encoder = Maps([16, 8, 4])
    net = make(encoder, pixel_width=0)
    maps = encoder.encode(given(32)[0]).maps
    for changed in range(3):
        other = [m + (torch.randn_like(m) if n == changed else 0) for n, m in enumerate(maps)]
        differ = [
            not torch.allclose(a, b)
            for a, b in zip(net.mixing(maps), net.mixing(other), strict=True)
        ]
        assert differ == [n <= changed for n in range(3)]


def test_the_mixing_is_random_fixed_and_saved():
    net, again = make(), make()
    torch.manual_seed(5)
    other = ProjectedDiscriminator(image_encoder=resnet(), text_width=5, width=6, pixel_width=4)
    assert not torch.equal(net.mixing.channels_0, other.mixing.channels_0)
    assert not {id(p) for p in net.mixing.parameters()}
    images, text = given()
    other.load_state_dict(again.state_dict())
    torch.testing.assert_close(other(images, text).logits, net(images, text).logits)


@pytest.mark.parametrize("encoder", [resnet, vit])
@pytest.mark.parametrize("image_size", [16, 24])
def test_a_penalty_on_its_gradient_is_differentiated_through_the_encoder(encoder, image_size):
    net = make(encoder()).double()
    images, text = given(image_size, torch.float64)

    def penalty(images: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(net(images, text).logits.sum(), images, create_graph=True)
        return gradient.square().sum()

    with sdpa_kernel(SDPBackend.MATH):
        images.requires_grad_()
        way = torch.randn_like(images)
        (slope,) = torch.autograd.grad(penalty(images), images)
        step = 1e-6 * way
        ahead, behind = penalty(images + step), penalty(images - step)
    assert (slope * way).sum().item() == pytest.approx(
        (ahead - behind).item() / 2e-6, rel=1e-3, abs=1e-6
    )


@pytest.mark.parametrize("encoder", [resnet, vit])
@pytest.mark.parametrize("method", ["exact", "finite_difference"])
def test_both_penalties_reach_the_discriminators_weights_and_not_the_encoders(encoder, method):
    net, (images, text) = make(encoder()), given()
    step = AdversarialStep(
        captions=[*"abcd"],
        text=text,
        progress=0.0,
        gather=lambda tensor: tensor,
        real=images,
        images_seen=0,
        step_index=0,
        discriminator=net,
        randn=torch.randn,
        augmented_real=images,
        augmented_fake=-images,
    )
    R1R2(method=method).discriminator_loss(step).backward()
    reached = {name for name, w in net.named_parameters() if w.grad is not None and w.grad.any()}
    weights = {name for name, _ in net.named_parameters() if name.endswith(".weight")}
    assert weights <= reached
    assert all(weight.grad is None for weight in net.image_encoder.net.parameters())


def test_the_channels_are_the_encoders():
    gray = ResNetImageEncoder(image_size=16, width=4, channels=1, base_width=4, max_width=8)
    net, text = make(gray), given()[1]
    assert net(torch.rand(4, 1, 16, 16), text).logits.shape == (4, 3)
    with pytest.raises(ValueError, match="images must have 1 channels, got 3"):
        net(given()[0], text)
