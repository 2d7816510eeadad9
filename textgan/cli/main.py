"""The command `textgan VERB ...`.

For fit, validate, test and predict, `key=value` (`+key=value`, `~key`) is a Hydra override of
`conf/`, and `--key value` is an option of LightningCLI, which is applied later. Both use the same
path and value for a setting: an option for a setting that Hydra composes becomes an override, so
that dependent settings follow it. LightningCLI reads class paths, `--print_config` and the like;
Hydra reads `-m`, `--cfg`, `--info` and the like. With `--config FILE`, FILE alone is the
configuration, and Hydra is not imported.
"""

import importlib
import logging
import os
import sys

from textgan import __version__
from textgan.errors import ConfigError, did_you_mean
from textgan.file.home import settle
from textgan.process import streams
from textgan.process.children import is_child
from textgan.process.shortage import shortage
from textgan.process.stop import CLOSED_PIPE, Stop, print_error, signals
from textgan.run.verbs import LIGHTNING_VERBS, commands
from textgan.run.words import Words, split


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Without words it takes those of the process, and prepares its streams. The exit status is 0; 2
    after a mistake of the user, with one sentence about it; 128 plus the signal's number if
    SIGTERM, SIGHUP, Ctrl-C or a closed pipe ended the command.
    """
    if argv is None:  # the process runs only this command
        streams.prepare()
        settle()
        argv = sys.argv[1:]
    logging.raiseExceptions = False  # a full disk is reported once, not for each log line
    try:
        with signals.handled():
            status = _dispatch(argv)
            sys.stdout.flush()
            return status
    except Stop as stop:
        return _end(stop)
    except (ConfigError, OSError, MemoryError, RuntimeError) as error:
        sentence = str(error) if isinstance(error, ConfigError) else shortage(error)
        if sentence is None:
            raise
        print_error(f"textgan: {sentence}")
        if os.environ.get("TEXTGAN_TRACEBACK"):
            raise
        return 2


def _end(stop: Stop) -> int:
    """Return the exit status of a command that a signal ended.

    A child process of this command prints nothing and ends with status 0, because Lightning kills
    the parent after any other status. The child sends the signal to its parent, which may not have
    received it, unless all processes have agreed to end.
    """
    if not is_child():
        if stop.signum != CLOSED_PIPE or stop.began:  # `textgan ... | head` prints no message
            print_error(f"textgan: {stop}")
        return 128 + stop.signum
    if not stop.began:
        os.kill(os.getppid(), stop.signum)
    return 0


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
            f"no such verb: {verb!r}{did_you_mean(verb, known)} (textgan --help lists all verbs)"
        )
    return importlib.import_module(f"textgan.command.{verb}").main(rest)


def _lightning(verb: str, argv: list[str]) -> int:
    words = split(argv)
    if words.has_option("-h", "--help"):
        from textgan.cli.help import verb_help

        print(verb_help(verb, LIGHTNING_VERBS[verb], words.overrides))
        return 0
    shows_options = words.has_option("--help_all")
    alone = shows_options or words.has_option("--config", "-c") or _asks_class_help(words)
    if alone:
        if words.overrides or words.flags:
            first = (words.overrides + words.flags)[0]
            beside = words.options[0]
            raise ConfigError(f"{first!r} cannot be used with {beside}: write it as --key value")
        if words.trust:
            rule = "any class is allowed there; use --trust with ckpt_path= and model=pipeline"
            raise ConfigError(f"--trust has no effect with {words.options[0]}: {rule}")
        from textgan.run.launch import launch

        return launch(verb, ["--help"] if shows_options else words.with_home_folders())
    from textgan.composition.job import compose_and_run

    return compose_and_run(verb, words)


def _asks_class_help(words: Words) -> bool:
    return any(option.split("=")[0].endswith(".help") for option in words.options)


def _overview() -> str:
    verbs = {**LIGHTNING_VERBS, **commands()}
    width = max(map(len, verbs))
    lines = [f"  {verb:<{width}}  {text}" for verb, text in verbs.items()]
    return "\n".join(
        [
            "textgan trains small text-to-image GANs on your own captioned images.",
            "",
            "usage: textgan VERB [key=value ...] [--key value ...]",
            "",
            *lines,
            "",
            "  textgan fit data=folder data.root=my/images       train on your images",
            '  textgan sample "a small red circle"               sample from the newest run',
            "  textgan fit --cfg job                             show the configuration",
            "  textgan VERB --help                               the settings of a verb",
            '  eval "$(textgan completion bash)"                 tab completion in this shell',
            "",
            "An error is one sentence; TEXTGAN_TRACEBACK=1 also shows where it was raised.",
        ]
    )
