"""How a run ends: what it wrote, how to go on, and why it ended before its time."""

import inspect
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
from textgan.run.moved import moved
from textgan.run.next_command import next_command
from textgan.run.parse_error import explain
from textgan.training.terms import NonFiniteLossError

MISTAKES = (ValueError, OSError, MisconfigurationException)
_SENSELESS = (AttributeError, IndexError, KeyError, TypeError)  # at what a checkpoint restores


class RunEnding:
    """The part of `TextganCLI` that sees to a run's end, a good one or another."""

    def after_fit(self) -> None:
        if not self.trainer.is_global_zero:
            return
        pipeline = self._save_pipeline()
        if callable(getattr(self.datamodule, "summary", None)):
            print(self.datamodule.summary())
        self._name_grid()
        self._say_next(pipeline)

    def _save_pipeline(self) -> Path:
        """The folder that it is written to, unless its weights are not finite."""
        folder, pipeline = self.folder / "pipeline", self.model.pipeline()
        if (broken := not_finite(pipeline.named_parameters())) is not None:
            raise StoppedError(f"{broken} is not finite, so {short(folder)} is not written")
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
            print("no metric was asked for: 'metric=[standard]' measures any data set")
        self._name_grid()
        if self.here.ckpt_path is not None:
            self._say_next(Path(self.here.ckpt_path))

    def say_foreign(self) -> None:
        """Say of parts outside textgan, before they are trained, where they can be loaded."""
        asked = [package for package in self._foreign() if package not in self.command]
        if asked:
            names, options = " and ".join(asked), self._trust()
            print(
                f"{names} is outside textgan: what this run trains can be loaded only where you "
                f"trust it, by{options} on the command line or trust={tuple(asked)!r} in Python"
            )

    def _foreign(self) -> list[str]:
        """Packages other than textgan that the model's parts are from."""
        try:
            return packages_to_trust(self.model.pipeline().config())
        except TypeError as error:  # an argument that no file could hold
            self.refuse(error)

    def _trust(self) -> str:
        return "".join(f" --trust {package}" for package in self._foreign())

    def _say_next(self, model: Path) -> None:
        if (command := next_command(self.model.pipeline(), model)) is not None:
            print(f"next: {command}{self._trust()}")

    def _name_grid(self) -> None:
        grids = sorted((self.folder / "samples").glob("*.png"))
        if grids:
            print(f"the last picture: {short(grids[-1])}")

    def after_predict(self) -> None:
        if self.trainer.is_global_zero:
            print(f"drawn into {short(self.folder / 'predictions')}")

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
        except _SENSELESS as error:
            if self.phase.started or self.here.get("ckpt_path") is None:
                raise
            said = f"{type(error).__name__} {error}"
            raise ConfigError(
                f"{self.here.ckpt_path!r} does not fit this run: {said:.200}"
            ) from error
        if signals.asked:  # it came too late to stop anything
            said = f"{name_of(signals.asked)} came when all was done"
            raise Stop(signals.asked, said, began=True)

    def _run_to_its_end(self, subcommand: str) -> None:
        """Run the verb; where it ends otherwise, so do the processes that it started."""
        try:
            super()._run_subcommand(subcommand)
        except BaseException:
            if self.trainer.is_global_zero:
                agreed = self.phase.started and subcommand == "fit" and signals.asked
                end_children(self.trainer.strategy.launcher, seconds=5 if agreed else 0)
            raise

    def _end(self, stop: Stop) -> NoReturn:
        """End a run because of a signal: what there is of it is kept, and said."""
        agreed = self.phase.started and self.config.subcommand == "fit"
        if not self.trainer.is_global_zero or not self.phase.started:
            stop.began = agreed
            raise stop
        raise Stop(stop.signum, f"{stop}{self._kept()}", began=True) from stop

    def _kept(self) -> str:
        """What a run that was stopped leaves behind, for the end of a sentence."""
        verb = self.config.subcommand
        if verb == "predict":
            return f"; what was drawn until then is in {short(self.folder / 'predictions')}"
        if verb != "fit":
            return "; nothing was measured to the end"
        last = self.folder / "last.ckpt"
        try:
            drawing = f"{short(self._save_pipeline())} draws"
        except (OSError, ValueError, StoppedError) as error:  # the exit status stays the signal's
            drawing = f"no pipeline either: {one_line(error)}"
        if not last.is_file():
            return f"; no checkpoint is written, and {drawing}"
        again = f"textgan fit {shlex.quote(f'ckpt_path={short(last)}')}{self._trust()}"
        return f"; go on with: {again}"

    def _with_smaller_rate(self) -> str:
        """How to go on from the last good checkpoint, for the end of a sentence."""
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
            return f"; there is no good checkpoint yet: begin anew with {shlex.join(words)}"
        command = (
            shlex.join(["textgan", "fit", f"ckpt_path={short(found[0])}", *words]) + self._trust()
        )
        return f"; go on from the last good checkpoint with: {command}"

    def refuse_shortage(self, error: BaseException) -> None:
        """End the run with a sentence where the machine is short of something.

        Raises:
            ConfigError: it is; a StoppedError where the run had begun.
        """
        said = shortage(error)
        if said is None:
            return
        if "memory" in said and "loader" not in said:
            size = self.plain["data"].get("init_args", {}).get("batch_size")
            said += f": data.batch_size={size // 2} takes less" if size and size > 1 else ""
        elif not self.phase.started:
            said += "; hydra.run.dir=FOLDER names another run folder"
        elif self.config.subcommand == "fit":
            found = [short(path) for path in checkpoints(self.folder)]
            go_on = f"{found[0]} is whole: go on from there" if found else "nothing was saved yet"
            said += f"; {go_on}"
        if self.phase.started:
            raise StoppedError(said) from error
        if rank_zero_only.rank == 0:
            discard(self.folder, self.existed)
        raise ConfigError(said) from error

    def refuse(self, error: Exception) -> NoReturn:
        """End a run that never began: no folder, one sentence."""
        if rank_zero_only.rank == 0:
            discard(self.folder, self.existed)
        said = one_line(error)
        if self.here.get("ckpt_path") is not None:
            said += moved(said, self.plain)
        raise ConfigError(said) from error


def _is_sound(path: Path) -> bool:
    try:
        return not_finite(read_checkpoint(path)["state_dict"].items()) is None
    except (ValueError, OSError):
        return False


def one_line(error: Exception) -> str:
    said = str(error)
    if said.startswith("Error(s) in loading state_dict"):
        what = [line.strip() for line in said.splitlines()[1:]]
        return f"the checkpoint does not fit this model: {what[0]}" if what else said
    return explain(said, known_settings()) or type(error).__name__


def known_settings() -> list[str]:
    trainer = [f"trainer.{name}" for name in inspect.signature(pl.Trainer).parameters]
    return [
        *trainer,
        *["model", "data", "trainer", "seed_everything", "ckpt_path", "config", "run_dir"],
    ]
