"""Reading the words of a verb that LightningCLI has no part in."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from textgan.errors import ConfigError, did_you_mean

_OPTION = re.compile(r"--[A-Za-z][\w-]*(=.*)?", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """An argparse parser whose texts may begin with a dash, and whose errors are one sentence.

    A word is an option where it is one of this parser's, or looks like one: `--word`. Each other
    word is a text, `-red` too, and so is what follows an option that takes a value.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        self._takes_value: dict[str, bool] = {}
        super().__init__(*args, **keywords)

    def add_argument(self, *names: Any, **keywords: Any) -> argparse.Action:
        """As argparse's; it remembers which options there are."""
        action = super().add_argument(*names, **keywords)
        self._takes_value |= dict.fromkeys(action.option_strings, action.nargs != 0)
        return action

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse's, which `parse_args` calls.

        Raises:
            ConfigError: an option does not exist, or a word is missing or of the wrong kind.
        """
        return super().parse_known_args(None if args is None else self._sorted(args), namespace)

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError with argparse's message, instead of printing the usage."""
        raise ConfigError(f"{message} ({self.prog} --help)")

    def _sorted(self, args: Sequence[str]) -> list[str]:
        """Options, each with its value in one word, then `--` and the texts."""
        options, texts, queue = [], [], list(args)
        while queue:
            word = queue.pop(0)
            if word == "--":
                texts += queue
                break
            name, equals, _ = word.partition("=")
            if (option := self._full(name)) is None:
                if _OPTION.fullmatch(word):
                    near = did_you_mean(name, [*self._takes_value])
                    self.error(f"no such option: {name!r}{near}")
                texts.append(word)
            elif self._takes_value[option] and not equals:
                if not queue or self._full(queue[0].partition("=")[0]) is not None:
                    self.error(f"{option} needs a value")
                options.append(f"{option}={queue.pop(0)}")
            else:
                options.append(word)
        return [*options, *(["--", *texts] if texts else [])]

    def _full(self, name: str) -> str | None:
        """The option that a word names, which may be cut short as argparse allows it."""
        if name in self._takes_value:
            return name
        near = [option for option in self._takes_value if option.startswith(name)]
        return near[0] if len(near) == 1 and re.match("--.", name) else None
