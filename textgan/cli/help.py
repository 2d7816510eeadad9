"""Help of `textgan VERB --help`: the main settings, and how to list the others."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from textgan.cli import settings
from textgan.cli.settings import Setting
from textgan.composition.conf_folder import choices
from textgan.run.trainer_options import OURS

_COLUMNS = 100
# The settings of this data set are shown as an example of any data set.
_DATA = ("folder", ("root", "batch_size"))
_FIRST = {
    "fit": ("total_images", "image_size", "data.root", "data.batch_size", "ckpt_path"),
    "validate": ("ckpt_path", "data.root", "data.batch_size", "image_size"),
    "test": ("ckpt_path", "data.root", "data.batch_size", "image_size"),
    "predict": ("captions_file", "ckpt_path", "seed"),
}
_EXAMPLES = {
    "fit": (
        "textgan fit data=folder data.root=my/images total_images=200_000",
        "textgan fit experiment=demo -m seed=0,1,2",
        "textgan fit ckpt_path=RUN/last.ckpt",
    ),
    "validate": ("textgan validate ckpt_path=RUN/last.ckpt 'metric=[sharpness]'",),
    "test": (
        "textgan test ckpt_path=RUN/last.ckpt 'metric=[standard]'",
        "textgan test model=pipeline model.path=RUN/pipeline data=folder data.root=my/images",
    ),
    "predict": ("textgan predict ckpt_path=RUN/last.ckpt captions_file=captions.txt",),
}


def verb_help(verb: str, description: str, overrides: Iterable[str] = ()) -> str:
    """Return the help of fit, validate, test or predict.

    Overrides of the form `group=name` beside `--help` limit it to the settings of these choices.
    """
    named = [pair for override in overrides for pair in _named(override)]
    if named:
        return "\n".join(line for group, name in named for line in _choice(group, name))
    return "\n".join(
        [
            f"textgan {verb}: {description}.",
            "",
            f"usage: textgan {verb} [key=value ...] [--key value ...]",
            *(f"  {example}" for example in _EXAMPLES[verb]),
            "",
            "The most common settings, with their defaults (those of data are of data=folder):",
            *_table(_first(verb)),
            "",
            "The other settings that several parts share:",
            *_table(_others(verb)),
            "",
            "GROUP=NAME chooses a part, GROUP='[A,B]' several parts; * marks the default choice:",
            *_groups(),
            "",
            *_grammars(verb),
        ]
    )


def _first(verb: str) -> list[Setting]:
    group, names = _DATA
    data = {s.name: s for s in settings.of_choice("data", group)}
    known = {s.name: s for s in settings.shared()}
    known |= {f"data.{name}": data[f"data.{name}"] for name in names}
    return [known[name] for name in _FIRST[verb]]


def _others(verb: str) -> list[Setting]:
    """Return the other shared settings; those of training only for fit."""
    others = [setting for setting in settings.shared() if setting.name not in _FIRST[verb]]
    return [s for s in others if verb == "fit" or not s.name.endswith("_images")]


def _named(override: str) -> Iterator[tuple[str, str]]:
    """Yield the choices that an override `group=name` or `group=[a,b]` names."""
    group, _, names = override.lstrip("+").partition("=")
    for name in names.strip("[]").split(","):
        if name in choices().get(group, []):
            yield group, name


def _choice(group: str, name: str) -> list[str]:
    """Return the lines for a choice of a group with all its settings."""
    described = settings.describe_choice(group, name)
    title = f"{group}={name}: {described}" if described else f"{group}={name}"
    lines = [*textwrap.wrap(title, _COLUMNS), ""]
    for setting in settings.of_choice(group, name):
        lines.append(f"  {setting.name}={_shown(setting.default)}")
        indent = " " * 6
        lines += textwrap.wrap(
            setting.description, _COLUMNS, initial_indent=indent, subsequent_indent=indent
        )
    return [*lines, ""]


def _table(found: list[Setting]) -> list[str]:
    shown = [f"{setting.name}={_shown(setting.default)}" for setting in found]
    width = max(map(len, shown))
    lines = []
    for left, setting in zip(shown, found, strict=True):
        sentence = f"{setting.description[:1].upper()}{setting.description[1:]}"
        short = textwrap.shorten(sentence, _COLUMNS - width - 4, placeholder=" ...")
        lines.append(f"  {left:<{width}}  {short}".rstrip())
    return lines


def _groups() -> list[str]:
    lines, chosen = [], settings.defaults()
    for group, names in choices().items():
        marked = ", ".join(f"{name}*" if name in chosen.get(group, []) else name for name in names)
        indent = " " * 22
        lines += textwrap.wrap(
            marked, _COLUMNS, initial_indent=f"  {group:<20}", subsequent_indent=indent
        )
    return lines


def _grammars(verb: str) -> list[str]:
    by_ours: dict[str, list[str]] = {}
    for option, ours in OURS.items():
        by_ours.setdefault(ours, []).append(option)
    others = "; ".join(f"{ours} for {', '.join(options)}" for ours, options in by_ours.items())
    return [
        *textwrap.wrap(
            "A setting is key=value (Hydra: +key=value adds one, ~key removes one, -m with key=a,b "
            "sweeps) or --key value (LightningCLI). --config FILE runs a file such as RUN/run.yaml "
            "alone. --trust PREFIX allows parts of that package in a checkpoint or a pipeline. "
            "trainer.NAME sets an option of Lightning's Trainer; textgan has other names for some: "
            f"{others}.",
            _COLUMNS,
        ),
        "",
        "More:",
        f"  textgan {verb} data=folder --help   every setting of a choice, of any group",
        f"  textgan {verb} --cfg job            the composed configuration, without a run",
        f"  textgan {verb} --model.help CLASS   the options of a class, by its full name",
        f"  textgan {verb} --help_all           every option of LightningCLI and of its Trainer",
    ]


def _shown(value: Any) -> str:
    if value == "???":
        return "(must be given)"
    return value if isinstance(value, str) else json.dumps(value)
