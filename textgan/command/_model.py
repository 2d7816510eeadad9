"""Which model a command means."""

from pathlib import Path
from typing import TYPE_CHECKING

from textgan.errors import ConfigError

if TYPE_CHECKING:
    from textgan.pipeline import TextToImagePipeline

HELP = "a checkpoint, a run folder or a pipeline folder (the newest run below ./runs)"


def open_model(path: str | None) -> "TextToImagePipeline":
    """The pipeline that `--model` names, on the GPU if there is one.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    import torch

    from textgan.model.checkpoint import load_pipeline
    from textgan.pipeline import TextToImagePipeline

    found = find_model(path)
    try:
        if found.is_dir():
            pipeline = TextToImagePipeline.from_pretrained(found)
        else:
            pipeline = load_pipeline(found)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def find_model(path: str | None) -> Path:
    """A pipeline folder or a checkpoint file; in a run folder, or below ./runs, the newest."""
    folder = Path(path or "runs")
    if path is not None and (folder.is_file() or (folder / "config.json").is_file()):
        return folder
    files = [*folder.rglob("pipeline/config.json"), *folder.rglob("last.ckpt")]
    if not files and path is None:
        raise ConfigError("no run below ./runs: train one with `textgan fit`, or give --model")
    if not files:
        what = "holds no checkpoint and no pipeline" if folder.is_dir() else "does not exist"
        raise ConfigError(f"--model {path!r} {what}")
    newest = max(files, key=lambda file: file.stat().st_mtime_ns)
    return newest if newest.suffix == ".ckpt" else newest.parent
