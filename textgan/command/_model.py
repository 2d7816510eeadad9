"""Which model a command means."""

from pathlib import Path
from typing import TYPE_CHECKING

from textgan.errors import ConfigError

if TYPE_CHECKING:
    from textgan.pretrained import Part

HELP = "a checkpoint, a run folder or a pipeline folder (the newest run below ./runs that fits)"
_KINDS = {
    "TextToImagePipeline": ("draws", "textgan fit model=gan"),
    "ContrastivePipeline": ("compares pictures with texts", "textgan fit model=contrastive"),
}


def open_model(path: str | None, kind: "type[Part] | None" = None) -> "Part":
    """The pipeline that `--model` names, on the GPU if there is one.

    Args:
        path: what was given as --model, if it was.
        kind: the class that the pipeline must be of; None takes any.

    Raises:
        ConfigError: there is none, it cannot be read, or it is of another kind.
    """
    import torch

    from textgan.model.checkpoint import load_pipeline
    from textgan.pipeline import ContrastivePipeline, TextToImagePipeline
    from textgan.pretrained import Part

    found = find_model(path, kind)
    try:
        pipeline = Part.from_pretrained(found) if found.is_dir() else load_pipeline(found)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    if not isinstance(pipeline, kind or (TextToImagePipeline, ContrastivePipeline)):
        raise ConfigError(_other(found, type(pipeline), kind))
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def find_model(path: str | None, kind: "type[Part] | None" = None) -> Path:
    """A pipeline folder or a checkpoint file; in a run folder, or below ./runs, the newest.

    Args:
        path: what was given as --model, if it was.
        kind: in a folder of several, others than this class are passed over.

    Raises:
        ConfigError: there is none, or none of the kind.
    """
    folder = Path(path or "runs")
    if path is not None and (folder.is_file() or (folder / "config.json").is_file()):
        return folder
    files = [*folder.rglob("pipeline/config.json"), *folder.rglob("last.ckpt")]
    if not files and path is None:
        does, command = ("", "textgan fit") if kind is None else _KINDS[kind.__name__]
        that = f" that {does}" if does else ""
        raise ConfigError(f"no run below ./runs{that}: train one with `{command}`, or give --model")
    if not files:
        what = "holds no checkpoint and no pipeline" if folder.is_dir() else "does not exist"
        raise ConfigError(f"--model {path!r} {what}")
    files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    places = [file if file.suffix == ".ckpt" else file.parent for file in files]
    if kind is None:
        return places[0]
    others, unreadable = [], []
    for place in places:
        try:
            cls = _class_of(place)
        except ConfigError as error:
            unreadable.append(error)
            continue
        if issubclass(cls, kind):
            return place
        others.append((place, cls))
    raise ConfigError(_other(*others[0], kind)) if others else unreadable[0]


def _class_of(place: Path) -> "type[Part]":
    """The class of the pipeline in a folder, or inside a checkpoint; beside one it says the same.

    Raises:
        ConfigError: it cannot be read.
    """
    from textgan.checkpoint import read_checkpoint
    from textgan.pretrained import class_of
    from textgan.pretrained_files import read_config

    folder = place if place.is_dir() else place.with_name("pipeline")
    try:
        if (folder / "config.json").is_file():
            return class_of(read_config(folder))
        return class_of(read_checkpoint(place)["textgan"]["pipeline"])
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error


def _other(place: Path, cls: "type[Part]", kind: "type[Part] | None") -> str:
    if kind is None:
        return f"{place} holds a {cls.__name__}, which is no pipeline"
    does, command = _KINDS[kind.__name__]
    return f"{place} holds a {cls.__name__}; one that {does} is trained by `{command}`"
