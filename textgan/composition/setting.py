"""Types of settings, from the annotations of their constructors.

Hydra does not know them, because the YAML files have values and no types. The type decides how a
value on the command line is read: `data.root=1e5` is the name of a folder, and
`model.discriminator_start=1e5` is a number.
"""

import dataclasses
import inspect
import os
import types
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import hydra
from hydra.errors import HydraException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import read_yaml
from textgan.composition.stages import STAGES

PATH = str | Path
KNOWN: dict[str, Any] = {
    **dict.fromkeys(("ckpt_path", "captions_file", *STAGES), PATH | None),
    **dict.fromkeys(("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"), PATH),
    "objective": str | None,
}
"""Types of settings that are known without a composition."""
_OURS = ("textgan.", "torch.optim.", "pytorch_lightning.")
ABSENT = object()
"""The value of a setting that the composition lacks."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """Kinds of values that a setting takes."""

    is_text: bool  # only text, and perhaps null: the typed text is the value
    is_path: bool  # the text names a file or folder
    takes_null: bool


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings of a composition before single values are overridden."""

    name: str  # of the primary configuration
    choices: tuple[str, ...] = ()  # overrides that choose groups and classes
    folder: str | None = None  # the user's own YAML files (`-cd`)

    def value(self, key: str) -> Any:
        """Return the plain value of a dotted key, with `${...}` unresolved, or `ABSENT`."""
        node = self._node(key.split("."))
        return OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node

    def kind(self, key: str) -> Kind:
        """Return the kind of values that a dotted key takes."""
        if key in KNOWN:
            return kind_of(KNOWN[key])
        *parents, last = key.split(".")
        if last == "_target_":
            return kind_of(str)
        if not parents:
            return kind_of(_top().get(key))
        value = self._node([*parents, last])
        if isinstance(value, bool | int | float):
            return kind_of(type(value))
        return kind_of(_annotation(self._maker(parents), last))

    def _maker(self, parents: list[str]) -> Any:
        """Return the class or function whose arguments are the settings below a place, or None."""
        if parents == ["trainer"]:
            return get_object("pytorch_lightning.Trainer")
        node = self._node(parents)
        if not isinstance(node, DictConfig) or node._is_none():
            return None
        if dataclasses.is_dataclass(kept := OmegaConf.get_type(node)):
            return kept
        target = str(self._node([*parents, "_target_"]))
        if self.name != "config" and not target.startswith(_OURS):
            return None  # a class that a checkpoint names is not imported here
        with suppress(ImportError, AttributeError, ValueError, TypeError):
            return get_object(target)
        return None

    def _node(self, parts: list[str]) -> Any:
        node = _composed(self) if self.name == "config" else _compose(self)
        for part in parts:
            if not isinstance(node, DictConfig) or node._is_none() or part not in node.keys():  # noqa: SIM118 - `in node` resolves
                return ABSENT
            node = node._get_node(part)
        return node if isinstance(node, DictConfig) or node is None else node._value()


def kind_of(annotation: Any) -> Kind:
    """Return the kind of an annotation; None means an unknown type."""
    is_union = get_origin(annotation) in (Union, types.UnionType)
    members = get_args(annotation) if is_union else [] if annotation is None else [annotation]
    given = [member for member in members if member is not types.NoneType]
    texts = [_is_text(member) for member in given]
    return Kind(
        is_text=bool(texts) and all(texts),
        is_path=any(_is_path(member) for member in given),
        takes_null=len(given) < len(members),
    )


def _is_path(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, os.PathLike)


def _is_text(member: Any) -> bool:
    literal = get_origin(member) is Literal and all(isinstance(a, str) for a in get_args(member))
    return member is str or _is_path(member) or literal


@cache
def _top() -> dict[str, type]:
    """Return the types of the scalars in `conf/config.yaml`, from their values."""
    values = read_yaml(conf_folder() / "config.yaml")
    return {key: type(value) for key, value in values.items() if isinstance(value, int | float)}


def _annotation(maker: Any, name: str) -> Any:
    """Return the annotation of an argument of a class or its bases, or None if it is unknown."""
    makers = [maker]
    if isinstance(maker, type) and not dataclasses.is_dataclass(maker):
        makers = [vars(cls)["__init__"] for cls in maker.__mro__ if "__init__" in vars(cls)]
    for found in makers:
        with suppress(NameError, TypeError, ValueError):
            if dataclasses.is_dataclass(found):
                return get_type_hints(found).get(name)
            parameters = inspect.signature(found).parameters
            if name in parameters:
                kept = parameters[name].annotation
                return get_type_hints(found).get(name) if isinstance(kept, str) else kept
    return None


def _compose(settings: Settings) -> DictConfig:
    """Return the composition, or an empty one if it fails; the job itself reports the error."""
    path = [f"hydra.searchpath=[file://{settings.folder}]"] if settings.folder else []
    try:
        with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
            overrides = [*settings.choices, *path]
            return hydra.compose(settings.name, overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException):
        return OmegaConf.create({})


_composed = cache(_compose)
