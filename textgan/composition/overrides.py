"""Conversion of the typed overrides and options to Hydra's overrides."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from textgan.checkpoint.path import find_checkpoint
from textgan.composition.conf_folder import choices, conf_folder
from textgan.composition.folder import ONE_FOR_ALL, SECTIONS, is_plural, read_yaml
from textgan.composition.setting import ABSENT, KNOWN, Settings, kind_of
from textgan.composition.stages import with_saved_parts
from textgan.composition.text import (
    as_meant,
    is_sweep,
    literal,
    plain,
    quoted,
    read,
    stands_as_typed,
)
from textgan.errors import ConfigError, did_you_mean
from textgan.run.converter import LISTS
from textgan.run.folder import continued_run
from textgan.run.words import Words

_CAPTIONS = "{_target_:textgan.data.caption_file.CaptionFile,path:${captions_file}}"
_KEY = re.compile(r"[\w$./@:-]+", re.ASCII)
_LIGHTNINGS = {"init_args", "class_path", "dict_kwargs", "help"}


@dataclass(frozen=True)
class Typed:
    """Prefix, key and value of an override; `~key` has no value."""

    prefix: str
    key: str
    value: str | None

    def __str__(self) -> str:
        return f"{self.prefix}{self.key}" + ("" if self.value is None else f"={self.value}")


def apart(override: str) -> Typed:
    """Split an override into its parts; raise ConfigError for a key that no setting can have."""
    left, equals, value = override.partition("=")
    prefix = re.match(r"[+~]*", left)[0]
    key = left[len(prefix) :]
    if not _KEY.fullmatch(key):
        raise ConfigError(no_such_setting(key))
    return Typed(prefix, key, value if equals else None)


def no_such_setting(key: str) -> str:
    """Return the sentence about an unknown key."""
    if key in choices():
        near = next(
            (other for other in (f"{key}s", key.removesuffix("s")) if other in choices()), key
        )
        other = "" if near == key else f", but it can have {near}"
        return f"the chosen model has no {key} to choose{other}"
    known = [*choices(), *read_yaml(conf_folder() / "config.yaml")]
    return f"no such setting or group: {key!r}{did_you_mean(key, known)}"


def value_of(key: str, overrides: list[str]) -> str | None:
    """Return the last value of a key in the overrides, without quotes, or None."""
    found = [typed.value for typed in map(apart, overrides) if typed.key == key]
    given = None if not found or found[-1] is None else plain(found[-1])
    return None if given is None else str(given)


def first_pass(verb: str, words: Words) -> tuple[list[str], Words]:
    """Return the overrides that need no composition to be read, and the remaining words.

    Options for groups and for shared scalars become overrides. Overrides that follow from the verb
    or from other overrides are added. A missing setting or a wrong key raises ConfigError.
    """
    typed, left = [apart(override) for override in words.overrides], []
    scalars = read_yaml(conf_folder() / "config.yaml").keys() - {*SECTIONS, "defaults", "hydra"}
    for name, value in words.pairs():
        if name == "run_dir":
            typed.append(Typed("", "hydra.run.dir", value))
        elif value is not None and (name in {"ckpt_path", *scalars} or _chooses(name, value)):
            typed.append(Typed("", name, value))
        else:
            left.append(f"--{name}" if value is None else f"--{name}={value}")
    typed = [apart(override) for override in with_saved_parts([str(t) for t in typed])]
    words = replace(words, options=left)
    settings = Settings("config")
    known = [_meant(t, settings, words.sweep) if t.key in KNOWN else t for t in typed]
    return _completed(verb, words, [str(_without_null(t)) for t in known]), words


def second_pass(name: str, overrides: list[str], words: Words) -> tuple[list[str], list[str]]:
    """Return all overrides in Hydra's grammar, and the options that only LightningCLI can read.

    It takes the name of the primary configuration and the results of the first pass. It raises
    ConfigError if a value cannot be read, or if settings that must agree differ.
    """
    folder = words.flag_value("-cd", "--config-dir")
    typed = [apart(override) for override in overrides]
    chosen = [_first_of_sweep(t) for t in typed if _is_choice(t.key, folder)]
    settings = Settings(name, tuple(filter(None, chosen)), folder and str(Path(folder).absolute()))
    options, left = _for_hydra(words, settings)
    meant = [_meant(t, settings, words.sweep) for t in [*typed, *options]]
    return [str(_loosened(t)) for t in _agreed(meant, settings)], left


def _completed(verb: str, words: Words, overrides: list[str]) -> list[str]:
    """Add the overrides that follow from the verb and from other overrides."""
    has_data = value_of("data", overrides) is not None or words.has_option("--data")
    if verb == "predict" and not has_data:
        if value_of("captions_file", overrides) is None:
            raise ConfigError("captions_file must be given, as in captions_file=my.txt")
        overrides += ["~data", f"+data={_CAPTIONS}"]
    if words.trust and value_of("model", overrides) == "pipeline":
        overrides.append(f"model.trust=[{','.join(words.trust)}]")
    checkpoint = value_of("ckpt_path", overrides)
    if checkpoint is not None and not (words.sweep and "," in checkpoint):
        checkpoint = find_checkpoint(checkpoint)
        others = [override for override in overrides if apart(override).key != "ckpt_path"]
        overrides = [*others, f"ckpt_path={quoted(literal(checkpoint))}"]
    has_weights = verb == "fit" or checkpoint or value_of("model", overrides) == "pipeline"
    if not has_weights and not words.inspecting:
        rule = f"ckpt_path must be given, as in textgan {verb} ckpt_path=runs/.../last.ckpt"
        raise ConfigError(f"{rule}, or model=pipeline model.path=runs/.../pipeline")
    folder = None if words.sweep else continued_run(verb, checkpoint)
    if folder is not None and value_of("hydra.run.dir", overrides) is None:
        overrides.append(f"hydra.run.dir={quoted(literal(str(folder)))}")
    if words.has_option("--print_config"):
        overrides += ["hydra.run.dir=.", "hydra/job_logging=disabled"]
    share = "hydra.sweeper.max_failure_rate"
    if value_of("hydra/sweeper", overrides) == "optuna" and value_of(share, overrides) is None:
        overrides.append(f"{share}=1.0")  # one failing trial must not end the search
    return overrides


def _chooses(group: str, value: str) -> bool:
    """Return whether `--data folder` chooses from a group; `--data Folder` names a class."""
    if group not in choices() or group not in SECTIONS:
        return group in choices()
    return value == "null" or value in choices()[group]


def _is_choice(key: str, folder: str | None) -> bool:
    """Return whether an override decides which settings exist."""
    group = key.split("@", maxsplit=1)[0]
    own = folder is not None and Path(folder, group).is_dir()
    return group in choices() or "/" in group or own or key.endswith("._target_")


def _first_of_sweep(typed: Typed) -> str | None:
    parsed = read(str(typed))
    if parsed is None or not parsed.is_sweep_override():
        return None if parsed is None else str(typed)
    return str(replace(typed, value=next(parsed.sweep_string_iterator())))


def _without_null(typed: Typed) -> Typed:
    """Write `posterior=null` as `~posterior`, and `loss=null` as `loss=[]`, as Hydra needs."""
    if typed.value != "null" or typed.key not in choices():
        return typed
    return replace(typed, value="[]") if is_plural(typed.key) else Typed("~", typed.key, None)


def _meant(typed: Typed, settings: Settings, sweep: bool) -> Typed:
    if typed.value is None or typed.prefix == "~":
        return typed
    if stands_as_typed(typed.value):
        return typed
    if typed.key in choices() and not typed.prefix:
        return replace(typed, value=_choice(typed.key, typed.value))
    kind = settings.kind(typed.key)
    return replace(typed, value=as_meant(typed.key, typed.value, kind, sweep=sweep))


def _choice(group: str, value: str) -> str:
    """Return the names of a group's files in Hydra's grammar; raise ConfigError for a dict."""
    kind = kind_of(None)
    meant = as_meant(group, value, kind, sweep=True)
    if isinstance(plain(meant), dict):
        raise ConfigError(f"{group} must be one of {', '.join(choices()[group])}, got {value}")
    return quoted(value) if isinstance(plain(meant), bool | int | float) else meant


def _loosened(typed: Typed) -> Typed:
    """Write `model.x=1` as `++model.x=1`: constructors, not YAML files, define the settings."""
    loose = not typed.prefix and re.match(r"(model|data|trainer)\.", typed.key)
    return replace(typed, prefix="++") if loose and typed.value is not None else typed


def _for_hydra(words: Words, settings: Settings) -> tuple[list[Typed], list[str]]:
    """Return overrides for the options that Hydra can compose, and the unchanged other options."""
    found, left, classes = [], [], []
    pairs = words.pairs()
    for name, value in pairs:
        below = any(other.startswith(f"{name}.") for other, _ in pairs)
        is_class = value is not None and _is_class(name, value, settings, below)
        if is_class:
            classes.append(name)
        if is_class or value is None or _is_lightnings(name, settings, classes):
            left.append(f"--{name}" if value is None else f"--{name}={value}")
        else:
            single = not words.sweep and is_sweep(value)  # 0,2 are two devices of one job
            found.append(Typed("", name, quoted(value) if single else value))
    return found, left


def _is_class(name: str, value: str, settings: Settings, below: bool) -> bool:
    """Return whether the value names a class, whose arguments are the settings below it."""
    if "class_path" in value:
        return True
    known = plain(value)
    return isinstance(known, str) and (below or isinstance(settings.value(name), dict))


def _is_lightnings(name: str, settings: Settings, classes: list[str]) -> bool:
    """Return whether only LightningCLI can know an option."""
    root, *parts = name.split(".")
    if root not in SECTIONS or name.endswith("+") or _LIGHTNINGS & {*parts}:
        return True
    if any(name.startswith(f"{place}.") for place in classes):
        return True
    if root == "trainer" and len(parts) > 1 and parts[0] in LISTS:
        return settings.value(f"trainer.{parts[0]}.{parts[1]}") is ABSENT
    return False


def _agreed(overrides: list[Typed], settings: Settings) -> list[Typed]:
    """Write `data.image_size=32` as `image_size=32`; raise ConfigError if two of them differ."""
    found, given = [], {}
    for typed in overrides:
        shared = next((s for s in ONE_FOR_ALL if _is_linked(typed, s, settings)), typed.key)
        if shared in ONE_FOR_ALL and typed.value is not None:
            first = given.setdefault(shared, typed)
            if first.value != typed.value and typed.key != first.key:
                raise ConfigError(
                    f"{shared} must be the same for the data and all parts, got {first.key}="
                    f"{first.value} and {typed.key}={typed.value}: set only {shared}=..."
                )
        found.append(typed if shared == typed.key else Typed("", shared, typed.value))
    return found


def _is_linked(typed: Typed, shared: str, settings: Settings) -> bool:
    if "." not in typed.key or typed.prefix == "~":
        return False
    return settings.value(typed.key) == f"${{{shared}}}"
