"""Validation of the configuration in a checkpoint, which may be untrusted.

`textgan fit` composed the configuration, and it is composed again for another job. Therefore only
the contents of a composition are accepted: sections with classes of textgan and their arguments,
the scalars of `conf/config.yaml`, and links between the two.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from textgan.composition.stages import STAGES
from textgan.composition.stored_class import allowed_class
from textgan.composition.stored_trainer import check_trainer
from textgan.errors import ConfigError
from textgan.pretrained.check import fits

_SECTIONS = ("seed_everything", "model", "data", "trainer", "composition")
_NO_ARGUMENTS = re.compile(r"class_path|init_args|dict_kwargs|trust|_\w+_")
# Arguments that name files or folders.
_NAMES_ELSEWHERE = ("root", "path", "pretrained", "weights", "exclude")
# Arguments of data whose texts are not names of files; all other texts of data may be.
_PLAIN_TEXTS = ("templates", "captions")
_WORD = re.compile(r"[\w -]*")
_PLACE = re.compile(r"seed_everything|(model|data|trainer)(\.\w+)+")
_SCALAR = r"\$\{\w+\}"
_LINK = re.compile(
    rf"{_SCALAR}|\$\{{batches:{_SCALAR}\}}|\$\{{data\.\w+\}}"
    rf"|\[(?:{_SCALAR}|\d+)(?:, (?:{_SCALAR}|\d+))*\]"
)
_WITH_DEFAULT = re.compile(r"\$\{oc\.select:(data\.\w+),[^\n]*\}")
_MOST_WORKERS = 64
_MOST_PIXELS = 2**28  # per batch: 1,024 images of 512 x 512 pixels


@dataclass
class Stored:
    """Checked configuration of a checkpoint: sections in Hydra's form, and shared scalars.

    Attributes:
        links: dotted place in a section -> the interpolation that produced its value.
        elsewhere: dotted place -> the files, folders or hub names that would be read.
    """

    sections: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, Any] = field(default_factory=dict)


def take(
    config: dict[str, Any], known: dict[str, Any], repeated: set[str], trust: Sequence[str]
) -> Stored:
    """Return the part of a checkpoint's configuration from which a composition may start.

    It raises ConfigError for contents that no composition has.

    Args:
        config: `checkpoint["textgan"]["config"]`, whose size has been checked.
        known: the scalars of `conf/config.yaml` with their values.
        repeated: dotted places that the command line sets, which are left out.
        trust: packages besides textgan whose classes it may name.
    """
    for key in config:
        if key not in _SECTIONS:
            raise ConfigError(f"it has a section {key!r:.80}, which no checkpoint of textgan has")
    composition = config.get("composition") or {}
    taken = Stored(scalars=_scalars(_dict(composition.get("scalars"), "scalars"), known))
    links = _links(_dict(composition.get("links"), "links"), taken.scalars)
    for section in ("model", "data", "trainer"):
        if config.get(section) is not None:
            taken.sections[section] = _dict(config[section], section)
    seed = config.get("seed_everything")
    if seed is not None:
        if not isinstance(seed, int):
            raise ConfigError(f"it must have a whole number as seed_everything, got {seed!r:.80}")
        taken.sections["seed_everything"] = seed
    governed = {place for place, link in links.items() if scalars_of(link) & repeated}
    taken.sections = _without(taken.sections, repeated | governed)
    taken.links = links
    folders = {scalar: taken.scalars.get(scalar) for scalar in STAGES if scalar not in repeated}
    taken.elsewhere.update({s: folder for s, folder in folders.items() if isinstance(folder, str)})
    for section in ("model", "data"):
        settings = taken.sections.get(section)
        if settings and "_target_" not in settings and f"{section}._target_" not in repeated:
            raise ConfigError(f"it must have a class as {section}, got {settings!r:.80}")
    taken.sections["trainer"] = check_trainer(taken.sections.get("trainer", {}))
    checker = _Checker(taken.elsewhere, trust)
    for section in ("model", "data"):
        checker.check(taken.sections.get(section) or {}, section, Any)
    for name, node in taken.sections["trainer"].get("callbacks", {}).items():
        checker.check(node, f"trainer.callbacks.{name}", Any)
    _check_batch(taken.sections.get("data") or {})
    return taken


def scalars_of(link: str) -> set[str]:
    """Return the shared scalars of a link; none if it links to a setting of the data."""
    return {*re.findall(r"\$\{(\w+)\}", link)} if _LINK.fullmatch(link) else set()


def _dict(value: Any, name: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"it must have settings by name as {name}, got {value!r:.80}")
    return dict(value or {})


def _scalars(found: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Check the scalars, and keep those of `conf/config.yaml`; others are used by value only."""
    for name, value in found.items():
        if isinstance(value, dict | list) or name in ("hydra", "defaults", *_SECTIONS):
            raise ConfigError(f"it has {name!r:.80} among its scalars, which is not a scalar")
        _refuse_interpolation(value, name)
        default = known.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(default, int | float) and not is_number:
            raise ConfigError(f"it must have a number as {name}, got {value!r:.80}")
    return {name: value for name, value in found.items() if name in known}


def _links(found: dict[str, Any], scalars: dict[str, Any]) -> dict[str, str]:
    """Check the links, and keep those to known scalars and to settings of the data.

    A link to a user's own setting, to an environment variable or to the shape of an autoencoder's
    latents is replaced by its value. A run that went on from a checkpoint has written its links to
    the data with a default value, which is left out.
    """
    links = {}
    for place, written in found.items():
        if not isinstance(written, str):
            raise ConfigError(f"it must have texts as links, got {written!r:.80} for {place!r:.80}")
        with_default = _WITH_DEFAULT.fullmatch(written)
        link = f"${{{with_default[1]}}}" if with_default else written
        if re.search(r"\$\{\s*(?!batches:|oc\.env:|latent_shape:)[\w.]*:", link) or "\n" in link:
            raise ConfigError(f"it links {place!r:.80} to {link!r:.80}, which is no setting")
        if _PLACE.fullmatch(place) and _LINK.fullmatch(link) and scalars_of(link) <= {*scalars}:
            links[place] = link
    return links


def _without(value: Any, places: set[str], here: str = "") -> Any:
    """Return a copy without the settings at these places."""
    if not isinstance(value, dict):
        return value
    inside = {key: f"{here}.{key}" if here else key for key in value}
    return {
        key: _without(item, places, inside[key])
        for key, item in value.items()
        if inside[key] not in places
    }


class _Checker:
    """Checker of classes and their arguments, which collects the files that they would read."""

    def __init__(self, elsewhere: dict[str, Any], trust: Sequence[str]):
        self.elsewhere, self.trust = elsewhere, trust

    def check(self, value: Any, place: str, annotation: Any) -> None:
        """Raise ConfigError for a value that does not fit its annotation."""
        if isinstance(value, dict):
            for key, item in value.items():  # `trust: []` is the default of `from_pretrained`
                if (
                    key != "_target_"
                    and _NO_ARGUMENTS.fullmatch(key)
                    and (key, item) != ("trust", [])
                ):
                    raise ConfigError(f"it must not have {key!r:.80} in {place}")
            if "_target_" in value:
                self._check_class(value, place)
                return
            item_kind = (*_arguments(annotation, dict), Any, Any)[1]
            for key, item in value.items():
                self.check(item, f"{place}.{key}", item_kind)
            return
        _refuse_interpolation(value, place)
        if not fits(value, annotation):
            kind = getattr(annotation, "__name__", annotation)
            raise ConfigError(f"{place} must be {kind}, got {value!r:.80}")
        if any(self._is_elsewhere(text, place) for text in _texts(value)):
            self.elsewhere[place] = value
        for number, item in enumerate(value if isinstance(value, list | tuple) else ()):
            if isinstance(item, dict | list | tuple):  # texts are checked above
                self.check(item, f"{place}[{number}]", Any)

    def _check_class(self, node: dict[str, Any], place: str) -> None:
        made = allowed_class(node["_target_"], place, self.trust)
        parameters = inspect.signature(made).parameters
        for name, value in node.items():
            if name == "_target_":
                continue
            if name not in parameters:
                raise ConfigError(f"{place} has an argument {name!r:.80} that its class lacks")
            if isinstance(value, str) and "optimizer" in place:
                raise ConfigError(f"{place}.{name} must be no text, got {value!r:.80}")
            self.check(value, f"{place}.{name}", parameters[name].annotation)

    @staticmethod
    def _is_elsewhere(text: str, place: str) -> bool:
        name = place.rpartition(".")[2]
        is_data = place.startswith("data.") and name not in _PLAIN_TEXTS
        return name in _NAMES_ELSEWHERE or (is_data and not _WORD.fullmatch(text))


def _arguments(annotation: Any, kind: type) -> tuple[Any, ...]:
    """Return the arguments of `kind[...]`, also inside a union."""
    for one in (annotation, *getattr(annotation, "__args__", ())):
        if getattr(one, "__origin__", None) is kind:
            return one.__args__
    return ()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value if isinstance(value, list | tuple) else ():
        yield from _texts(item)


def _refuse_interpolation(value: Any, place: str) -> None:
    for text in _texts(value):
        if "${" in text:
            raise ConfigError(f"it must not have an interpolation as {place}, got {text!r:.80}")


def _check_batch(data: dict[str, Any]) -> None:
    """Refuse large sizes, which the user must type."""
    workers = data.get("num_workers") or 0
    if workers > _MOST_WORKERS:
        raise ConfigError(f"it asks for data.num_workers={workers}: type that setting to use it")
    batch, side = data.get("batch_size") or 1, data.get("image_size") or 1
    if batch * side * side > _MOST_PIXELS:
        sizes = f"data.batch_size={batch} with data.image_size={side}"
        raise ConfigError(f"it asks for {sizes}: type these settings to use them")
