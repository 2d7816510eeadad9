"""End of a run: its results, the next command, or the reason why it stopped early."""

import inspect
import re
import shlex
from pathlib import Path
from typing import NoReturn

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from textgan.checkpoint.finite import not_finite
from textgan.checkpoint.path import checkpoints
from textgan.checkpoint.reading import read_checkpoint
from textgan.errors import ConfigError, StoppedError
from textgan.file.home import short
from textgan.logger.trouble import explain_logger, logger_errors
from textgan.pretrained.trust import packages_to_trust
from textgan.process.children import end_children
from textgan.process.shortage import shortage
from textgan.process.stop import Stop, name_of, signals
from textgan.run.folder import discard
from textgan.run.next_command import next_command
from textgan.run.parse_error import explain
from textgan.training.terms import NonFiniteLossError

MISTAKES = (ValueError, OSError, MisconfigurationException)
_UNFIT_STATE = (AttributeError, IndexError, KeyError, TypeError)  # raised while it is restored

_MISFITS = {
    "size mismatch": "have another shape",
    "Missing key": "are only in the model",
    "Unexpected key": "are only in the checkpoint",
}


class RunEnding:
    """Part of `TextganCLI` that handles the end of a run, with or without an error."""

    def after_fit(self) -> None:
        if not self.trainer.is_global_zero:
            return
        pipeline = self._save_pipeline()
        if callable(getattr(self.datamodule, "summary", None)):
            print(self.datamodule.summary())
        self._print_last_grid()
        self._print_next_command(pipeline)

    def _save_pipeline(self) -> Path:
        """Save the pipeline and return its folder; weights that are not finite are refused."""
        folder, pipeline = self.folder / "pipeline", self.model.pipeline()
        if (broken := not_finite(pipeline.named_parameters())) is not None:
            raise StoppedError(f"{broken} is not finite, so {short(folder)} was not written")
        pipeline.save_pretrained(folder)
        return folder

    def after_test(self) -> None:
        if not self.trainer.is_global_zero:
            return
        source = self.here.ckpt_path or getattr(self.model, "path", None)
        from textgan.evaluation.page import save  # imports matplotlib

        report = self.model.report(source=source)
        for path in save(report, self.folder):
            print(f"written: {short(path)}")
        if not report.protocols and not report.skipped:
            print("no metric was chosen: 'metric=[standard]' evaluates on any data set")
        self._print_last_grid()
        if self.here.ckpt_path is not None:
            self._print_next_command(Path(self.here.ckpt_path))

    def announce_foreign_parts(self) -> None:
        """Tell the user before the training that parts outside textgan need trust to be loaded."""
        asked = [package for package in self._foreign() if package not in self.command]
        if asked:
            names, options = " and ".join(asked), self._trust()
            print(
                f"{names} is outside textgan: loading a model of this run needs{options} on the "
                f"command line, or trust={tuple(asked)!r} in Python"
            )

    def _foreign(self) -> list[str]:
        """Return the packages other than textgan that define the model's parts."""
        try:
            return packages_to_trust(self.model.pipeline().config())
        except TypeError as error:  # an argument that no file can store
            self.refuse(error)

    def _trust(self) -> str:
        return "".join(f" --trust {package}" for package in self._foreign())

    def _print_next_command(self, model: Path) -> None:
        if (command := next_command(self.model.pipeline(), model)) is not None:
            print(f"next: {command}{self._trust()}")

    def _print_last_grid(self) -> None:
        grids = sorted((self.folder / "samples").glob("*.png"))
        if grids:
            print(f"last image grid: {short(grids[-1])}")

    def after_predict(self) -> None:
        if self.trainer.is_global_zero:
            print(f"images written to {short(self.folder / 'predictions')}")

    def _run_subcommand(self, subcommand: str) -> None:
        try:
            self._run_to_its_end(subcommand)
        except Stop as stop:
            self._end(stop)
        except (NonFiniteLossError, FloatingPointError) as error:
            raise StoppedError(f"{one_line(error)}{self._with_smaller_rate()}") from error
        except ConfigError as error:
            if self.phase.started:
                raise StoppedError(str(error)) from error
            raise
        except logger_errors() as error:
            if self.phase.started:
                raise StoppedError(explain_logger(error)) from error
            self.refuse(ConfigError(explain_logger(error)))
        except (*MISTAKES, RuntimeError, MemoryError) as error:
            self.refuse_shortage(error)
            unfit = str(error).startswith("Error(s) in loading state_dict")
            if self.phase.started or (isinstance(error, RuntimeError) and not unfit):
                raise
            self.refuse(error)
        except _UNFIT_STATE as error:
            if self.phase.started or self.here.get("ckpt_path") is None:
                raise
            reason = f"{type(error).__name__} {error}"[:200]
            unfit = f"{self.here.ckpt_path!r} does not fit this run: {reason}"
            raise ConfigError(unfit) from error
        if signals.asked:  # too late to stop anything
            sentence = f"{name_of(signals.asked)} was received after the end of the run"
            raise Stop(signals.asked, sentence, began=True)

    def _run_to_its_end(self, subcommand: str) -> None:
        """Run the verb; after an error, end the child processes too."""
        try:
            super()._run_subcommand(subcommand)
        except BaseException:
            if self.trainer.is_global_zero:
                agreed = self.phase.started and subcommand == "fit" and signals.asked
                end_children(self.trainer.strategy.launcher, seconds=5 if agreed else 0)
            raise

    def _end(self, stop: Stop) -> NoReturn:
        """End a run because of a signal, and tell the user which results were saved."""
        agreed = self.phase.started and self.config.subcommand == "fit"
        if not self.trainer.is_global_zero or not self.phase.started:
            stop.began = agreed
            raise stop
        raise Stop(stop.signum, f"{stop}{self._kept()}", began=True) from stop

    def _kept(self) -> str:
        """Save what is possible, and return the end of the sentence about it."""
        verb = self.config.subcommand
        if verb == "predict":
            return f"; the images until then are in {short(self.folder / 'predictions')}"
        if verb != "fit":
            return "; the evaluation is not complete, and was not written"
        last = self.folder / "last.ckpt"
        try:
            saved = f"the pipeline is in {short(self._save_pipeline())}"
        except (OSError, ValueError, StoppedError) as error:  # the exit status stays the signal's
            saved = f"no pipeline either: {one_line(error)}"
        if not last.is_file():
            return f"; no checkpoint was written; {saved}"
        again = f"textgan fit {shlex.quote(f'ckpt_path={short(last)}')}{self._trust()}"
        return f"; continue with: {again}"

    def _with_smaller_rate(self) -> str:
        """Return the end of a sentence: how to continue from the last good checkpoint."""
        if self.config.subcommand != "fit":
            return ""
        model = self.plain["model"].get("init_args", {})
        rates = {
            f"model.{name}.lr": part["init_args"]["lr"]
            for name, part in model.items()
            if name.endswith("optimizer") and isinstance(part, dict) and "init_args" in part
        }
        words = [f"{name}={rate / 10:.3g}" for name, rate in rates.items()]
        found = [path for path in checkpoints(self.folder) if _is_sound(path)]
        if not found:
            return f"; there is no good checkpoint yet: start again with {shlex.join(words)}"
        command = shlex.join(["textgan", "fit", f"ckpt_path={short(found[0])}", *words])
        return f"; continue from the last good checkpoint with: {command}{self._trust()}"

    def refuse_shortage(self, error: BaseException) -> None:
        """Raise ConfigError, or StoppedError after the start, for a shortage of memory or disk."""
        sentence = shortage(error)
        if sentence is None:
            return
        if "memory" in sentence and "loader" not in sentence:
            size = self.plain["data"].get("init_args", {}).get("batch_size")
            sentence += f": data.batch_size={size // 2} needs less" if size and size > 1 else ""
        elif not self.phase.started:
            sentence += "; hydra.run.dir=FOLDER names another run folder"
        elif self.config.subcommand == "fit":
            found = [short(path) for path in checkpoints(self.folder)]
            start = f"continue from {found[0]}, which is complete" if found else "nothing was saved"
            sentence += f"; {start}"
        if self.phase.started:
            raise StoppedError(sentence) from error
        self.refuse(error, sentence)

    def refuse(self, error: Exception, sentence: str | None = None) -> NoReturn:
        """Delete the folder of a run that never started, and raise ConfigError."""
        if rank_zero_only.rank == 0:
            discard(self.folder, self.existed)
        raise ConfigError(sentence or one_line(error)) from error


def _is_sound(path: Path) -> bool:
    try:
        return not_finite(read_checkpoint(path)["state_dict"].items()) is None
    except (ValueError, OSError):
        return False


def one_line(error: Exception) -> str:
    message = str(error)
    if message.startswith("Error(s) in loading state_dict"):
        return _misfit(message)
    return explain(message, known_settings()) or type(error).__name__


def _misfit(message: str) -> str:
    """Return one sentence for torch's list of the weights that do not fit a model.

    It breaks with other wording of torch; test_ending.py's test of other image sizes notices.
    """
    found = []
    for start, reason in _MISFITS.items():
        lines = [line for line in message.splitlines() if line.strip().startswith(start)]
        if names := re.findall(r'(?:"|mismatch for )([\w.]+)', " ".join(lines)):
            found.append(f"{len(names)} {reason}, such as {names[0]}")
    return f"the checkpoint does not fit this model (weights: {'; '.join(found)})"


def known_settings() -> list[str]:
    trainer = [f"trainer.{name}" for name in inspect.signature(pl.Trainer).parameters]
    sections = ("model", "data", "trainer", "seed_everything", "ckpt_path", "config", "run_dir")
    return [*trainer, *sections]
