import copy

import pytest
import torch
from torch import Tensor, nn

from textgan.pretrained.frozen import Frozen, weights_hash


class Net(nn.Module):
    """A linear layer over what a dropout leaves, and a buffer that is added."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("offset", torch.ones(2))

    def forward(self, x: Tensor, factor: float = 1.0) -> Tensor:
        return factor * self.linear(self.dropout(x)) + self.offset


class Holder(nn.Module):
    """A part that uses a frozen network, and has a weight of its own."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.frozen = Frozen(net)
        self.own = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.own(self.frozen(x))


def net(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


@pytest.fixture
def frozen() -> Frozen:
    return Frozen(net())


@pytest.fixture
def holder() -> Holder:
    return Holder(net())


def dtypes(module: nn.Module) -> set[torch.dtype]:
    return {tensor.dtype for tensor in module.state_dict().values()}


def test_the_network_is_hidden(frozen):
    assert frozen.state_dict() == {}
    assert [*frozen.parameters(), *frozen.buffers(), *frozen.modules()] == [frozen]


def test_a_holder_shows_only_its_own_weights(holder):
    assert [*holder.state_dict()] == ["own.weight", "own.bias"]
    assert [name for name, _ in holder.named_parameters()] == ["own.weight", "own.bias"]
    assert [*holder.modules()] == [holder, holder.frozen, holder.own]
    holder.load_state_dict(Holder(net(1)).state_dict())
    expected = net()
    assert torch.equal(holder.frozen.net.linear.weight, expected.linear.weight)


def test_its_output_is_that_of_the_network_with_all_arguments(frozen):
    expected, x = net().eval(), torch.randn(4, 3)
    assert torch.equal(frozen(x), expected(x))
    assert torch.equal(frozen(x, 3.0), expected(x, 3.0))


def test_the_network_stays_in_eval_mode(holder):
    holder.train()
    assert holder.frozen.training
    assert not any(module.training for module in holder.frozen.net.modules())
    x = torch.randn(4, 3)
    assert torch.equal(holder(x), holder(x))


def test_gradients_reach_the_input_and_not_the_network(holder):
    x = torch.randn(4, 3, requires_grad=True)
    holder(x).sum().backward()
    expected = holder.own.weight @ holder.frozen.net.linear.weight
    torch.testing.assert_close(x.grad, expected.expand(4, 3))
    assert [weight.grad for weight in holder.frozen.net.parameters()] == [None, None]
    assert holder.own.weight.grad is not None


def test_turning_gradients_on_around_it_does_not_reach_the_network(holder):
    holder.requires_grad_(False).requires_grad_(True)
    assert not any(weight.requires_grad for weight in holder.frozen.net.parameters())


def test_initialising_a_holder_does_not_change_the_network(holder):
    before = weights_hash(holder.frozen.net)
    holder.apply(lambda module: [nn.init.zeros_(p) for p in module.parameters(recurse=False)])
    assert holder.own.weight.abs().sum() == 0
    assert weights_hash(holder.frozen.net) == before


def test_it_moves_with_its_holder(holder):
    assert holder.double() is holder
    assert dtypes(holder.frozen.net) == {torch.float64}
    assert holder(torch.randn(4, 3, dtype=torch.float64)).dtype == torch.float64
    holder.to("meta")
    assert {t.device.type for t in holder.frozen.net.state_dict().values()} == {"meta"}


def test_its_lineage_is_the_hash_of_the_weights_before_any_conversion():
    frozen = Frozen(net())
    assert frozen.lineage() == {weights_hash(net())}
    assert frozen.to(torch.bfloat16).lineage() == {weights_hash(net())}
    assert frozen.double().lineage() == Frozen(net()).lineage()
    assert frozen.lineage() != Frozen(net(1)).lineage()


def test_the_lineage_of_a_network_with_ancestors_is_its_own():
    class Descendant(Net):
        def lineage(self) -> frozenset[str]:
            return frozenset({"itself", "its mother"})

    assert Frozen(Descendant()).lineage() == {"itself", "its mother"}


def test_a_copy_has_an_equal_network_of_its_own(holder):
    x, twin = torch.randn(4, 3), copy.deepcopy(holder)
    assert torch.equal(twin(x), holder(x))
    assert twin.frozen.lineage() == holder.frozen.lineage()
    assert twin.frozen.net is not holder.frozen.net
    assert not any(weight.requires_grad for weight in twin.frozen.net.parameters())
    twin.double()
    assert dtypes(holder.frozen.net) == {torch.float32}
    assert dtypes(twin.frozen.net) == {torch.float64}


def test_two_holders_may_share_a_network(frozen):
    pair = nn.ModuleList([Frozen(frozen.net), frozen]).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(pair[0](x), pair[1](x))


@pytest.mark.parametrize(
    "change",
    [
        lambda net: nn.init.constant_(net.offset, 1.5),
        lambda net: setattr(net, "offset", net.offset.view(torch.int32)),
        lambda net: net.register_buffer("more", torch.empty(0)),
        lambda net: setattr(net, "offset", torch.ones(1, 2)),
        lambda net: net.register_module("renamed", net.__dict__["_modules"].pop("linear")),
    ],
    ids=["value", "type", "another", "shape", "name"],
)
def test_any_change_of_the_weights_changes_their_hash(change):
    changed = net()
    change(changed)
    assert weights_hash(changed) != weights_hash(net())


def test_how_the_weights_lie_in_memory_does_not_change_their_hash():
    changed = net()
    changed.linear.weight = nn.Parameter(changed.linear.weight.detach().T.contiguous().T)
    changed.offset = torch.ones(4)[::2]
    assert not any(t.is_contiguous() for t in (changed.linear.weight, changed.offset))
    assert weights_hash(changed) == weights_hash(net())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.int64])
def test_tensors_of_any_type_have_a_hash(dtype):
    changed = net()
    changed.register_buffer("scalar", torch.tensor(1).to(dtype))
    assert len(weights_hash(changed)) == 64
