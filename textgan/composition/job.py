"""Compose `conf/`, one job or a sweep of them, and hand each to Lightning as a `run.yaml`."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from textgan.composition.checkpoint import start_from_checkpoint
from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import SECTIONS
from textgan.composition.message import refusal, sentence
from textgan.composition.overrides import first_pass, second_pass, value_of
from textgan.composition.scalars import check_scalars
from textgan.errors import ConfigError, StoppedError
from textgan.process.stop import Stop
from textgan.run.converter import find_links, list_names, to_lightning
from textgan.run.folder import discard, writing
from textgan.run.words import Words

_last_sweep: list[Path] = []


def compose_and_run(verb: str, words: Words) -> int:
    """Compose and run one job, or several with `-m`; returns the exit status.

    Raises:
        ConfigError: what was asked cannot be composed or run, or a job of the sweep failed.
    """
    overrides, words = first_pass(verb, words)
    checkpoint, name = value_of("ckpt_path", overrides), "config"
    if checkpoint is not None:
        name = start_from_checkpoint(checkpoint, overrides, words)
    overrides, options = second_pass(name, overrides, words)
    words = replace(words, options=options)
    main = hydra.main(config_path=str(conf_folder()), config_name=name, version_base="1.3")
    failed: list[ConfigError] = []
    _last_sweep.clear()
    try:
        with _typed([*words.flags, *overrides]), _WordOfRefusal(overrides):
            main(_job(verb, words, failed))()
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(sentence(error)) from error
    except ConfigError as error:
        raise ConfigError(_failures() or str(error)) from error
    if failed:
        raise failed[0]
    if words.sweep and (said := _failures()):
        raise ConfigError(said)
    return 0


class RememberSweep(Callback):
    """Remembers the folder of the sweep, where the jobs that failed have left word."""

    def on_multirun_start(self, config: DictConfig, **keywords: Any) -> None:
        """Hydra calls it in the process that was typed."""
        _last_sweep[:] = [Path(config.hydra.sweep.dir)]


@contextmanager
def _typed(argv: list[str]) -> Iterator[None]:
    """Hydra reads sys.argv, and prints a traceback of its own unless told to raise."""
    before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv, os.environ["HYDRA_FULL_ERROR"] = ["textgan", *argv], "1"
    try:
        yield
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before[1]


def _job(verb: str, words: Words, failed: list[ConfigError]) -> Callable[[DictConfig], Any]:
    """What Hydra calls for each job.

    A single job's mistake goes into `failed`, as Hydra would print words of its own about it. A
    sweep's is left in the job's folder, since the job may run in another process, and raised, so
    that the sweeper knows.
    """
    sweep, showing = words.sweep, words.has_option("--print_config")

    def job(config: DictConfig) -> float | None:
        from textgan.run.launch import launch_composed, show_composed

        folder = Path(HydraConfig.get().runtime.output_dir)
        typed = ["textgan", verb, *_as_asked(HydraConfig.get().overrides.task), *words.options]
        typed += [word for package in words.trust for word in ("--trust", package)]
        existed = set(folder.glob("*"))
        composing = HydraConfig.instance().cfg
        HydraConfig.instance().cfg = None  # else Lightning starts its DDP children through Hydra
        try:
            with _WordOfFailure(folder) if sweep else nullcontext():
                run = _as_run(config)
                if showing:
                    return show_composed(verb, run, words.options)
                return launch_composed(verb, run, folder, words.options, typed)
        except Stop as stop:  # which ends a sweep, too
            if not stop.began:
                discard(folder, existed)
            raise
        except ConfigError as error:
            if sweep:
                raise
            if not isinstance(error, StoppedError):
                discard(folder, existed)
            failed.append(error)
            return None
        finally:
            HydraConfig.instance().cfg = composing

    return job


class _WordOfRefusal(AbstractContextManager[None]):
    """Turns what Hydra, a launcher or a sweeper raises into a sentence; a job's error goes on.

    Launchers and sweepers are packages of their own, which raise whatever they like.
    """

    def __init__(self, overrides: list[str]):
        self.overrides = _as_asked(overrides)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        ours = (ConfigError, HydraException, OmegaConfBaseException)
        if not isinstance(error, Exception) or isinstance(error, ours):
            return
        places = [frame.f_code for frame, _ in traceback.walk_tb(trace)]
        in_job = ("job", __file__) in {(code.co_name, code.co_filename) for code in places}
        if not in_job and not _failures():
            if isinstance(error, OSError):
                with writing():  # Hydra makes the job's folder before it calls the job
                    raise error
            raise ConfigError(refusal(error, self.overrides)) from error


def _as_asked(overrides: list[str]) -> list[str]:
    """Overrides as one would type them."""
    return [override.removeprefix("++") for override in overrides]


class _WordOfFailure(AbstractContextManager[None]):
    """Leaves in a sweep job's folder why it failed; the error goes on."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception):
            told = isinstance(error, ConfigError)
            said = str(error) if told else "".join(traceback.format_exception(error))
            with suppress(OSError):  # a full disk may be the reason
                (self.folder / "failed.txt").write_text(said, encoding="utf-8")
            last = said.strip().splitlines()[-1]
            print(f"textgan: {self.folder} failed: {last}", file=sys.stderr)


def _failures() -> str:
    failed = sorted(path for folder in _last_sweep for path in folder.rglob("failed.txt"))
    if not failed:
        return ""
    names = ", ".join(str(path.parent) for path in failed[:5])
    return f"{len(failed)} of the sweep's jobs failed (see failed.txt in {names})"


def _as_run(config: DictConfig) -> dict[str, Any]:
    """A composed configuration as `run.yaml` has it."""
    check_scalars(config)
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError(sentence(error)) from error
    unresolved = OmegaConf.to_container(config, resolve=False)
    scalars = {key: value for key, value in plain.items() if key not in SECTIONS}
    given = {key: plain[key] for key in SECTIONS if plain.get(key) is not None}
    if "model" not in given:
        raise ConfigError("a model must be given, as in model=gan")
    links = find_links({key: unresolved[key] for key in given})
    needing = [place for place, link in links.items() if link == "${encoders}"]
    if needing and scalars.get("encoders") is None:
        raise ConfigError(
            "encoders must be given, as in encoders=runs/.../pipeline, a folder that "
            f"textgan fit model=contrastive saved: {needing[0]} is to be read from it"
        )
    shared = {"scalars": scalars, "links": links, "lists": list_names(given)}
    return {**to_lightning(given), "composition": shared}
