"""The command `textgan VERB ...`: two grammars for one configuration, and the other verbs.

For fit, validate, test and predict a bare `key=value` (`+key=value`, `~key`) is a Hydra override of
`conf/`, and `--key value` an option of LightningCLI, applied after it. Both name a setting by the
same path. `-m`, `--cfg`, `--info` and their like go to Hydra. With `--config FILE` Hydra is not
imported, and FILE alone is the configuration.
"""

import ast
import importlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from textgan import __version__
from textgan.conf_folder import choices
from textgan.errors import ConfigError, did_you_mean

LIGHTNING_VERBS = {
    "fit": "train a model",
    "validate": "measure a checkpoint on the val split",
    "test": "measure a checkpoint on the test split",
    "predict": "draw every caption of a text file",
}
_HYDRA_FLAGS = {
    **dict.fromkeys(("-m", "--multirun", "-r", "--run", "--resolve", "--hydra-help"), 0),
    **dict.fromkeys(
        ("--cfg", "-p", "--package", "-cn", "--config-name", "-cp", "--config-path"), 1
    ),
    **dict.fromkeys(("-cd", "--config-dir", "-i", "--info", "-sc", "--shell-completion"), 1),
}
_LIGHTNING_FLAGS = ("-h", "--help", "--print_config")
_INSPECTING = ("--cfg", "--info", "-i", "-sc", "--shell-completion", "--hydra-help")


@dataclass
class Words:
    """The words after the verb, by who reads them."""

    overrides: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)

    @property
    def sweep(self) -> bool:
        """Whether Hydra is to run several jobs."""
        return "-m" in self.flags or "--multirun" in self.flags

    @property
    def inspecting(self) -> bool:
        """Whether Hydra only shows something."""
        return any(flag.split("=")[0] in _INSPECTING for flag in self.flags)

    def has_option(self, *names: str) -> bool:
        """Whether one of these options of Lightning's is among them."""
        return any(option.split("=")[0] in names for option in self.options)

    def take_option(self, name: str) -> str | None:
        """Remove an option of Lightning's, and return its value; None where it is not given."""
        for place, option in enumerate(self.options):
            if option == name:
                return self.options.pop(place) and self.options.pop(place)
            if option.startswith(f"{name}="):
                return self.options.pop(place).split("=", 1)[1]
        return None


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 2 for a mistake in what was asked, which one sentence then says.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _dispatch(argv)
    except ConfigError as error:
        print(f"textgan: {error}", file=sys.stderr)
        if os.environ.get("TEXTGAN_TRACEBACK"):
            raise
        return 2


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if argv[0] == "--version":
        print(f"textgan {__version__}")
        return 0
    verb, rest = argv[0], argv[1:]
    if verb in LIGHTNING_VERBS:
        return _lightning(verb, rest)
    if verb not in commands():
        known = [*LIGHTNING_VERBS, *commands()]
        raise ConfigError(
            f"no such verb: {verb!r}{did_you_mean(verb, known)} (textgan --help lists them)"
        )
    return importlib.import_module(f"textgan.command.{verb}").main(rest)


def _lightning(verb: str, argv: list[str]) -> int:
    words = split(argv)
    alone = words.has_option("--config", "-c", "-h", "--help") or _asks_class_help(words)
    if alone:
        if words.overrides or words.flags:
            first = (words.overrides + words.flags)[0]
            beside = words.options[0]
            raise ConfigError(f"{first!r} cannot stand beside {beside}: write it as --key value")
        if words.has_option("-h", "--help"):
            print(_grammars(verb), flush=True)
        from textgan.run import launch

        return launch(verb, words.options)
    from textgan.composition import compose_and_run

    return compose_and_run(verb, words)


def _asks_class_help(words: Words) -> bool:
    return any(option.split("=")[0].endswith(".help") for option in words.options)


def split(argv: list[str]) -> Words:
    """Sort the words after the verb.

    Raises:
        ConfigError: a word that neither grammar has.
    """
    words, queue = Words(), list(argv)
    while queue:
        word = queue.pop(0)
        name = word.split("=")[0]
        if name in _HYDRA_FLAGS:
            target, values = words.flags, _HYDRA_FLAGS[name]
        elif word.startswith("--") or word in ("-c", "-h"):
            target, values = words.options, 0 if name in _LIGHTNING_FLAGS else 1
        elif "=" in word or word.startswith("~"):
            target, values = words.overrides, 0
        else:
            raise ConfigError(f"{word!r} is neither key=value nor --key value")
        target.append(word)
        if values and "=" not in word:
            if not queue:
                raise ConfigError(f"{word} needs a value")
            target.append(queue.pop(0))
    return words


def commands() -> dict[str, str]:
    """The other verbs, each with the first line of its file's docstring; nothing is imported."""
    folder = Path(__file__).with_name("command")
    found = {}
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first = said.split("\n")[0].rstrip(".")
            found[path.stem] = first[:1].lower() + first[1:]
    return found


def _grammars(verb: str) -> str:
    """What Lightning's own help lacks: the other grammar, and the choices of each group."""
    lines = [f"  {group}={', '.join(names)}" for group, names in choices().items()]
    return "\n".join(
        [
            f"textgan {verb}: {LIGHTNING_VERBS[verb]}.",
            "",
            "key=value overrides what conf/ composes, with these groups:",
            *lines,
            "-m sweeps over key=a,b; --cfg job shows the outcome; +key=value adds, ~key removes.",
            "--key value is one of the options below; --model.help CLASS shows those of a class.",
            "",
        ]
    )


def _overview() -> str:
    verbs = {**LIGHTNING_VERBS, **commands()}
    width = max(map(len, verbs))
    lines = [f"  {verb:<{width}}  {said}" for verb, said in verbs.items()]
    return "\n".join(
        [
            "textgan trains small text-to-image GANs on your own captioned pictures.",
            "",
            "usage: textgan VERB [key=value ...] [--key value ...]",
            "",
            *lines,
            "",
            "  textgan fit data=folder data.root=my/pictures     train on your pictures",
            '  textgan sample "a small red circle"               draw with the newest run',
            "  textgan fit --cfg job                             show the configuration",
            "  textgan VERB --help                               every setting of a verb",
            '  eval "$(textgan completion bash)"                 tab completion in this shell',
            "",
            "A mistake is said in one sentence; TEXTGAN_TRACEBACK=1 shows where it comes from.",
        ]
    )
