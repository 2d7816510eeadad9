"""Folders with `config.json` and `model.safetensors`: how a part leaves the process and comes back.

Nothing is pickled. A part records what it was built with; `build` finds the class, in textgan and
in what the caller trusts.
"""

import functools
import importlib
import inspect
import math
import re
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from textgan.pretrained.check import check_arguments, outline
from textgan.pretrained.files import (
    CONFIG,
    WEIGHTS,
    check_header,
    read_config,
    read_header,
    read_weights,
    write_files,
)
from textgan.pretrained.hub import find_folder
from textgan.pretrained.precision import check_dtype, convert
from textgan.pretrained.tokenizer_check import TokenizerErrors, check_vocabulary
from textgan.pretrained.trust import is_trusted, part_within, parts_of

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z]\w*)+", re.ASCII)


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

    def frozen_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the state dict's names that a pretrained source brings anyway.

        A checkpoint leaves them out.
        """
        return ()

    def weights_hash(self) -> str:
        """SHA-256 of the tensors under `frozen_prefixes`."""
        return ""

    def referring_config(self) -> dict[str, Any]:
        """Like `config`, but naming the pretrained source instead of being free of it."""
        return self.config()

    def save_pretrained(self, path: str | Path) -> None:
        """Write `config.json` and `model.safetensors` into the folder `path`, each atomically.

        A tensor that two names share is written under both.
        """
        write_files(Path(path), self.config(), self.state_dict())

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        part: str | None = None,
        *,
        revision: str | None = None,
        trust: Sequence[str] = (),
        dtype: torch.dtype | str | None = None,
    ) -> Self:
        """The part that `save_pretrained` wrote, on the CPU and in eval mode.

        Whoever wrote the folder can make nothing run here but the constructors of parts in textgan
        and in what `trust` names, and no memory is taken before the shapes in both files agree.

        Args:
            path: the folder, or `owner/name` on the Hugging Face Hub, where there is no such
                folder; its two files are then fetched into the hub's cache.
            part: load only this part of what the folder holds, such as "image_encoder" of a
                pipeline; with dots deeper. None means the whole.
            revision: branch, tag or commit on the hub; None means its main branch.
            trust: packages beside textgan, such as ("mine",), that Python may import parts from.
            dtype: of the weights, such as torch.bfloat16 or "bfloat16"; "auto" means that of the
                file, None float32.

        Raises:
            FileNotFoundError: the folder or one of its two files is missing, or the hub has no such
                name or cannot be reached.
            ValueError: a file is broken, of a foreign format, of another class, or does not fit, or
                there is no such part or dtype.
        """
        check_dtype(dtype)
        folder = find_folder(path, revision=revision)
        config = read_config(folder)
        if part is not None:
            config = part_within(config, part, folder)
        found = class_of(config, trust)
        if cls not in found.__mro__:
            said = f"{folder} holds a {found.__name__}{'' if part is None else f' as {part}'}"
            raise ValueError(f"{said}, which is not a {cls.__name__}")
        prefix = "" if part is None else f"{part}."
        header = read_header(folder, prefix=prefix)
        for inner in parts_of(config).values():
            class_of(inner, trust)  # imports its module, which must not happen on the meta device
        sizes = [stored.numbers for stored in header.values()]
        expected = outline(lambda: build(config, trust), sizes, folder / CONFIG)
        check_header(folder / WEIGHTS, header, expected, prefix=prefix)
        built = build(config, trust)
        fill(built, read_weights(folder, header, prefix=prefix), folder / WEIGHTS)
        convert(built, dtype, (stored.dtype for stored in header.values()))
        return built.eval()


def build(config: dict[str, Any], trust: Sequence[str] = ()) -> Part:
    """A new part from what `Part.config` returned.

    Args:
        config: `_target_`, the dotted name of a Part inside `textgan.`, and its arguments by name.
            A nested dict with a `_target_` is a part too.
        trust: packages or modules beside textgan whose parts may be built.

    Raises:
        ValueError: a `_target_` is no Part of textgan or of what is trusted, or the arguments are
            not its constructor's.
    """
    cls = class_of(config, trust)
    arguments = {name: _built(value, trust) for name, value in config.items() if name != "_target_"}
    signature = inspect.signature(cls)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{config['_target_']} cannot be built: {error}") from error
    check_arguments(arguments, signature, config["_target_"])
    return cls(**arguments)


def class_of(config: dict[str, Any], trust: Sequence[str] = ()) -> type[Part]:
    """The class that a config's `_target_` names.

    Raises:
        ValueError: it names no Part that can be built, or one outside textgan and what is trusted.
    """
    target = config.get("_target_")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ValueError(
            f"_target_ must be the dotted name of a class in textgan., got {target!r:.80}"
        )
    if not is_trusted(target, trust):
        package = target.partition(".")[0]
        raise ValueError(
            f"_target_ must be the dotted name of a class in textgan., got {target!r:.80}: if you "
            f"know where it comes from, --trust {package} or trust=({package!r},) allows it"
        )
    module, _, name = target.rpartition(".")
    why = ""
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        missing, own = (error.name or "").partition(".")[0], target.partition(".")[0]
        if missing != own:  # a dependency is not installed
            raise
        found, why = None, f": {error}"
    if not inspect.isclass(found) or not issubclass(found, Part) or inspect.isabstract(found):
        raise ValueError(f"_target_ must name a Part that can be built, got {target!r}{why}")
    return found


def fill(part: Part, weights: dict[str, Tensor], file: Path) -> None:
    """Take over weights and extra states.

    Raises:
        ValueError: a tokenizer among the states is none, or makes captions endless.
    """
    for name, tensor in weights.items():
        if name.endswith("_extra_state"):
            check_vocabulary(tensor.numpy().tobytes(), f"{file}: {name}")
    with TokenizerErrors(file):
        part.load_state_dict(weights)


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


def _built(value: Any, trust: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        if "_target_" in value:
            return build(value, trust)
        return {key: _built(item, trust) for key, item in value.items()}
    return [_built(item, trust) for item in value] if isinstance(value, list) else value
