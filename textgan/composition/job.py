"""Compose `conf/` for one job or a sweep, and start each job in Lightning with a `run.yaml`."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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
from textgan.composition.stages import STAGES
from textgan.errors import ConfigError, StoppedError
from textgan.process.stop import Stop
from textgan.run.converter import find_links, list_names, to_lightning
from textgan.run.folder import discard, writing
from textgan.run.words import Words

_last_sweep: list[Path] = []


def compose_and_run(verb: str, words: Words) -> int:
    """Compose and run one job, or several with `-m`; return 0, or raise ConfigError."""
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
        with _typed([*words.flags, *overrides]), _explained(_as_typed(overrides)):
            main(_job(verb, words, failed))()
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(sentence(error)) from error
    except ConfigError as error:
        raise ConfigError(_failures() or str(error)) from error
    if failed:
        raise failed[0]
    if words.sweep and (failures := _failures()):
        raise ConfigError(failures)
    return 0


class RememberSweep(Callback):
    """Hydra callback that remembers the folder of the sweep, which holds the failed jobs' files."""

    def on_multirun_start(self, config: DictConfig, **keywords: Any) -> None:
        """Remember the folder; Hydra calls it in the first process."""
        _last_sweep[:] = [Path(config.hydra.sweep.dir)]


@contextmanager
def _typed(argv: list[str]) -> Iterator[None]:
    """Set sys.argv, which Hydra reads, and make Hydra raise errors instead of printing them."""
    before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv, os.environ["HYDRA_FULL_ERROR"] = ["textgan", *argv], "1"
    try:
        yield
    finally:
        sys.argv = before[0]
        del os.environ["HYDRA_FULL_ERROR"]
        if before[1] is not None:
            os.environ["HYDRA_FULL_ERROR"] = before[1]


def _job(verb: str, words: Words, failed: list[ConfigError]) -> Callable[[DictConfig], Any]:
    """Return the function that Hydra calls for each job.

    The error of a single job is added to `failed`, because Hydra would print its own message about
    it. The error of a sweep's job is written to the job's folder, because the job may run in
    another process, and raised for the sweeper.
    """
    sweep, showing = words.sweep, words.has_option("--print_config")

    def job(config: DictConfig) -> float | None:
        from textgan.run.launch import launch_composed, show_composed

        folder = Path(HydraConfig.get().runtime.output_dir)
        typed = ["textgan", verb, *_as_typed(HydraConfig.get().overrides.task), *words.options]
        typed += [word for package in words.trust for word in ("--trust", package)]
        existed = set(folder.glob("*"))
        composing = HydraConfig.instance().cfg
        HydraConfig.instance().cfg = None  # otherwise Lightning starts DDP children through Hydra
        try:
            with _recorded_failure(folder) if sweep else nullcontext():
                run = _as_run(config)
                if showing:
                    return show_composed(verb, run, words.options)
                return launch_composed(verb, run, folder, words.options, typed)
        except Stop as stop:  # it ends a sweep too
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


@contextmanager
def _explained(overrides: list[str]) -> Iterator[None]:
    """Turn an error of Hydra, a launcher or a sweeper into a sentence; raise a job's error again.

    Every exception is caught, because launchers and sweepers are packages of their own, which may
    raise any of them.
    """
    try:
        yield
    except (ConfigError, HydraException, OmegaConfBaseException):
        raise
    except Exception as error:
        places = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
        in_job = ("job", __file__) in {(code.co_name, code.co_filename) for code in places}
        if in_job or _failures():
            raise
        if isinstance(error, OSError):
            with writing():  # Hydra makes the job's folder before it calls the job
                raise
        raise ConfigError(refusal(error, overrides)) from error


def _as_typed(overrides: list[str]) -> list[str]:
    """Return the overrides in the form that a user types."""
    return [override.removeprefix("++") for override in overrides]


@contextmanager
def _recorded_failure(folder: Path) -> Iterator[None]:
    """Write the error of a sweep's job into its folder, and raise it again."""
    try:
        yield
    except Exception as error:
        told = isinstance(error, ConfigError)
        text = str(error) if told else "".join(traceback.format_exception(error))
        with suppress(OSError):  # a full disk may be the reason
            (folder / "failed.txt").write_text(text, encoding="utf-8")
        print(f"textgan: {folder} failed: {text.strip().splitlines()[-1]}", file=sys.stderr)
        raise


def _failures() -> str:
    failed = sorted(path for folder in _last_sweep for path in folder.rglob("failed.txt"))
    if not failed:
        return ""
    names = ", ".join(str(path.parent) for path in failed[:5])
    return f"{len(failed)} of the sweep's jobs failed (see failed.txt in {names})"


def _as_run(config: DictConfig) -> dict[str, Any]:
    """Convert a composed configuration to the form of `run.yaml`."""
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
    for scalar, model in STAGES.items():
        needing = [place for place, link in links.items() if link == f"${{{scalar}}}"]
        if needing and scalars.get(scalar) is None:
            typed = scalar.removesuffix("_folder")
            raise ConfigError(
                f"{typed} must be given, as in {typed}=runs/.../pipeline, a folder that "
                f"textgan fit model={model} saved: {needing[0]} is read from it"
            )
    shared = {"scalars": scalars, "links": links, "lists": list_names(given)}
    return {**to_lightning(given), "composition": shared}
