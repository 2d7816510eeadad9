"""Which model a command means."""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from textgan.pipeline import Pipeline
    from textgan.pretrained.part import Part

HELP = (
    "a checkpoint, a run folder, a pipeline folder, or owner/name on the Hugging Face Hub (the "
    "newest run below ./runs that fits; where there is none, what draws is the model in the box)"
)
# ability of a pipeline -> what one that has it does, and what trains one
_ABILITIES = {
    "sample": ("draws", "textgan fit model=gan"),
    "interpolate": ("draws what lies between two captions", "textgan fit model=gan"),
    "attention": ("shows where it looked at each word", "textgan fit model=gan"),
    "one_graph": ("draws by one graph", "textgan fit model=gan"),
    "compare": ("compares pictures with texts", "textgan fit model=contrastive"),
}


def add_max_megapixels(parser: ArgumentParser) -> None:
    """Add the option `--max_megapixels`; without it the words have no such attribute."""
    parser.add_argument(
        "--max_megapixels",
        type=float,
        default=SUPPRESS,
        metavar="NUMBER",
        help="how many million pixels a picture may have; a larger one is not decoded (64)",
    )


def max_megapixels(words: Namespace) -> dict[str, float]:
    """The option `--max_megapixels` as a keyword argument, if it was given.

    Raises:
        ConfigError: it is not positive.
    """
    if not hasattr(words, "max_megapixels"):
        return {}
    if not words.max_megapixels > 0:
        raise ConfigError(f"--max_megapixels must be positive, got {words.max_megapixels}")
    return {"max_megapixels": words.max_megapixels}


def add_trust(parser: ArgumentParser) -> None:
    """Add the options that say what a model may name beyond textgan itself."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PREFIX",
        help="a package beside textgan whose parts the model may be made of; Python imports it",
    )
    parser.add_argument(
        "--pretrained",
        type=expanded,
        metavar="NAME",
        help="the weights of the frozen text encoder that a checkpoint names, to allow them",
    )


def open_model(
    path: str | None,
    ability: str | None = None,
    *,
    option: str = "--model",
    trust: Sequence[str] = (),
    pretrained: str | None = None,
) -> "Pipeline":
    """The pipeline that `--model` names, on the GPU if there is one.

    Args:
        path: what was given, if it was.
        ability: what the pipeline must be able to do (`Pipeline`); None takes any.
        option: what the path was given as.
        trust: packages beside textgan whose parts it may be made of.
        pretrained: weights of a frozen text encoder that a checkpoint may name.

    Raises:
        ConfigError: there is none, it cannot be read, or it lacks the ability.
    """
    import torch

    from textgan.pipeline import Pipeline
    from textgan.pretrained.part import Part

    found = find_model(path, ability, option=option, trust=trust)
    try:
        if found.is_dir():
            pipeline = Part.from_pretrained(found, trust=trust)
        else:
            from textgan.training.checkpoint import (
                load_pipeline,  # Lightning takes seconds to import
            )

            pipeline = load_pipeline(found, trust=trust, pretrained=pretrained)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    is_able = isinstance(pipeline, Pipeline) and ability in (None, *pipeline.abilities)
    if not is_able:
        raise ConfigError(_other(found, type(pipeline), ability))
    if not pipeline.is_fitted:
        raise ConfigError(f"{found} was never trained: its text encoder has no vocabulary")
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def find_model(
    path: str | None,
    ability: str | None = None,
    *,
    option: str = "--model",
    trust: Sequence[str] = (),
) -> Path:
    """A pipeline folder or a checkpoint file; in a run folder, or below ./runs, the newest.

    Without a path and without a run that draws, it is the model in the box, which is said.

    Args:
        path: what was given, if it was.
        ability: in a folder of several, those without it are passed over.
        option: what the path was given as.
        trust: packages beside textgan whose parts a model may be made of.

    Raises:
        ConfigError: there is none, or none with the ability.
    """
    folder = Path(path or "runs")
    if path is not None and not os.path.exists(path):  # noqa: PTH110 - Path's may raise
        return _on_the_hub(path, option)
    if path is not None and (folder.is_file() or (folder / "config.json").is_file()):
        return folder
    files = [*folder.rglob("pipeline/config.json"), *folder.rglob("last.ckpt")]
    if not files and path is not None:
        raise ConfigError(f"{option} {path!r} holds no checkpoint and no pipeline")
    files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    places = [file if file.suffix == ".ckpt" else file.parent for file in files]
    if ability is None and places:
        return places[0]

    from textgan.pipeline import Pipeline

    others, unreadable = [], []
    for place in places:
        try:
            cls = _class_of(place, trust)
        except ConfigError as error:
            unreadable.append(error)
            continue
        if issubclass(cls, Pipeline) and ability in cls.abilities:
            return place
        others.append((place, cls))
    if path is None and not unreadable and ability not in (None, "compare"):
        return _in_the_box()
    if not places:
        does, command = ("", "textgan fit") if ability is None else _ABILITIES[ability]
        that = f" that {does}" if does else ""
        raise ConfigError(f"no run below ./runs{that}: train one with `{command}`, or give --model")
    raise ConfigError(_other(*others[0], ability)) if others else unreadable[0]


def _on_the_hub(path: str, option: str) -> Path:
    from textgan.pretrained.hub import find_folder, is_name

    if not is_name(path) or Path(path).parent.is_dir():
        raise ConfigError(f"{option} {path!r} does not exist")
    try:
        return find_folder(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{option}: {error}") from error


def _in_the_box() -> Path:
    from textgan.weights import SHAPES

    print(f"no run below ./runs that draws: {SHAPES.name}, in the box, does", file=sys.stderr)
    return SHAPES


def _class_of(place: Path, trust: Sequence[str]) -> "type[Part]":
    """The class of the pipeline in a folder, or inside a checkpoint; beside one it says the same.

    Raises:
        ConfigError: it cannot be read.
    """
    from textgan.checkpoint.reading import read_header
    from textgan.pretrained.files import read_config
    from textgan.pretrained.part import class_of

    folder = place if place.is_dir() else place.with_name("pipeline")
    try:
        if (folder / "config.json").is_file():
            return class_of(read_config(folder), trust)
        return class_of(read_header(place)["textgan"]["pipeline"], trust)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error


def _other(place: Path, cls: "type[Part]", ability: str | None) -> str:
    if ability is None:
        return f"{place} holds a {cls.__name__}, which is no pipeline"
    does, command = _ABILITIES[ability]
    return f"{place} holds a {cls.__name__}; one that {does} is trained by `{command}`"
