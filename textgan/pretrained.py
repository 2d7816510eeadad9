"""Folders with `config.json` and `model.safetensors`: how a part leaves the process and comes back.

Nothing is pickled. A part records what it was built with; `build` finds the class, only in textgan.
"""

import functools
import importlib
import inspect
import json
import math
import os
import re
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from typing_extensions import Self

FORMAT_VERSION = 1
_TARGET = re.compile(r"textgan(\.[A-Za-z]\w*)+", re.ASCII)


class Part(nn.Module, ABC):
    """Base of everything that can be saved and loaded on its own: encoders, nets, pipelines.

    Its constructor names every argument, and takes only other parts and what JSON can hold (a tuple
    comes back as a list). The arguments of the outermost constructor are recorded, with defaults.
    """

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)
        if "from_pretrained" not in cls.__dict__:
            cls.from_pretrained = _loader(cls)

    def saved_arguments(self) -> dict[str, Any]:
        """The constructor's arguments for `config`; override to record others than were given."""
        return dict(self.__dict__.get("_init_arguments", {}))

    def config(self) -> dict[str, Any]:
        """What `build` makes this part from again, without weights: a nested dict fit for JSON.

        Raises:
            TypeError: an argument is neither a part nor something that JSON can hold.
        """
        cls = type(self)
        arguments = self.saved_arguments().items()
        plain = {name: _plain(value, f"{cls.__name__}.{name}") for name, value in arguments}
        return {"_target_": f"{cls.__module__}.{cls.__qualname__}", **plain}

    def save_pretrained(self, path: str | Path) -> None:
        """Write `config.json` and `model.safetensors` into the folder `path`, each atomically.

        A tensor that two names share is written under both.
        """
        folder = Path(path)
        header = {"format_version": FORMAT_VERSION, "part": self.config()}
        tensors = {name: _storable(name, value) for name, value in self.state_dict().items()}
        _check_finite(tensors, "model")
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "model.safetensors", lambda f: save_file(tensors, f, {"format": "pt"}))
        text = json.dumps(header, indent=2, ensure_ascii=False) + "\n"
        _write(folder / "config.json", lambda file: file.write_text(text, encoding="utf-8"))

    @classmethod
    def from_pretrained(cls, path: str | Path) -> Self:
        """The part that `save_pretrained` wrote, on the CPU and in eval mode.

        Args:
            path: the folder.

        Raises:
            FileNotFoundError: the folder or one of its two files is missing.
            ValueError: a file is broken, of a foreign format, of another class, or does not fit.
        """
        folder = Path(path)
        config = _read_config(folder)
        found = _resolve(config)
        if cls not in found.__mro__:
            raise ValueError(f"{folder} holds a {found.__name__}, which is not a {cls.__name__}")
        part = build(config)
        part.load_state_dict(_read_weights(folder / "model.safetensors", part.state_dict()))
        return part.eval()


def build(config: dict[str, Any]) -> Part:
    """A new part from what `Part.config` returned.

    Args:
        config: `_target_`, the dotted name of a Part inside `textgan.`, and its arguments by name.
            A nested dict with a `_target_` is a part too.

    Raises:
        ValueError: a `_target_` is no Part of textgan, or the arguments are not its constructor's.
    """
    cls = _resolve(config)
    arguments = {name: _built(value) for name, value in config.items() if name != "_target_"}
    try:
        inspect.signature(cls).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{config['_target_']} cannot be built: {error}") from error
    return cls(**arguments)


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    """The same constructor, which first notes the arguments that it was called with."""
    signature = inspect.signature(init)
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(parameter.kind in open_ended for parameter in signature.parameters.values()):
        raise TypeError(f"{init.__qualname__} must name every argument, got {signature}")

    @functools.wraps(init)
    def recorded(self: Part, *args: Any, **kwargs: Any) -> None:
        if "_init_arguments" not in self.__dict__:  # a base's constructor, called by ours, finds it
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            _, *named = bound.arguments.items()
            self.__dict__["_init_arguments"] = {name: _copied(value) for name, value in named}
        init(self, *args, **kwargs)

    return recorded


def _loader(cls: type[Part]) -> classmethod:
    """`from_pretrained`, said to return `cls`: jsonargparse refuses Self in a `class_path`."""
    inherited = cls.from_pretrained.__func__

    @functools.wraps(inherited)
    def from_pretrained(cls: type[Part], *args: Any, **kwargs: Any) -> Part:
        return inherited(cls, *args, **kwargs)

    from_pretrained.__qualname__ = f"{cls.__qualname__}.from_pretrained"
    from_pretrained.__module__ = cls.__module__
    from_pretrained.__signature__ = inspect.signature(inherited).replace(return_annotation=cls)
    return classmethod(from_pretrained)


def _copied(value: Any) -> Any:
    """The value with its own lists and dicts, which a later change of the caller's cannot reach."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, Part):
        return value.config()
    is_number = isinstance(value, int | float) and math.isfinite(value)
    if value is None or isinstance(value, str) or is_number:
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        if "_target_" not in value:
            return {key: _plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, f"{name}[{place}]") for place, item in enumerate(value)]
    raise TypeError(f"{name} must be a Part or fit for JSON to be saved, got {value!r:.80}")


def _built(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "_target_" in value:
            return build(value)
        return {key: _built(item) for key, item in value.items()}
    return [_built(item) for item in value] if isinstance(value, list) else value


def _resolve(config: dict[str, Any]) -> type[Part]:
    target = config.get("_target_")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ValueError(f"_target_ must be the dotted name of a class in textgan., got {target!r}")
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("textgan"):  # a dependency is not installed
            raise
        found = None
    if not inspect.isclass(found) or not issubclass(found, Part) or inspect.isabstract(found):
        raise ValueError(f"_target_ must name a Part that can be built, got {target!r}")
    return found


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise FileNotFoundError(f"path must be a folder by save_pretrained, got {str(folder)!r}")
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(f"{folder} has no config.json, so save_pretrained did not write it")
    try:
        header = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid JSON: {error}") from error
    header = header if isinstance(header, dict) else {}
    version, part = header.get("format_version"), header.get("part")
    if version != FORMAT_VERSION or not isinstance(part, dict):
        rule = f"{file} must have format_version {FORMAT_VERSION} and a dict under 'part'"
        raise ValueError(f"{rule}, got {version!r} and {type(part).__name__}")
    return part


def _read_weights(file: Path, expected: dict[str, Any]) -> dict[str, Tensor]:
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}, so its weights are missing")
    try:
        tensors = load_file(file)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{file} is not a safetensors file: {error}") from error
    both = [name for name in expected if name in tensors]
    problems = {
        "lacks": [name for name in expected if name not in tensors],
        "has unexpected": [name for name in tensors if name not in expected],
        "differs in shape or kind in": [n for n in both if _differs(n, tensors[n], expected[n])],
    }
    said = [f"{verb} {_few(names)}" for verb, names in problems.items() if names]
    if said:
        raise ValueError(f"{file} does not fit its config.json: it {', it '.join(said)}")
    _check_finite(tensors, str(file))
    return tensors


def _differs(name: str, tensor: Tensor, expected: Tensor) -> bool:
    if name.endswith("_extra_state"):  # bytes of any length
        return tensor.dtype != expected.dtype
    same_kind = tensor.is_floating_point() == expected.is_floating_point()
    return tensor.shape != expected.shape or not same_kind


def _few(names: list[str]) -> str:
    return " ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _check_finite(tensors: dict[str, Tensor], where: str) -> None:
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ValueError(f"{where} must have finite weights, got nan or inf in {_few(broken)}")


def _storable(name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"state {name!r} must be a tensor to be saved, got {type(value).__name__}")
    return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def _write(file: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the file, then move over it, so that no reader ever sees half of one."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        write(beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
