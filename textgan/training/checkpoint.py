"""The section `textgan` of a checkpoint, from which a pipeline can be built without other files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule
from torch import nn

from textgan.checkpoint.reading import FORMAT_VERSION, read_checkpoint, read_header
from textgan.file.limits import Limits, check_limits
from textgan.file.tensor import StoredTensor
from textgan.pipeline.base import Pipeline
from textgan.pretrained.check import building_errors, check_config, outline
from textgan.pretrained.files import check_finite, check_header
from textgan.pretrained.package import is_known_package
from textgan.pretrained.part import Part, build, class_of, fill
from textgan.pretrained.trust import parts_of

_BESIDE_PRETRAINED = Limits(largest=2**16)  # the size of weights elsewhere is unknown


def stamp(checkpoint: dict[str, Any], model: LightningModule) -> None:
    """Write `checkpoint["textgan"]`, and leave out weights that come from a pretrained source.

    The section holds the version of the format, the configuration that a command line composed (or
    None), the configuration of the pipeline, the places of the pipeline's weights in the state dict
    (`components`), and the SHA-256 of the weights left out, by the part's name.
    """
    pipeline, hashes = model.pipeline(), {}
    for name, part in _parts(model):
        for prefix in part.frozen_prefixes():
            for key in [k for k in checkpoint["state_dict"] if k.startswith(f"{name}.{prefix}")]:
                del checkpoint["state_dict"][key]
        if part.frozen_prefixes():
            hashes[name] = part.frozen_hash()
    checkpoint["textgan"] = {
        "format_version": FORMAT_VERSION,
        "config": model.composed_config,
        "pipeline": pipeline.referring_config(),
        "components": _components(model, pipeline),
        "frozen": hashes,
    }


def _components(model: nn.Module, pipeline: nn.Module) -> dict[str, str]:
    """Name of each part of the pipeline -> name of the same module in the model.

    Raises:
        TypeError: the pipeline holds a module that is not the model's.
    """
    places = {id(module): name for name, module in model.named_modules()}
    found = {}
    for name, part in pipeline.named_children():
        if id(part) not in places:
            raise TypeError(
                f"{type(model).__name__}.pipeline() must hold modules of the model itself, but "
                f"{name} is none of them"
            )
        found[name] = places[id(part)]
    return found


def refill(checkpoint: dict[str, Any], model: LightningModule) -> None:
    """Restore the weights that `stamp` left out, from the parts of `model`.

    Raises:
        ValueError: the checkpoint was trained on other weights.
    """
    own = model.state_dict()
    for name, part in _parts(model):
        _check_hash(name, part, checkpoint.get("textgan", {}).get("frozen", {}))
        for prefix in part.frozen_prefixes():
            left_out = {
                key: value for key, value in own.items() if key.startswith(f"{name}.{prefix}")
            }
            checkpoint["state_dict"].update(left_out)


def start_average(state: dict[str, Any], name: str) -> None:
    """Let the average of a part begin with the part's present weights.

    Args:
        state: the state dict of a model that did not average the part; the average is added.
        name: of the part.
    """
    own = {key: value for key, value in state.items() if key.startswith(f"{name}.")}
    state.update({f"ema.averaged.{key}": value for key, value in own.items()})


def load_pipeline(
    path: str | Path, *, trust: Sequence[str] = (), pretrained: str | None = None
) -> Pipeline:
    """The pipeline inside a checkpoint, with the averaged weights, on the CPU and in eval mode.

    An untrusted file can only call the constructors of parts in textgan and in the packages of
    `trust`, and memory is allocated only after shapes and settings were found to agree.

    Args:
        path: the file.
        trust: packages or modules beside textgan whose parts may be built.
        pretrained: the folder or hub name of a frozen text encoder's weights, which the checkpoint
            leaves out. They are read only where the checkpoint names the same.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: it is no checkpoint of textgan, its sections do not agree, or it names a class
            or weights that are not allowed.
    """
    header, where = read_header(path), str(path)
    config, components = header["textgan"]["pipeline"], header["textgan"]["components"]
    _check_pipeline(config, where, trust, pretrained)
    stored = _weights_of(components, header["state_dict"])
    for place, part in _self_contained(config):
        inside = {name: s for name, s in stored.items() if name.startswith(place)}
        sizes = [tensor.numbers for tensor in inside.values()]
        expected = outline(lambda part=part: build(part, trust), sizes, where)
        check_header(Path(path), inside, expected, prefix=place)
    with building_errors(where):
        pipeline = build(config, trust)
    weights = _weights_of(components, read_checkpoint(path)["state_dict"])
    check_finite(weights, where)
    for name, part in pipeline.named_children():
        if isinstance(part, Part):
            _check_hash(components.get(name, name), part, header["textgan"]["frozen"])
            own = part.state_dict(prefix=f"{name}.")
            for prefix in part.frozen_prefixes():
                weights.update({k: v for k, v in own.items() if k.startswith(f"{name}.{prefix}")})
    check_header(
        Path(path),
        {name: StoredTensor(tuple(tensor.shape), tensor.dtype) for name, tensor in weights.items()},
        pipeline.state_dict(),
    )
    fill(pipeline, weights, Path(path))
    return pipeline.eval()


def _weights_of(components: dict[str, str], state: dict[str, Any]) -> dict[str, Any]:
    """The pipeline's tensors of a model's state dict, under the pipeline's names."""
    return {
        f"{name}.{key.removeprefix(f'{place}.')}": value
        for name, place in components.items()
        for key, value in state.items()
        if key.startswith(f"{place}.")
    }


def _check_pipeline(
    config: dict[str, Any], where: str, trust: Sequence[str], pretrained: str | None
) -> None:
    """Refuse values that textgan never writes into the configuration of a pipeline."""
    cls = class_of(config, trust)
    is_pipeline = issubclass(cls, Pipeline)
    if not is_pipeline:
        raise ValueError(f"{where} holds a {cls.__name__}, which is no pipeline")
    for part in parts_of(config).values():
        class_of(part, trust)  # imports the module, which must not happen on the meta device
        name = part.get("pretrained")
        if isinstance(name, str):
            check_repeated(name, where, pretrained)
            check_limits(part, where, name="text_encoder", limits=_BESIDE_PRETRAINED)
    check_config(_without_names(config), where)


def check_repeated(name: str, where: str, pretrained: str | None) -> None:
    """Refuse weights elsewhere that a checkpoint names, unless the caller names them too.

    Raises:
        ValueError: `name` is neither `pretrained` nor a package that textgan's YAML files use.
    """
    if name != pretrained and not is_known_package(name):
        raise ValueError(
            f"{where} leaves a part to the pretrained weights {name!r:.200}, which are "
            f"read only where you name them too, by --pretrained or pretrained={name!r:.200}; a "
            "run's folder pipeline needs no others"
        )


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: None if k == "pretrained" else _without_names(v) for k, v in value.items()}
    return [_without_names(item) for item in value] if isinstance(value, list | tuple) else value


def _self_contained(config: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(prefix in the state dict, config) of the largest parts whose weights are all in the file."""
    parts = {"": config, **{f"{name}.": part for name, part in parts_of(config).items()}}
    found: dict[str, dict[str, Any]] = {}
    for place, part in parts.items():
        refers = any(isinstance(p.get("pretrained"), str) for p in parts_of({"it": part}).values())
        if not refers and not any(place.startswith(larger) for larger in found):
            found[place] = part
    return [*found.items()]


def _parts(model: LightningModule) -> list[tuple[str, Part]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, Part)]


def _check_hash(name: str, part: Part, hashes: dict[str, str]) -> None:
    """Raise a ValueError if a frozen part has other weights than the checkpoint was trained on."""
    if part.frozen_prefixes() and part.frozen_hash() != hashes.get(name):
        raise ValueError(
            f"{name.removeprefix('ema.averaged.')} is frozen, and its pretrained weights are not "
            "those that the checkpoint was trained on"
        )
