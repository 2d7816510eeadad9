import copy

import pytest
import torch
from torch import nn

from textgan.training import muon
from textgan.training.muon import Muon


def net(memory_format: torch.memory_format = torch.contiguous_format) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(96, 5))
    return layers.to(memory_format=memory_format)


def learn(model: nn.Module, optimizer: Muon, steps: int = 1) -> float:
    for _ in range(steps):
        optimizer.zero_grad()
        torch.manual_seed(1)
        loss = (model(torch.randn(8, 3, 4, 4)) - 1).square().mean()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_matrices_step_by_muon_and_biases_by_adamw():
    model = net()
    twin = copy.deepcopy(model)
    learn(model, Muon(model.parameters(), lr=0.01, weight_decay=0.1))
    reference = [
        torch.optim.Muon(
            [twin[3].weight], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW([twin[0].bias, twin[3].bias], lr=0.01, weight_decay=0.1),
    ]
    torch.manual_seed(1)
    (twin(torch.randn(8, 3, 4, 4)) - 1).square().mean().backward()
    for optimizer in reference:
        optimizer.step()
    before = net().get_parameter("3.weight")
    expected = twin[3].weight - before
    # torch.optim.Muon computes in bfloat16.
    torch.testing.assert_close(model[3].weight - before, expected, atol=5e-4, rtol=2e-2)
    for name in ("0.bias", "3.bias"):
        torch.testing.assert_close(model.get_parameter(name), twin.get_parameter(name))


@pytest.mark.parametrize("shape", [(4, 4), (5, 40), (40, 5)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_step_under_autocast_is_nearly_the_same(shape, dtype):
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(shape))
    weight.grad = torch.randn(shape)
    twin = copy.deepcopy(weight)
    twin.grad = weight.grad
    Muon([weight]).step()
    with torch.autocast("cpu", dtype):
        Muon([twin]).step()
    assert not torch.allclose(weight, torch.zeros_like(weight))
    if dtype == torch.bfloat16:  # computed in bfloat16, in which the iteration converges too
        assert not torch.equal(weight, twin)
        torch.testing.assert_close(weight, twin, rtol=0, atol=0.05 * weight.abs().max().item())
    else:
        assert torch.equal(weight, twin)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (4, 4), (5, 40), (40, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_iteration_makes_a_matrix_nearly_orthogonal(shape, dtype, monkeypatch):
    monkeypatch.setattr(muon, "_dtype", lambda device: dtype)
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    found = muon._orthogonal(matrix).float()
    assert found.shape == shape
    # The singular vectors stay, and the values of all but the least are near 1.
    inner = left.T @ found @ right.T
    off = inner - torch.diag(inner.diagonal())
    assert off.abs().max() < (1e-4 if dtype == torch.float32 else 0.1)
    large = inner.diagonal()[values > 0.05 * values.max()]
    assert large.min() > 0.6
    assert large.max() < 1.3


def test_the_way_for_wide_matrices_is_the_same():
    x = torch.randn(6, 50, generator=torch.Generator().manual_seed(4))
    x = x / x.norm()
    torch.testing.assert_close(muon._iterate_on_gram(x), muon._iterate(x), atol=1e-5, rtol=1e-4)


def test_a_cpu_computes_in_float32():
    assert muon._dtype("cpu") == torch.float32
    assert muon._dtype("cuda") == torch.bfloat16


def test_the_update_of_a_kernel_is_nearly_orthogonal():
    model = net()
    before = model[0].weight.detach().clone()
    learn(model, Muon(model.parameters(), lr=0.01))
    update = (before - model[0].weight.detach()).flatten(1)  # (6, 27)
    values = torch.linalg.svdvals(update / (0.01 * 0.2 * 27**0.5))
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_kernels_in_channels_last_step_the_same():
    rows, last = net(), net(torch.channels_last)
    for model in (rows, last):
        learn(model, Muon(model.parameters(), lr=0.01), steps=3)
    for one, other in zip(rows.parameters(), last.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-2)


def test_it_learns():
    model = net()
    optimizer = Muon(model.parameters(), lr=0.01)
    first = learn(model, optimizer)
    assert learn(model, optimizer, steps=100) < 0.01 * first


def test_the_learning_rate_of_a_group_reaches_both():
    model = net()
    before = copy.deepcopy(model.state_dict())
    optimizer = Muon(model.parameters(), lr=0.01)
    optimizer.param_groups[0]["lr"] = 0.0
    learn(model, optimizer)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_saved_state_goes_on_bitwise():
    whole, first = net(), net()
    learn(whole, Muon(whole.parameters(), lr=0.01), steps=4)
    optimizer = Muon(first.parameters(), lr=0.01)
    learn(first, optimizer, steps=2)
    second = net()
    second.load_state_dict(first.state_dict())
    again = Muon(second.parameters(), lr=0.5)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    learn(second, again, steps=2)
    for one, other in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_state_of_other_parameters_is_refused():
    state = Muon(nn.Linear(2, 2, bias=False).parameters()).state_dict()
    with pytest.raises(ValueError, match="the number of states of AdamW must be 1, got 0"):
        Muon(net().parameters()).load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lr": -1}, "lr must be at least 0, got -1"),
        ({"weight_decay": -5}, "weight_decay must be at least 0, got -5"),
        ({"momentum": -3}, "momentum and betas must be in"),
        ({"betas": (2, 2)}, "momentum and betas must be in"),
    ],
)
def test_wrong_numbers_are_sentences(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Muon(nn.Linear(2, 2, bias=False).parameters(), **options)


def test_several_steps_of_a_matrix_and_a_kernel_are_those_of_torch():
    model = net()
    flat = [nn.Parameter(model[place].weight.detach().flatten(1).clone()) for place in (0, 3)]
    theirs = torch.optim.Muon(flat, lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    ours = Muon(model.parameters(), lr=0.01, weight_decay=0.1)
    before = [weight.detach().clone() for weight in flat]
    for step in range(4):
        torch.manual_seed(step)
        for weight, place in zip(flat, (0, 3), strict=True):
            weight.grad = torch.randn_like(weight)
            model[place].weight.grad = weight.grad.view_as(model[place].weight).clone()
        theirs.step()
        ours.step()
    for weight, place, old in zip(flat, (0, 3), before, strict=True):
        moved = model[place].weight.detach().flatten(1) - old
        # torch.optim.Muon computes in bfloat16.
        torch.testing.assert_close(moved, weight.detach() - old, atol=5e-4, rtol=0)
        assert moved.abs().mean() > 0.003
