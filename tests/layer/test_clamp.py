import torch

from textgan.layer import clamp_passing_gradient


def test_it_clamps():
    x = torch.tensor([-3.0, -1.0, 0.25, 1.0, 3.0])
    assert clamp_passing_gradient(x).tolist() == [-1, -1, 0.25, 1, 1]


def gradient(x: list[float], pull: list[float]) -> list[float]:
    tensor = torch.tensor(x, requires_grad=True)
    (clamp_passing_gradient(tensor) * torch.tensor(pull)).sum().backward()
    return tensor.grad.tolist()


def test_within_the_range_the_gradient_is_the_identity():
    assert gradient([-1.0, -0.5, 0.9, 1.0], [2.0, -3.0, 4.0, -5.0]) == [2, -3, 4, -5]


def test_beyond_it_only_a_gradient_that_leads_back_passes():
    # a step goes against the gradient: a positive one lowers x
    assert gradient([3.0, 3.0, -3.0, -3.0], [1.0, -1.0, 1.0, -1.0]) == [1, 0, 0, -1]


def test_a_pixel_beyond_the_range_comes_back_where_a_clamp_would_strand_it():
    x = torch.tensor([2.0], requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.5)
    for _ in range(20):
        optimizer.zero_grad()
        (clamp_passing_gradient(x) - 0.5).square().sum().backward()
        optimizer.step()
    assert abs(x.item() - 0.5) < 1e-3
