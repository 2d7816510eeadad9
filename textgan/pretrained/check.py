"""Validate the config of an untrusted saved folder before memory is allocated."""

import pickle
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter, Signature
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from textgan.file.limits import Limits, shown, walk

# The largest whole number in a known config is the vocabulary of XLM-V, 901,629.
_LIMITS = Limits(largest=2**20)
_MOST_LAYERS = 1000

# Keys that make transformers fetch weights, kernels or code.
_NEVER = re.compile(
    r"pretrained\w*|trust_remote_code|auto_map|_?name_or_path|quantization_config"
    r"|\w*_implementation(_internal)?|\w*backbone\w*"
)
# Text encoders that build only layers, and whose configuration cannot hold that of another model.
# Other architectures of transformers fetch backbones or files while they are built.
ARCHITECTURES = (
    *("albert", "bert", "camembert", "clip_text_model", "data2vec-text", "deberta", "deberta-v2"),
    *("distilbert", "electra", "ernie", "eurobert", "gte", "jina_embeddings_v3", "megatron-bert"),
    *("mobilebert", "modernbert", "mpnet", "nomic_bert", "rembert", "roberta", "roc_bert"),
    *("roberta-prelayernorm", "roformer", "xlm-roberta", "xlm-roberta-xl", "xmod"),
)
# The same of vision encoders.
VISION_ARCHITECTURES = ("clip_vision_model", "siglip_vision_model", "dinov2", "vit")

# The errors that constructors of textgan and of transformers raise for a wrong argument.
_SENSELESS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError),
    *(ValueError, StrictDataclassError),
)
# The errors that transformers raises for a pretrained folder that is damaged or inconsistent.
BROKEN_PRETRAINED = (*_SENSELESS, ImportError, OSError, SafetensorError, pickle.UnpicklingError)


def check_config(config: Any, where: str, *, name: str = "part") -> None:
    """Refuse a config that `Part.config` cannot have written.

    `where` is its file, and `name` its name in the file, for the error message.

    Raises:
        ValueError: the config is larger or nested more deeply than any real one, has a number that
            is too large or not finite, names code or other weights, or names a transformers
            architecture that is not in `ARCHITECTURES`.
    """
    for place, key, value in walk(config, where, name=name, limits=_LIMITS):
        if key is not None:
            _check_entry(key, value, f"{where} must", place)


def _check_entry(key: str, value: Any, must: str, name: str) -> None:
    got = f"got {name} = {value!r:.80}"
    if _NEVER.fullmatch(key) and value is not None:
        raise ValueError(f"{must} name no code and no weights but its own, {got}")
    if key.endswith(("depth", "layers")) and isinstance(value, int) and value > _MOST_LAYERS:
        raise ValueError(f"{must} have at most {_MOST_LAYERS:,} layers, {got}")
    if key == "architecture" and value is not None:
        kind = value.get("model_type") if isinstance(value, Mapping) else value
        if kind not in (*ARCHITECTURES, *VISION_ARCHITECTURES):
            known = ", ".join((*ARCHITECTURES, *VISION_ARCHITECTURES))
            raise ValueError(f"{must} have an architecture of the kinds {known}; got {kind!r:.80}")


def check_arguments(arguments: dict[str, Any], signature: Signature, target: str) -> None:
    """Raise ValueError for the first argument that does not fit its annotation."""
    for name, value in arguments.items():
        wanted = signature.parameters[name].annotation
        if not fits(value, wanted):
            kind = wanted.__name__ if isinstance(wanted, type) else wanted
            got = type(value).__name__ if isinstance(value, nn.Module) else f"{value!r:.80}"
            raise ValueError(f"{target} cannot be built: {name} must be {kind}, got {got}")


def fits(value: Any, annotation: Any) -> bool:
    """True if a value fits an annotation.

    Lists and tuples are equivalent. Annotations of a form that textgan does not use fit every
    value.
    """
    kind, inside = get_origin(annotation) or annotation, get_args(annotation)
    if kind in (Any, Parameter.empty):
        return True
    if kind in (Union, UnionType):
        return any(fits(value, one) for one in inside)
    if kind is Literal:
        return value in inside
    if kind in (list, tuple, Sequence):
        item_kind = (*inside, Any)[0]
        return isinstance(value, list | tuple) and all(fits(item, item_kind) for item in value)
    if kind in (int, float):
        return isinstance(value, int | kind) and not isinstance(value, bool)
    return not isinstance(kind, type) or isinstance(value, kind)


def outline(
    build: Callable[[], nn.Module], sizes: Sequence[int], config: str | Path
) -> dict[str, Tensor]:
    """Return the state dict of what `build` makes, on the meta device without memory.

    `sizes` are the counts of numbers of the tensors in the file of the weights, and `config` is the
    file of the config, for the error message.

    Raises:
        ValueError: a constructor refuses its arguments, or needs far more than the file holds.
    """
    with building_errors(config):
        with torch.device("meta"), _Meter(len(sizes), sum(sizes)):
            part = build()
        return part.state_dict()


@contextmanager
def building_errors(config: str | Path) -> Iterator[None]:
    """Turn the errors that constructors raise for wrong arguments into a ValueError of one line."""
    try:
        yield
    except _SENSELESS as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{config} cannot be built: {shown(reason, 300)}") from error


class _Meter(TorchFunctionMode):
    """Stop a construction once it needs far more than a file of weights holds.

    On the meta device a tensor takes no memory, but it takes time, and the part is built in memory
    afterwards. Real parts call torch about seven times for each of their tensors, and make twice
    the numbers that they keep. A constructor that copies weights to the CPU, to hash them, gets an
    empty tensor.
    """

    def __init__(self, tensors: int, numbers: int):
        super().__init__()
        # the calls and numbers that are left
        self.calls, self.numbers = 1000 + 30 * tensors, 2**20 + 8 * numbers

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.cpu:
            return torch.empty(0, dtype=args[0].dtype, device="cpu")
        made = func(*args, **(kwargs or {}))
        self.calls -= 1
        self.numbers -= made.numel() if isinstance(made, Tensor) else 0
        if min(self.calls, self.numbers) < 0:
            raise ValueError("it needs far more than the file of its weights holds")
        return made
