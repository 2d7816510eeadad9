"""A warning about a numeric precision that the CPU has no instructions for."""

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.utilities import rank_zero_warn

_INSTRUCTIONS = {"bf16": ("avx512_bf16", "amx_bf16"), "16": ("avx512_fp16", "amx_fp16")}


def warn_of_slow_precision(trainer: Trainer) -> None:
    """Warn if a trainer computes in a half precision on an x86 CPU that only emulates it."""
    known = torch.cpu.get_capabilities()
    needed = _INSTRUCTIONS.get(str(trainer.precision).split("-", maxsplit=1)[0])
    is_x86 = str(known.get("architecture", "")).startswith("x86")
    if needed is None or trainer.strategy.root_device.type != "cpu" or not is_x86:
        return
    if not any(known.get(name) for name in needed):
        rank_zero_warn(
            f"trainer.precision={trainer.precision} is slow on this CPU, which has no instructions "
            "for it: leave it out"
        )
