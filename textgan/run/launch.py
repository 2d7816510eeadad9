"""Start of a job in LightningCLI, as if its command had been typed in a new process."""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import torch

from textgan.checkpoint.upgrade import upgraded_config
from textgan.errors import ConfigError, StoppedError
from textgan.file.limits import Limits, read_yaml
from textgan.process.stop import Stop, signals
from textgan.run.config_file import write_yaml
from textgan.run.folder import free_name, refuse_occupied, writing
from textgan.run.lightning_cli import TextganCLI
from textgan.run.words import Words

_RUN_YAML = Limits(values=50_000)
_NAMING_FILES = ("c", "config", "model", "data", "trainer")  # options that may name a YAML file


def launch(verb: str, options: list[str]) -> int:
    """Run LightningCLI with options alone (`textgan fit --config run.yaml`) -> exit status."""
    _check_files(options)
    with _as_typed([verb, *options]):
        try:
            TextganCLI(command=["textgan", verb, *options])
        except Stop:
            raise
        except SystemExit as done:  # the end of --help and --print_config
            return int(done.code or 0)
    return 0


def _check_files(options: list[str]) -> None:
    """Raise ConfigError for a YAML file with too many values, before LightningCLI reads it."""
    for name, value in Words(options=options).pairs():
        is_file = name in _NAMING_FILES and value is not None and os.path.isfile(value)  # noqa: PTH113
        if is_file:
            try:
                found = read_yaml(Path(value), limits=_RUN_YAML)
                if name in ("c", "config") and isinstance(found, dict):
                    _check_release(value, found)
            except (OSError, ValueError) as error:
                raise ConfigError(f"--{name}: {error}") from error


def _check_release(file: str, config: dict[str, Any]) -> None:
    """Raise a ValueError for a configuration that an earlier release wrote."""
    if upgraded_config(config) != config:
        again = f"textgan convert {shlex.quote(file)} {shlex.quote(f'{file}.new.yaml')}"
        raise ValueError(f"{file} was written by an earlier release; convert it: {again}")


def launch_composed(
    verb: str, config: dict[str, Any], folder: Path, options: list[str], command: list[str]
) -> float | None:
    """Write a composed configuration into its run folder and run it.

    LightningCLI's own options change the configuration; the command is what the user typed, for the
    record.

    Returns:
        The metric that `objective` names, for a sweep to minimise; None if it names none.
    """
    refuse_occupied(verb, folder, config.get("ckpt_path"))
    objective = config["composition"]["scalars"].get("objective")
    _check_objective(objective, config)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = free_name(folder / "run.yaml")
        write_yaml(path, config)
    typed = [verb, "--config", str(path), *options, "--run_dir", str(folder)]
    with signals.handled(), _as_typed(typed):  # a process of a launcher has no handlers yet
        cli = TextganCLI(command=command, composed=path)
    if objective is None:
        return None
    metrics = cli.trainer.callback_metrics
    if objective not in metrics:
        known = ", ".join(sorted(metrics))
        raise StoppedError(f"objective must be one of the metrics {known}, got {objective!r}")
    return float(metrics[objective])


def _check_objective(objective: str | None, config: dict[str, Any]) -> None:
    """Raise ConfigError before the training if no metric of that name will be computed."""
    kind, _, rest = (objective or "").partition("/")
    metrics = config["model"]["init_args"].get("metrics") or {}
    if kind == "val" and rest.split("/")[0] not in metrics:
        known = ", ".join(f"val/{name}" for name in metrics) or "none"
        raise ConfigError(
            f"objective must begin with one of the metrics {known}, got {objective!r}"
        )


def show_composed(verb: str, config: dict[str, Any], options: list[str]) -> None:
    """Print a composed configuration in LightningCLI's form (--print_config)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        write_yaml(path, config)
        launch(verb, ["--config", str(path), *options])


@contextmanager
def _as_typed(argv: list[str]) -> Iterator[None]:
    """Make the process look like `python -m textgan ARGV`, and restore its state afterwards.

    DDP starts its children from sys.argv and from the main module's spec, which joblib and submitit
    have set to their own. The environment is restored because LOCAL_RANK and MASTER_PORT of one job
    of a sweep would make the next job look like a child process.
    """
    module = sys.modules["__main__"]
    argv_before, spec_before = sys.argv, getattr(module, "__spec__", None)
    environment_before = dict(os.environ)
    sys.argv, module.__spec__ = ["textgan", *argv], ModuleSpec("textgan.__main__", None)
    try:
        yield
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        wandb = sys.modules.get("wandb")
        if wandb is not None and wandb.run is not None:
            wandb.finish()
        sys.argv, module.__spec__ = argv_before, spec_before
        for name in set(os.environ) - set(environment_before):
            del os.environ[name]
        os.environ.update(environment_before)
