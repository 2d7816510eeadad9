import copy

import pytest
import torch
from torch import nn

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
    for name in ("3.weight", "0.bias", "3.bias"):
        torch.testing.assert_close(model.get_parameter(name), twin.get_parameter(name))


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
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-2)  # Muon computes in bfloat16


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
    with pytest.raises(ValueError, match="the state must be of 2 optimizers, got 1"):
        Muon(net().parameters()).load_state_dict(state)
