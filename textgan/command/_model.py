"""Options and functions by which a command finds its model."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgan.errors import ConfigError
from textgan.file.home import expanded

if TYPE_CHECKING:
    from textgan.pipeline import Pipeline
    from textgan.pretrained.part import Part

HELP = (
    "a checkpoint, a run folder, a pipeline folder, owner/name on the Hugging Face Hub, or the "
    "bundled model shapes or emoji (default: the newest suitable run below ./runs; without one, "
    "the bundled model that knows the caption's words better)"
)
# ability of a pipeline -> its description, and the commands that train such a pipeline
_ABILITIES = {
    "sample": ("generates images", "`textgan fit model=gan`"),
    "interpolate": ("interpolates between two captions", "`textgan fit model=gan`"),
    "attention": ("shows the attention to each word", "`textgan fit model=gan`"),
    "one_graph": ("can be exported as one graph", "`textgan fit model=gan`"),
    "image_to_image": ("draws an image anew", "`textgan fit model=diffusion`"),
    "inpaint": ("draws a part of an image anew", "`textgan fit model=diffusion`"),
    "edit": (
        "changes an image by two captions",
        "`textgan fit model=diffusion` or `textgan fit model=gan model.save_posterior=true`",
    ),
    "variations": ("draws variations of an image", "`textgan fit model=unclip`"),
    "upsample": ("draws larger images", "`textgan fit model=upsampler`"),
    "compare": ("compares images with texts", "`textgan fit model=contrastive`"),
    "rank": ("ranks images", "`textgan fit model=contrastive`"),
    "describe": (
        "makes captions of images",
        "`textgan fit model=token_prior model.describe_weight=0.125`",
    ),
    "encode": ("encodes images as latents", "`textgan fit model=autoencoder`"),
}
_OF_BUNDLED_MODELS = ("sample", "interpolate", "attention", "one_graph")


def add_max_megapixels(parser: ArgumentParser) -> None:
    """Add the option `--max_megapixels`; `limit` of the words is its keyword argument, or empty."""

    def megapixels(text: str) -> dict[str, float]:
        if not float(text) > 0:
            raise ArgumentTypeError(f"must be positive, got {text}")
        return {"max_megapixels": float(text)}

    parser.add_argument(
        "--max_megapixels",
        dest="limit",
        type=megapixels,
        default={},
        metavar="NUMBER",
        help="maximum size of an image in million pixels; larger images are not decoded (64)",
    )


def add_model(parser: ArgumentParser) -> None:
    """Add the option `--model`, with those of `add_trust`."""
    parser.add_argument("--model", type=expanded, help=HELP)
    add_trust(parser)


def add_trust(parser: ArgumentParser) -> None:
    """Add the options that allow a model to use packages and weights beyond textgan."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PREFIX",
        help="allow parts of this package, besides textgan, in the model; Python imports it",
    )
    parser.add_argument(
        "--pretrained",
        type=expanded,
        metavar="NAME",
        help="allow these weights of the frozen text encoder that a checkpoint names",
    )


def open_model(
    path: str | None,
    ability: str | None = None,
    *,
    option: str = "--model",
    trust: Sequence[str] = (),
    pretrained: str | None = None,
    captions: Sequence[str] = (),
) -> "Pipeline":
    """Load the pipeline that `find_model` finds, on the GPU if there is one.

    A checkpoint may name the weights `pretrained` of a frozen text encoder. The function raises
    ConfigError if there is no such pipeline, if it cannot be read, or if it lacks the ability.
    """
    import torch

    from textgan.pipeline import Pipeline
    from textgan.pretrained.part import Part

    found = find_model(path, ability, option=option, trust=trust, captions=captions)
    try:
        if found.is_dir():
            pipeline = Part.from_pretrained(found, trust=trust)
        else:
            # Lightning takes seconds to import.
            from textgan.training.checkpoint import load_pipeline

            pipeline = load_pipeline(found, trust=trust, pretrained=pretrained)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error
    is_able = isinstance(pipeline, Pipeline) and ability in (None, *pipeline.abilities)
    if not is_able:
        raise ConfigError(_wrong_kind(found, type(pipeline), ability))
    if not pipeline.is_fitted:
        raise ConfigError(f"{found} was never trained: its text encoder has no vocabulary")
    return pipeline.to("cuda" if torch.cuda.is_available() else "cpu")


def find_model(
    path: str | None,
    ability: str | None = None,
    *,
    option: str = "--model",
    trust: Sequence[str] = (),
    captions: Sequence[str] = (),
    shown: bool = True,
) -> Path:
    """Find a pipeline folder or a checkpoint file: the newest in a run folder or below ./runs.

    Without a path and without a run that generates images, the bundled model that is nearest to
    the captions is used, and a message names it. The function raises ConfigError if there is no
    model, or none with the ability.

    Args:
        path: the path that the user gave by `option`, or None.
        ability: ability that the pipeline must have (`Pipeline`); None accepts any pipeline.
        option: name of the path's option, for messages.
        trust: packages besides textgan whose parts a model may use.
        captions: what the model is for, if it is known, without weights of words.
        shown: whether the choice of a bundled model is printed.
    """
    from textgan.weights import BUNDLED

    folder = Path(path or "runs")
    if path is not None and not os.path.exists(path):  # noqa: PTH110 - Path's may raise
        if path in BUNDLED:
            return BUNDLED[path]
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
            cls, config = _class_of(place, trust)
        except ConfigError as error:
            unreadable.append(error)
            continue
        if issubclass(cls, Pipeline) and ability in cls.abilities_of(config, trust):
            return place
        others.append((place, cls))
    if path is None and not unreadable and ability in _OF_BUNDLED_MODELS:
        return _bundled_model(captions, shown=shown)
    if not places:
        does, command = ("", "`textgan fit`") if ability is None else _ABILITIES[ability]
        that = f" that {does}" if does else ""
        advice = f"train one with {command}, or give --model"
        raise ConfigError(f"no run{that} was found below ./runs: {advice}")
    raise ConfigError(_wrong_kind(*others[0], ability)) if others else unreadable[0]


def _on_the_hub(path: str, option: str) -> Path:
    from textgan.pretrained.hub import find_folder, is_name

    if not is_name(path) or Path(path).parent.is_dir():
        raise ConfigError(f"{option} {path!r} does not exist")
    try:
        return find_folder(path)
    except FileNotFoundError as error:
        raise ConfigError(f"{option}: {error}") from error


def _bundled_model(captions: Sequence[str], *, shown: bool) -> Path:
    from textgan.command._bundled import nearest
    from textgan.weights import BUNDLED

    found = nearest(captions)
    if not shown:
        return found
    others = " or ".join(f"--model {name}" for name in BUNDLED if name != found.name)
    why = ", whose vocabulary is nearer to the caption" if captions else ""
    print(
        f"No run that generates images was found below ./runs; using the bundled model "
        f"{found.name!r}{why}. {others} chooses the other one.",
        file=sys.stderr,
    )
    return found


def _class_of(place: Path, trust: Sequence[str]) -> "tuple[type[Part], dict[str, Any]]":
    """Return class and configuration of the pipeline in a folder, a checkpoint or its run.

    Raises:
        ConfigError: there is none that can be read.
    """
    from textgan.checkpoint.reading import read_header
    from textgan.pretrained.files import read_config
    from textgan.pretrained.part import class_of

    folder = place if place.is_dir() else place.with_name("pipeline")
    try:
        if (folder / "config.json").is_file():
            config = read_config(folder)
        else:
            config = read_header(place)["textgan"]["pipeline"]
        return class_of(config, trust), config
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error


def _wrong_kind(place: Path, cls: "type[Part]", ability: str | None) -> str:
    if ability is None:
        return f"{place} holds a {cls.__name__}, which is not a pipeline"
    does, command = _ABILITIES[ability]
    return f"{place} holds a {cls.__name__}; a model that {does} is trained by {command}"
