"""The command `textgan VERB ...`: two grammars for one configuration, and the other verbs.

For fit, validate, test and predict a bare `key=value` (`+key=value`, `~key`) is a Hydra override of
`conf/`, and `--key value` an option of LightningCLI, applied after it. Both name a setting by the
same path and take the same value: an option for something that Hydra composes becomes an override,
so that what hangs on it follows; class paths, `--print_config` and their like are LightningCLI's.
`-m`, `--cfg`, `--info` and their like go to Hydra. With `--config FILE` Hydra is not imported, and
FILE alone is the configuration.
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
from textgan.process.stop import CLOSED_PIPE, Stop, signals, tell
from textgan.run.verbs import LIGHTNING_VERBS, commands
from textgan.run.words import Words, split


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the words; None takes those of the process, and prepares its streams.

    Returns:
        The exit status: 0; 2 for a mistake in what was asked, which one sentence then says; 128 and
        the signal's number where SIGTERM, SIGHUP, Ctrl-C or a closed pipe ended the command.
    """
    if argv is None:  # the process is the command's own
        streams.prepare()
        settle()
        argv = sys.argv[1:]
    logging.raiseExceptions = False  # a full disk is said once, not for each line of a log
    try:
        with signals.handled():
            status = _dispatch(argv)
            sys.stdout.flush()
            return status
    except Stop as stop:
        return _end(stop)
    except (ConfigError, OSError, MemoryError, RuntimeError) as error:
        said = str(error) if isinstance(error, ConfigError) else shortage(error)
        if said is None:
            raise
        tell(f"textgan: {said}")
        if os.environ.get("TEXTGAN_TRACEBACK"):
            raise
        return 2


def _end(stop: Stop) -> int:
    """The exit status of a command that a signal ended.

    A process that another one of this command started says nothing, and ends with status 0: after
    any other Lightning kills the parent. The parent gets the signal, which it may not have had,
    unless all processes have agreed to end.
    """
    if not is_child():
        if stop.signum != CLOSED_PIPE or stop.began:  # `textgan ... | head` ends in silence
            tell(f"textgan: {stop}")
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
            f"no such verb: {verb!r}{did_you_mean(verb, known)} (textgan --help lists them)"
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
            raise ConfigError(f"{first!r} cannot stand beside {beside}: write it as --key value")
        if words.trust:
            said = "whose file may name any class; it belongs to ckpt_path= and model=pipeline"
            raise ConfigError(f"--trust says nothing beside {words.options[0]}, {said}")
        from textgan.run.launch import launch

        return launch(verb, ["--help"] if shows_options else words.at_home())
    from textgan.composition.job import compose_and_run

    return compose_and_run(verb, words)


def _asks_class_help(words: Words) -> bool:
    return any(option.split("=")[0].endswith(".help") for option in words.options)


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
            "  textgan VERB --help                               the settings of a verb",
            '  eval "$(textgan completion bash)"                 tab completion in this shell',
            "",
            "A mistake is said in one sentence; TEXTGAN_TRACEBACK=1 shows where it comes from.",
        ]
    )
