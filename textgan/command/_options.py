"""Options of commands: those that a pipeline declares, and those that not every kind of job has."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textgan.command._parser import Parser
from textgan.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from textgan.pipeline import Pipeline


def declared_options(abilities: Iterable[str]) -> str:
    """Describe the options of each class of pipelines with one of the abilities; imports torch."""
    from textgan import pipeline

    classes = [cls for cls in vars(pipeline).values() if isinstance(cls, type)]
    able = [cls for cls in classes if {*abilities} & getattr(cls, "abilities", frozenset())]
    listed = [
        f"--{option.name} of a {cls.__name__} ({option.help} Default: {option.default:g})"
        for cls in able
        for option in cls.options
    ]
    return f"A model's own options are given in the same way: {', '.join(listed)}."


def own_options(
    pipeline: "Pipeline", given: dict[str, str], ability: str, kind: str, parser: Parser
) -> dict[str, float]:
    """Return the options of the pipeline itself, name -> value; raise ConfigError for others.

    Args:
        pipeline: declares them.
        given: name, which may be abbreviated, -> value as typed.
        ability: that the options are for.
        kind: what the user typed to choose this ability, for messages.
        parser: of the command, whose options may have been meant.
    """
    values, declared = {}, {option.name: option for option in pipeline.options}
    for word, text in given.items():
        names = [word] if word in declared else [n for n in declared if n.startswith(word)]
        if len(names) != 1:
            own = [f"--{name}" for name in declared]
            near = did_you_mean(f"--{word}", [*parser.options, *own])
            has = f"has {' and '.join(own) or 'no options of its own'}"
            model = type(pipeline).__name__
            raise ConfigError(f"no such option: '--{word}'; this {model} {has}{near}")
        option = declared[names[0]]
        if not option.belongs_to(ability):
            raise ConfigError(f"--{option.name} has no effect with {kind}")
        try:
            values[option.name] = option.parse(text)
        except ValueError as error:
            raise ConfigError(f"--{error}") from error
    return values


def only_kind(chosen: dict[str, bool], what: str) -> str:
    """Return the one option that chooses the kind of job, or "" if there is none.

    Args:
        chosen: option -> whether it is given.
        what: the kinds are of, for the ConfigError if there are two.
    """
    found = [name for name, is_chosen in chosen.items() if is_chosen]
    if len(found) > 1:
        raise ConfigError(f"{found[0]} cannot be used with {found[1]}: choose one kind of {what}")
    return found[0] if found else ""


def settle(
    words: argparse.Namespace, kind: str, effects: Iterable[tuple[str, Any, tuple[str, ...]]]
) -> None:
    """Set defaults, and raise ConfigError for a given option that has no effect.

    Args:
        words: as parsed, where an option that is not given is None or False.
        kind: of the job.
        effects: name of an option, its default, and the kinds in which it has an effect.
    """
    for option, default, kinds in effects:
        given = getattr(words, option)
        is_given = given is not None and given is not False
        if is_given and kind not in kinds:
            where = f"with {kind}" if kind else f"without {' or '.join(filter(None, kinds))}"
            raise ConfigError(f"--{option} has no effect {where}")
        setattr(words, option, given if is_given else default)
