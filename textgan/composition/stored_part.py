"""Check of the parts in a checkpoint's configuration against its own weights."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from textgan.composition.stored_class import allowed_class
from textgan.file.limits import Limits, check_limits
from textgan.pretrained.check import check_config, outline
from textgan.pretrained.part import Part, build
from textgan.pretrained.trust import parts_of

_BESIDE_WEIGHTS_ELSEWHERE = Limits(largest=2**16)


def check_parts(
    model: dict[str, Any], saved: dict[str, Any], sizes: dict[str, int], trust: Sequence[str]
) -> None:
    """Raise ValueError for a part that cannot be built or needs far more weights than there are.

    Args:
        model: the section, whose classes have been checked.
        saved: the configuration of the pipeline. A part that the model gives further arguments,
            such as a prior, is checked with those that it has here.
        sizes: number of values in each tensor of the checkpoint's state dict.
        trust: packages besides textgan whose parts may be built.
    """
    for role, node in model.items():
        if not isinstance(node, dict) or "_target_" not in node:
            continue
        name = f"model.{role}"
        if any(_reads_elsewhere(part) for part in parts_of({"it": node}).values()):
            check_limits(node, "it", name=name, limits=_BESIDE_WEIGHTS_ELSEWHERE)
        elif _is_part(cls := allowed_class(node["_target_"], name, trust)):
            whole = _completed(node, saved.get(role), cls)
            check_config(whole, "it", name=name)
            own = [numbers for key, numbers in sizes.items() if key.startswith(f"{role}.")]
            outline(lambda whole=whole: build(whole, trust), own, name)


def _completed(node: dict[str, Any], saved: Any, cls: Callable[..., Any]) -> dict[str, Any]:
    """The node, with the arguments that its class needs and only the saved part has."""
    parameters = inspect.signature(cls).parameters
    needed = {
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    known = saved if isinstance(saved, dict) else {}
    return {**{name: known[name] for name in needed & known.keys() - node.keys()}, **node}


def _reads_elsewhere(node: dict[str, Any]) -> bool:
    names = any(isinstance(node.get(key), str) for key in ("pretrained", "path", "weights"))
    return names or node["_target_"].endswith(".from_pretrained")


def _is_part(cls: Any) -> bool:
    """Return whether it is a part; losses and augmentations need not be, without weights."""
    return isinstance(cls, type) and issubclass(cls, Part)
