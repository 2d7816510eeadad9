"""Parts that are saved as `config.json` and `model.safetensors`, and loaded again.

Nothing is pickled. A part records the arguments of its constructor; `build` imports its class from
textgan, or from a package that the caller trusts.
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
from textgan.pretrained.frozen import tensors_hash
from textgan.pretrained.hub import find_folder
from textgan.pretrained.precision import check_dtype, convert
from textgan.pretrained.tokenizer_check import TokenizerErrors, check_vocabulary
from textgan.pretrained.trust import is_trusted, part_within, parts_of

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z]\w*)+", re.ASCII)


class Part(nn.Module, ABC):
    """Base of everything that can be saved and loaded on its own: encoders, networks, pipelines.

    Its constructor names every argument, and takes only other parts and values that JSON can hold
    (a tuple is loaded as a list). The arguments of the outermost constructor are recorded, with
    their defaults.
    """

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)
        cls.from_pretrained = _loader(cls)

    def saved_arguments(self) -> dict[str, Any]:
        """The constructor's arguments for `config`; override it to save other values."""
        return dict(self.__dict__.get("_init_arguments", {}))

    def config(self) -> dict[str, Any]:
        """The nested dict, fit for JSON, from which `build` makes this part again without weights.

        Raises:
            TypeError: an argument is neither a part nor a value that JSON can hold.
        """
        cls = type(self)
        arguments = self.saved_arguments().items()
        plain = {name: _plain(value, f"{cls.__name__}.{name}") for name, value in arguments}
        return {"_target_": f"{cls.__module__}.{cls.__qualname__}", **plain}

    def frozen_prefixes(self) -> tuple[str, ...]:
        """Prefixes of the tensors that come from a pretrained source; checkpoints omit them."""
        parts = [(name, part) for name, part in self.named_children() if isinstance(part, Part)]
        return tuple(
            f"{name}.{prefix}" for name, part in parts for prefix in part.frozen_prefixes()
        )

    def frozen_hash(self) -> str:
        """SHA-256 of the tensors under `frozen_prefixes`, which a checkpoint stores; "" if none."""
        prefixes = self.frozen_prefixes()
        if not prefixes:
            return ""
        return tensors_hash(t for t in self.state_dict().items() if t[0].startswith(prefixes))

    def referring_config(self) -> dict[str, Any]:
        """As `config`, but it names the pretrained sources, if there are any."""
        config, arguments = self.config(), self.saved_arguments()
        parts = {name: part for name, part in arguments.items() if isinstance(part, Part)}
        return config | {name: part.referring_config() for name, part in parts.items()}

    def remember_source(self, config: dict[str, Any], file: Path) -> None:
        """Called by `from_pretrained` before the weights are converted to another dtype.

        Args:
            config: of everything that the folder holds, of which this may be one part.
            file: the file of the config.
        """

    def save_pretrained(self, path: str | Path) -> None:
        """Write `config.json` and `model.safetensors` into the folder `path`, each atomically.

        A tensor that has two names is written twice.
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
        """Load the part that `save_pretrained` wrote, on the CPU and in eval mode.

        An untrusted folder can run only the constructors of parts in textgan and in the packages
        that `trust` names, and no memory is allocated before the shapes in both files agree.

        Args:
            path: the folder; or, if it does not exist, `owner/name` on the Hugging Face Hub, whose
                two files are downloaded into the hub's cache.
            part: load only this part of the saved one, such as "image_encoder" of a pipeline, with
                dots for parts of parts. None means the whole.
            revision: branch, tag or commit on the hub; None means its main branch.
            trust: packages beside textgan, such as ("mine",), from which parts may be imported.
            dtype: of the weights, such as torch.bfloat16 or "bfloat16"; "auto" means that of the
                file, None float32.

        Raises:
            FileNotFoundError: the folder or one of its two files is missing, or the hub lacks the
                name or cannot be reached.
            ValueError: a file is broken, has another format or class, or does not fit the other
                file; or the part or dtype does not exist.
        """
        check_dtype(dtype)
        folder = find_folder(path, revision=revision)
        whole = read_config(folder)
        config = whole if part is None else part_within(whole, part, folder)
        found = class_of(config, trust)
        if cls not in found.__mro__:
            name = found.__name__ if part is None else f"{found.__name__} as {part}"
            raise ValueError(f"{folder} holds a {name}, which is not a {cls.__name__}")
        prefix = "" if part is None else f"{part}."
        header = read_header(folder, prefix=prefix)
        for inner in parts_of(config).values():
            class_of(inner, trust)  # imports its module, which must not happen on the meta device
        sizes = [stored.numbers for stored in header.values()]
        expected = outline(lambda: build(config, trust), sizes, folder / CONFIG)
        check_header(folder / WEIGHTS, header, expected, prefix=prefix)
        built = build(config, trust)
        fill(built, read_weights(folder, header, prefix=prefix), folder / WEIGHTS)
        built.remember_source(whole, folder / CONFIG)
        convert(built, dtype, (stored.dtype for stored in header.values()))
        return built.eval()


def build(config: dict[str, Any], trust: Sequence[str] = ()) -> Part:
    """Build a new part from the result of `Part.config`.

    Args:
        config: `_target_`, the dotted name of a Part inside `textgan.`, and its arguments by name.
            A nested dict with a `_target_` is a part too.
        trust: packages or modules beside textgan whose parts may be built.

    Raises:
        ValueError: a `_target_` is no Part of textgan or of a trusted package, or the arguments do
            not fit its constructor.
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
    """Import the class that a config's `_target_` names.

    Raises:
        ValueError: it is no Part that can be built, or lies outside textgan and trusted packages.
    """
    target = config.get("_target_")
    rule = f"_target_ must be the dotted name of a class in textgan., got {target!r:.80}"
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise ValueError(rule)
    if not is_trusted(target, trust):
        package = target.partition(".")[0]
        raise ValueError(
            f"{rule}: if you trust that package, --trust {package} or trust=({package!r},) allows "
            "its classes"
        )
    module, _, name = target.rpartition(".")
    reason = ""
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        missing, own = (error.name or "").partition(".")[0], target.partition(".")[0]
        if missing != own:  # a dependency is not installed
            raise
        found, reason = None, f": {error}"
    if not inspect.isclass(found) or not issubclass(found, Part) or inspect.isabstract(found):
        raise ValueError(f"_target_ must name a Part that can be built, got {target!r}{reason}")
    return found


def fill(part: Part, weights: dict[str, Tensor], file: Path) -> None:
    """Load weights and extra states into a part.

    Raises:
        ValueError: a tokenizer among the states is broken, or `check_vocabulary` refuses it.
    """
    for name, tensor in weights.items():
        if name.endswith("_extra_state"):
            check_vocabulary(tensor.numpy().tobytes(), f"{file}: {name}")
    with TokenizerErrors(file):
        part.load_state_dict(weights)


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    """Wrap a constructor so that it first records its arguments."""
    signature = inspect.signature(init)
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    if any(parameter.kind in open_ended for parameter in signature.parameters.values()):
        raise TypeError(f"{init.__qualname__} must name every argument, got {signature}")

    @functools.wraps(init)
    def recorded(self: Part, *args: Any, **kwargs: Any) -> None:
        if "_init_arguments" not in self.__dict__:  # the outermost constructor set it already
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            _, *named = bound.arguments.items()
            self.__dict__["_init_arguments"] = {name: _copied(value) for name, value in named}
        init(self, *args, **kwargs)

    return recorded


def _loader(cls: type[Part]) -> classmethod:
    """`from_pretrained` annotated to return `cls`: jsonargparse refuses Self in a `class_path`."""
    inherited = cls.from_pretrained.__func__

    @functools.wraps(inherited)
    def from_pretrained(cls: type[Part], *args: Any, **kwargs: Any) -> Part:
        return inherited(cls, *args, **kwargs)

    from_pretrained.__qualname__ = f"{cls.__qualname__}.from_pretrained"
    from_pretrained.__module__ = cls.__module__
    from_pretrained.__signature__ = inspect.signature(inherited).replace(return_annotation=cls)
    return classmethod(from_pretrained)


def _copied(value: Any) -> Any:
    """Copy lists and dicts, so that later changes by the caller have no effect."""
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
