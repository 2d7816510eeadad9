import torch
import torch.nn.functional as F

from textgan.layer import RandomMixing


def made(seed: int = 0) -> RandomMixing:
    torch.manual_seed(seed)
    return RandomMixing([(3, 8, 8), (5, 4, 4), (7, 2, 2)])


def maps() -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(2, c, s, s) for c, s in ((3, 8), (5, 4), (7, 2))]


def test_shapes_stay():
    assert [m.shape for m in made()(maps())] == [m.shape for m in maps()]


def test_it_computes_the_stated_sums():
    net, given = made(), maps()
    normal = [
        (m - m.mean((1, 2, 3), keepdim=True)) / m.std((1, 2, 3), correction=0, keepdim=True)
        for m in given
    ]
    own = [
        torch.einsum("oi,bihw->bohw", weight[..., 0, 0], m)
        for weight, m in zip((net.channels_0, net.channels_1, net.channels_2), normal, strict=True)
    ]
    middle = own[1] + F.interpolate(
        F.conv2d(own[2], net.scales_1, padding=1), scale_factor=2, mode="bilinear"
    )
    first = own[0] + F.interpolate(
        F.conv2d(middle, net.scales_0, padding=1), scale_factor=2, mode="bilinear"
    )
    for got, expected in zip(net(given), (first, middle, own[2]), strict=True):
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_nothing_of_it_is_trained_and_the_seed_decides_it():
    assert not [*made().parameters()]
    assert len(made().state_dict()) == 5
    assert torch.equal(made(3).scales_0, made(3).scales_0)
    assert not torch.equal(made(3).scales_0, made(4).scales_0)


def test_a_random_map_keeps_its_variance():
    torch.manual_seed(0)
    net = RandomMixing([(200, 8, 8)])
    (mixed,) = net([torch.randn(4, 200, 8, 8)])
    assert 0.8 < mixed.var().item() < 1.2
