"""LightningCLI as `textgan` uses it: run folders, errors in one sentence, a pipeline at the end."""

import argparse
import inspect
import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

import pytorch_lightning as pl
import yaml
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from textgan.callback.model_summary import use_own_summary
from textgan.checkpoint import read_checkpoint
from textgan.converter import to_hydra
from textgan.errors import ConfigError, StoppedError
from textgan.logger import LogHyperparameters
from textgan.model.terms import NonFiniteLossError
from textgan.parse_error import explain
from textgan.run_folder import (
    continued_run,
    discard,
    free_name,
    new_run_folder,
    refuse_occupied,
    write_environment,
)

_MISTAKES = (ValueError, OSError, MisconfigurationException)


class Started(pl.Callback):
    """Whether the first batch is near.

    What fails before it is a mistake in what was asked, and one sentence; what fails after it is a
    bug, and a traceback.
    """

    def __init__(self) -> None:
        self.started = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = True

    on_validation_start = on_test_start = on_predict_start = on_train_start


class TextganCLI(LightningCLI):
    """Parses sys.argv and runs it.

    Args:
        command: what the user typed, for the record.
        composed: the run.yaml that Hydra composed, or None.
    """

    def __init__(self, *, command: list[str], composed: Path | None = None):
        self.command, self.composed, self.phase = command, composed, Started()
        # torch deprecates what Lightning calls; nobody here can do anything about it.
        warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
        quiet = {"exit_on_error": False}
        super().__init__(
            pl.LightningModule,
            pl.LightningDataModule,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={"callbacks": [self.phase, LogHyperparameters()]},
            parser_kwargs={**quiet, **{verb: dict(quiet) for verb in self.subcommands()}},
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        said = "Folder of this run; by default a new one below ./runs."
        parser.add_argument("--run_dir", type=str | None, default=None, help=said)
        said = "What several settings shared where this was composed; written by textgan itself."
        parser.add_argument("--composition", type=dict | None, default=None, help=said)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        try:
            super().parse_arguments(parser, args)
        except argparse.ArgumentError as error:
            raise ConfigError(explain(str(error), _known_settings())) from error
        self.here = self.config[self.config.subcommand]

    def _parse_ckpt_path(self) -> None:
        """Only look at it: in Lightning the checkpoint's hyperparameters beat the command line."""
        if self.here.get("ckpt_path") is not None:
            try:
                read_checkpoint(self.here.ckpt_path)
            except (ValueError, FileNotFoundError) as error:
                raise ConfigError(str(error)) from error

    def before_instantiate_classes(self) -> None:
        if self.here.run_dir is None:
            continued = continued_run(self.config.subcommand, self.here.get("ckpt_path"))
            self.here.run_dir = str(continued or new_run_folder())
            sys.argv += ["--run_dir", self.here.run_dir]  # DDP's children start from sys.argv
        if self.here.trainer.default_root_dir is not None:
            raise ConfigError("the run folder is set by --run_dir or hydra.run.dir, not by trainer")
        if "weights_only" in self.here and self.here.weights_only is None:
            self.here.weights_only = True
        self.folder, self.plain = Path(self.here.run_dir), self._plain()
        self.existed = set(self.folder.glob("*"))
        if rank_zero_only.rank == 0:
            if self.composed is None:
                refuse_occupied(self.config.subcommand, self.folder, self.here.get("ckpt_path"))
            self._write_folder()
        loggers = self.here.trainer.logger
        for logger in loggers if isinstance(loggers, list) else [loggers]:
            if logger and "save_dir" in logger.get("init_args", {}):
                logger.init_args.save_dir = str(self.folder / (logger.init_args.save_dir or ""))

    def instantiate_classes(self) -> None:
        try:
            super().instantiate_classes()
        except (*_MISTAKES, TypeError) as error:
            self._refuse(error)
        composition = self.plain.get("composition") or {}
        kept = {key: self.plain.get(key) for key in ("seed_everything", "model", "data", "trainer")}
        hydra_style = to_hydra(kept, composition.get("lists", {}))
        self.model.composed_config = {**hydra_style, "composition": composition}

    def instantiate_trainer(self, **keywords: Any) -> pl.Trainer:
        trainer = super().instantiate_trainer(default_root_dir=str(self.folder), **keywords)
        use_own_summary(trainer.callbacks)
        return trainer

    def after_fit(self) -> None:
        if not self.trainer.is_global_zero:
            return
        pipeline = self.folder / "pipeline"
        self.model.pipeline().save_pretrained(pipeline)
        if callable(getattr(self.datamodule, "summary", None)):
            print(self.datamodule.summary())
        self._name_grid()
        self._say_next(pipeline)

    def after_test(self) -> None:
        if not self.trainer.is_global_zero:
            return
        source = self.here.ckpt_path or getattr(self.model, "path", None)
        from textgan.evaluation.page import save  # imports matplotlib

        report = self.model.report(source=source)
        for path in save(report, self.folder):
            print(f"written: {_short(path)}")
        if not report.protocols and not report.skipped:
            print("no metric was asked for: 'metric=[standard]' measures any data set")
        self._name_grid()
        if self.here.ckpt_path is not None:
            self._say_next(Path(self.here.ckpt_path))

    def _say_next(self, model: Path) -> None:
        print(f"next: textgan {self.model.pipeline().next_command} --model {_short(model)}")

    def _name_grid(self) -> None:
        grids = sorted((self.folder / "samples").glob("*.png"))
        if grids:
            print(f"the last picture: {_short(grids[-1])}")

    def after_predict(self) -> None:
        if self.trainer.is_global_zero:
            print(f"drawn into {_short(self.folder / 'predictions')}")

    def _run_subcommand(self, subcommand: str) -> None:
        try:
            super()._run_subcommand(subcommand)
        except (NonFiniteLossError, FloatingPointError) as error:
            raise StoppedError(_one_line(error)) from error
        except ConfigError as error:
            if self.phase.started:
                raise StoppedError(str(error)) from error
            raise
        except (*_MISTAKES, RuntimeError) as error:
            unfit = str(error).startswith("Error(s) in loading state_dict")
            if self.phase.started or (isinstance(error, RuntimeError) and not unfit):
                raise
            self._refuse(error)

    def _refuse(self, error: Exception) -> NoReturn:
        """End a run that never began: no folder, one sentence."""
        if rank_zero_only.rank == 0:
            discard(self.folder, self.existed)
        raise ConfigError(_one_line(error)) from error

    def _plain(self) -> dict[str, Any]:
        """What was parsed, as plain values, without what belongs to this run alone."""
        dumped = self.parser.dump(self.config, skip_unset=False, format="yaml")
        plain = yaml.safe_load(dumped)[self.config.subcommand]
        return {key: value for key, value in plain.items() if key not in ("config", "run_dir")}

    def _write_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unchanged = ["--config", str(self.composed), "--run_dir", str(self.folder)]
        if sys.argv[2:] != unchanged:  # options stood beside it: run.yaml says what they came to
            path = self.composed or free_name(self.folder / "run.yaml")
            text = yaml.safe_dump(self.plain, sort_keys=False, allow_unicode=True)
            path.write_text(text, encoding="utf-8")
        write_environment(self.folder, self.command, self.here.seed_everything)


def _one_line(error: Exception) -> str:
    said = str(error)
    if said.startswith("Error(s) in loading state_dict"):
        what = [line.strip() for line in said.splitlines()[1:]]
        return f"the checkpoint does not fit this model: {what[0]}" if what else said
    return explain(said, _known_settings()) or type(error).__name__


def _known_settings() -> list[str]:
    trainer = [f"trainer.{name}" for name in inspect.signature(pl.Trainer).parameters]
    return [
        *trainer,
        *["model", "data", "trainer", "seed_everything", "ckpt_path", "config", "run_dir"],
    ]


def _short(path: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
