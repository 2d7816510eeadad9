"""What a stranger's folder may ask for, checked before it costs anything."""

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

# Of whole numbers, the vocabulary of XLM-V, 901,629, is the largest one known.
_LIMITS = Limits(largest=2**20)
_MOST_LAYERS = 1000

# What makes transformers fetch weights, kernels or code.
_NEVER = re.compile(
    r"pretrained\w*|trust_remote_code|auto_map|_?name_or_path|quantization_config"
    r"|\w*_implementation(_internal)?|\w*backbone\w*"
)
# Encoders of text whose configuration cannot hold another model's, and which build nothing but
# layers. Others of transformers fetch backbones, or files of their own, while they are built.
ARCHITECTURES = (
    *("albert", "bert", "camembert", "clip_text_model", "data2vec-text", "deberta", "deberta-v2"),
    *("distilbert", "electra", "ernie", "eurobert", "gte", "jina_embeddings_v3", "megatron-bert"),
    *("mobilebert", "modernbert", "mpnet", "nomic_bert", "rembert", "roberta", "roc_bert"),
    *("roberta-prelayernorm", "roformer", "xlm-roberta", "xlm-roberta-xl", "xmod"),
)

# What constructors, ours and those of transformers, raise where an argument makes no sense.
_SENSELESS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError),
    *(ValueError, StrictDataclassError),
)
# What transformers raises over a pretrained folder that is damaged or makes no sense.
BROKEN_PRETRAINED = (*_SENSELESS, ImportError, OSError, SafetensorError, pickle.UnpicklingError)


def check_config(config: Any, where: str, *, name: str = "part") -> None:
    """Refuse what no config of `Part.config` says.

    Args:
        config: what JSON can hold.
        where: the file that it stands in, for the sentence.
        name: of this value in it, for the sentence.

    Raises:
        ValueError: it is larger or nested more deeply than any config, has a number that is absurd
            or not finite, names code or other weights, or a transformers architecture that is not
            in `ARCHITECTURES`.
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
        if kind not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"{must} have an architecture of the kinds {known}; got {kind!r:.80}")


def check_arguments(arguments: dict[str, Any], signature: Signature, target: str) -> None:
    """Refuse an argument that is not of the kind that its annotation says.

    Raises:
        ValueError: which one.
    """
    for name, value in arguments.items():
        wanted = signature.parameters[name].annotation
        if not fits(value, wanted):
            kind = wanted.__name__ if isinstance(wanted, type) else wanted
            got = type(value).__name__ if isinstance(value, nn.Module) else f"{value!r:.80}"
            raise ValueError(f"{target} cannot be built: {name} must be {kind}, got {got}")


def fits(value: Any, annotation: Any) -> bool:
    """Tell whether a value is of the kind that an annotation says.

    Lists and tuples are alike; an annotation of another form than ours lets everything pass.
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
    """State dict of what `build` makes, on the meta device, where tensors take no memory.

    Args:
        build: called once.
        sizes: how many numbers each tensor of the file of its weights has.
        config: the file that says what is built, for the sentence.

    Raises:
        ValueError: a constructor refuses, or asks for far more than the file has.
    """
    with what_cannot_be_built(config):
        with torch.device("meta"), _Meter(len(sizes), sum(sizes)):
            part = build()
        return part.state_dict()


@contextmanager
def what_cannot_be_built(config: str | Path) -> Iterator[None]:
    """Turn what a constructor raises at senseless arguments into a sentence.

    Args:
        config: the file that has them.

    Raises:
        ValueError: something inside raised.
    """
    try:
        yield
    except _SENSELESS as error:
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"{config} cannot be built: {shown(said, 300)}") from error


class _Meter(TorchFunctionMode):
    """Stops what is being built within it once that has outgrown a file of weights.

    On the meta device a tensor of any size costs nothing, but each costs time, and what is built
    there is built again in memory. Real parts call torch some seven times for each of their
    tensors, and make twice the numbers that they keep. Where a constructor looks at weights, to
    hash them, there are none.
    """

    def __init__(self, tensors: int, numbers: int):
        super().__init__()
        self.calls, self.numbers = 1000 + 30 * tensors, 2**20 + 8 * numbers  # that are left

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is Tensor.cpu:
            return torch.empty(0, dtype=args[0].dtype, device="cpu")
        made = func(*args, **(kwargs or {}))
        self.calls -= 1
        self.numbers -= made.numel() if isinstance(made, Tensor) else 0
        if min(self.calls, self.numbers) < 0:
            raise ValueError("it asks for far more than the file of its weights holds")
        return made
