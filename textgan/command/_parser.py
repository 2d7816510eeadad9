"""Argument parser of the verbs that do not use LightningCLI."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from textgan.errors import ConfigError, did_you_mean

_OPTION = re.compile(r"--[A-Za-z][\w-]*(=.*)?", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """Argparse parser that accepts texts with a leading dash and reports errors in one sentence.

    A word is an option if this parser has it, or if it looks like one: `--word`. Every other word
    is a text, such as `-red`, and so is the value after an option that takes one.

    Args:
        keeps_unknown: whether options that this parser lacks are accepted. Each takes a value, and
            they are collected in `unknown` of the result, name -> value.
    """

    def __init__(self, *args: Any, keeps_unknown: bool = False, **keywords: Any) -> None:
        self._takes_value: dict[str, bool] = {}
        self._keeps_unknown = keeps_unknown
        super().__init__(*args, **keywords)

    @property
    def options(self) -> list[str]:
        """The names of all options, with their dashes."""
        return [*self._takes_value]

    def add_argument(self, *names: Any, **keywords: Any) -> argparse.Action:
        """Add an argument as in argparse, and remember its option."""
        action = super().add_argument(*names, **keywords)
        self._takes_value |= dict.fromkeys(action.option_strings, action.nargs != 0)
        return action

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse for `parse_args` by this class's rules; a mistake raises ConfigError."""
        unknown: dict[str, str] = {}
        args = None if args is None else self._sorted(args, unknown)
        words, rest = super().parse_known_args(args, namespace)
        words.unknown = unknown
        return words, rest

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError with argparse's message instead of printing the usage."""
        raise ConfigError(f"{message} ({self.prog} --help)")

    def _sorted(self, args: Sequence[str], unknown: dict[str, str]) -> list[str]:
        """Return the options, each with its value in one word, then `--` and the texts."""
        options, texts, queue = [], [], list(args)
        while queue:
            word = queue.pop(0)
            if word == "--":
                texts += queue
                break
            name, equals, value = word.partition("=")
            option, is_option = self._full(name), _OPTION.fullmatch(word) is not None
            if option is None and not is_option:
                texts.append(word)
                continue
            if option is None and not self._keeps_unknown:
                self.error(f"no such option: {name!r}{did_you_mean(name, self.options)}")
            if not equals and (option is None or self._takes_value[option]):
                if not queue or self._full(queue[0].partition("=")[0]) is not None:
                    self.error(f"{option or name} needs a value")
                value, equals = queue.pop(0), "="
            if option is None:
                unknown[name.removeprefix("--")] = value
            else:
                options.append(f"{option}{equals}{value}")
        return [*options, *(["--", *texts] if texts else [])]

    def _full(self, name: str) -> str | None:
        """Return the option that a word names; as in argparse, it may be abbreviated."""
        if name in self._takes_value:
            return name
        near = [option for option in self._takes_value if option.startswith(name)]
        return near[0] if len(near) == 1 and re.match("--.", name) else None
