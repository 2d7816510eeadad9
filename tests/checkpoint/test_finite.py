import math

import torch
from torch import nn

from textgan.checkpoint.finite import broken_training, not_finite


def test_the_first_tensor_that_is_not_finite_is_named():
    tensors = {"a": torch.ones(2), "b": torch.tensor([1.0, math.nan]), "c": torch.tensor(math.inf)}
    assert not_finite(tensors.items()) == "b"
    assert not_finite({"a": torch.ones(2), "empty": torch.ones(0)}.items()) is None
    assert not_finite({"count": torch.tensor([3])}.items()) is None


def test_weights_buffers_and_optimizer_states_are_checked():
    model = nn.BatchNorm1d(2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(4, 2)).sum().backward()
    optimizer.step()
    sound = optimizer.state_dict()
    assert broken_training(model, [sound]) is None
    model.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    assert broken_training(model, [sound]) is None
    optimizer.state[model.weight]["exp_avg_sq"][0] = math.inf
    assert broken_training(model, [optimizer.state_dict()]) == "exp_avg_sq of an optimizer"
    model.running_mean[0] = math.nan
    assert broken_training(model, [sound]) == "running_mean"
    model.bias.data[0] = math.inf
    assert broken_training(model, [sound]) == "bias"
