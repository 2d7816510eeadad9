from types import SimpleNamespace

import pytest
import torch

from textgan.training.slow_precision import warn_of_slow_precision


def trainer(precision: str, device: str = "cpu") -> SimpleNamespace:
    strategy = SimpleNamespace(root_device=torch.device(device))
    return SimpleNamespace(precision=precision, strategy=strategy)


@pytest.fixture
def cpu(monkeypatch):
    """Replaces what torch knows of the CPU."""

    def have(**known: object) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)

    return have


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "16-mixed"])
def test_a_precision_that_the_cpu_emulates_is_named(cpu, precision):
    cpu(architecture="x86_64", avx2=True, avx512_bf16=False)
    with pytest.warns(UserWarning, match=f"trainer.precision={precision} is slow on this CPU"):
        warn_of_slow_precision(trainer(precision))


@pytest.mark.parametrize(
    ("precision", "device", "known"),
    [
        ("32-true", "cpu", {"architecture": "x86_64"}),
        ("bf16-mixed", "cuda", {"architecture": "x86_64"}),
        ("bf16-mixed", "cpu", {"architecture": "x86_64", "avx512_bf16": True}),
        ("bf16-mixed", "cpu", {"architecture": "x86_64", "amx_bf16": True}),
        ("bf16-mixed", "cpu", {"architecture": "aarch64"}),
    ],
)
def test_otherwise_nothing_is_said(cpu, recwarn, precision, device, known):
    cpu(**known)
    warn_of_slow_precision(trainer(precision, device))
    assert [str(warning.message) for warning in recwarn] == []
