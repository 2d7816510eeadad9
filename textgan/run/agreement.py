"""Check of the settings that the data and the parts of a model must share."""

from typing import Any

from textgan.errors import ConfigError

_SHARED = ("image_size", "channels")
_PARTS = ("generator", "discriminator", "posterior")
"""Image encoders are not among them, because they resize their input."""


def check_agreement(config: dict[str, Any]) -> None:
    """Raise ConfigError if the data and the parts differ in an image setting.

    With `key=value` one setting, such as `image_size=32`, sets all of them. A file alone (`--config
    run.yaml`) holds each of them, and an option beside it changes only one. The parts of a model
    with an autoencoder see latents, which have other sizes.
    """
    arguments = _arguments(config.get("model"))
    if arguments.get("autoencoder") is not None:
        arguments = {}
    places = {"data": _arguments(config.get("data"))}
    places |= {f"model.{part}": _arguments(arguments.get(part)) for part in _PARTS}
    for name in _SHARED:
        given = {place: found[name] for place, found in places.items() if name in found}
        if len(set(given.values())) > 1:
            values = ", ".join(f"{value} in {place}" for place, value in given.items())
            raise ConfigError(
                f"{name} must be the same for the data and all parts, got {values}: {name}=... "
                f"sets them all; with --config, set data.{name} and each part's sample_shape"
            )


def _arguments(node: Any) -> dict[str, Any]:
    """Return the arguments of a textgan class; another class may give them another meaning.

    A `sample_shape` of (C, H, W) is added as `image_size` and `channels`.
    """
    if not isinstance(node, dict) or not str(node.get("class_path")).startswith("textgan."):
        return {}
    arguments = node.get("init_args") or {}
    if node["class_path"].endswith(".Shapes"):
        return {**arguments, "channels": 3}
    shape = arguments.get("sample_shape")
    if isinstance(shape, list | tuple) and len(shape) == 3:
        return {**arguments, "channels": shape[0], "image_size": shape[2]}
    return arguments
