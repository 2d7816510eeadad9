"""LightningCLI with run folders, errors in one sentence and a saved pipeline at the end."""

import argparse
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import yaml
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from textgan.callback.ending import Ending
from textgan.callback.model_summary import use_own_summary
from textgan.callback.switches import switched_on
from textgan.checkpoint.path import find_checkpoint
from textgan.checkpoint.reading import read_header
from textgan.errors import ConfigError
from textgan.logger import LogHyperparameters
from textgan.process.children import end_children, is_child, mark_parent
from textgan.process.stop import signals
from textgan.run import trainer_options
from textgan.run.agreement import check_agreement
from textgan.run.config_file import with_texts, write_yaml
from textgan.run.converter import to_hydra
from textgan.run.ending import MISTAKES, RunEnding, known_settings
from textgan.run.folder import (
    continued_run,
    free_name,
    new_run_folder,
    refuse_occupied,
    write_environment,
    writing,
)
from textgan.run.parse_error import explain


class FirstBatch(pl.Callback):
    """Records that the first batch is about to start.

    An error before it is a mistake of the user and becomes one sentence; an error after it is a bug
    and keeps its traceback.
    """

    def __init__(self) -> None:
        self.started = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = True

    on_validation_start = on_test_start = on_predict_start = on_train_start


class TextganCLI(RunEnding, LightningCLI):
    """Parser and runner of sys.argv, for a command and the run.yaml that Hydra composed, if any."""

    def __init__(self, *, command: list[str], composed: Path | None = None):
        self.command, self.composed, self.phase = command, composed, FirstBatch()
        # torch deprecates a function that Lightning calls; textgan cannot change that.
        warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
        # Lightning's table of parts has a size that assumes float32, which ours leaves out.
        warnings.filterwarnings("ignore", message="Precision .* is not supported by the model sum")
        quiet = {"exit_on_error": False}
        super().__init__(
            pl.LightningModule,
            pl.LightningDataModule,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={
                **trainer_options.DEFAULTS,
                "callbacks": [self.phase, LogHyperparameters()],
            },
            parser_kwargs={**quiet, **{verb: dict(quiet) for verb in self.subcommands()}},
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        text = "Folder of this run; by default a new one below ./runs."
        parser.add_argument("--run_dir", type=str | None, default=None, help=text)
        text = "Record of the values that several settings share; textgan writes it itself."
        parser.add_argument("--composition", type=dict | None, default=None, help=text)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        try:
            super().parse_arguments(parser, args)
        except argparse.ArgumentError as error:
            raise ConfigError(explain(str(error), known_settings())) from error
        self.here = self.config[self.config.subcommand]

    def _parse_ckpt_path(self) -> None:
        """Only check it, because Lightning lets its hyperparameters override the command line."""
        if self.here.get("ckpt_path") is not None:
            self.here.ckpt_path = find_checkpoint(self.here.ckpt_path)
            try:
                read_header(self.here.ckpt_path)
            except (ValueError, FileNotFoundError) as error:
                raise ConfigError(str(error)) from error

    def before_instantiate_classes(self) -> None:
        trainer_options.check(self.here.trainer.as_dict())
        if self.here.run_dir is None:
            continued = continued_run(self.config.subcommand, self.here.get("ckpt_path"))
            self.here.run_dir = str(continued or new_run_folder())
            sys.argv += ["--run_dir", self.here.run_dir]  # DDP starts its children from sys.argv
        if "weights_only" in self.here and self.here.weights_only is None:
            self.here.weights_only = True
        self.folder, self.plain = Path(self.here.run_dir), self._plain()
        self.existed = set(self.folder.glob("*"))
        check_agreement(self.plain)
        if rank_zero_only.rank == 0:
            if self.composed is None:
                refuse_occupied(self.config.subcommand, self.folder, self.here.get("ckpt_path"))
            with writing(self.folder):
                self._write_folder()
        loggers = self.here.trainer.logger
        for logger in loggers if isinstance(loggers, list) else [loggers]:
            if logger and "save_dir" in logger.get("init_args", {}):
                logger.init_args.save_dir = str(self.folder / (logger.init_args.save_dir or ""))

    def instantiate_classes(self) -> None:
        try:
            super().instantiate_classes()
        except (*MISTAKES, TypeError, ImportError, RuntimeError, MemoryError) as error:
            self.refuse_shortage(error)
            if isinstance(error, RuntimeError | MemoryError):
                raise
            self.refuse(error)
        composition = self.plain.get("composition") or {}
        kept = {key: self.plain.get(key) for key in ("seed_everything", "model", "data", "trainer")}
        hydra_style = to_hydra(kept, composition.get("lists", {}))
        self.model.composed_config = {**hydra_style, "composition": composition}
        if self.config.subcommand == "fit" and rank_zero_only.rank == 0:
            self.announce_foreign_parts()

    def instantiate_trainer(self, **keywords: Any) -> pl.Trainer:
        options = self.config_init[self.config.subcommand].trainer
        options.callbacks = switched_on(options.callbacks, options)
        trainer = super().instantiate_trainer(default_root_dir=str(self.folder), **keywords)
        if not any(isinstance(callback, Ending) for callback in trainer.callbacks):
            trainer.callbacks.append(
                Ending()
            )  # no Checkpoint, which is an Ending itself, was chosen
        launcher = trainer.strategy.launcher
        signals.at_once = partial(end_children, launcher)
        if not is_child():
            mark_parent()
        use_own_summary(trainer.callbacks)
        return trainer

    def _plain(self) -> dict[str, Any]:
        """Return the parsed configuration as plain values, without config and run_dir."""
        dumped = self.parser.dump(self.config, skip_unset=False, format="yaml")
        plain = with_texts(yaml.safe_load(dumped)[self.config.subcommand], self.here)
        return {key: value for key, value in plain.items() if key not in ("config", "run_dir")}

    def _write_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        unchanged = ["--config", str(self.composed), "--run_dir", str(self.folder)]
        if sys.argv[2:] != unchanged:  # options changed it: run.yaml must hold the result
            path = self.composed or free_name(self.folder / "run.yaml")
            write_yaml(path, self.plain)
        write_environment(self.folder, self.command, self.here.seed_everything)
