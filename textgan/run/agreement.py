"""Settings that the data and the parts of a model must share."""

from typing import Any

from textgan.errors import ConfigError

_SHARED = ("image_size", "channels")
_PARTS = ("generator", "discriminator", "posterior")
"""Image encoders are not among them: they resize what they look at."""


def check_agreement(config: dict[str, Any]) -> None:
    """Compare what a configuration says of pictures, before anything is built from it.

    With `key=value` these settings are one: `image_size=32`. A file alone (`--config run.yaml`) has
    each of them, and an option that changes one leaves the others behind.

    Args:
        config: plain values, as LightningCLI reads them.

    Raises:
        ConfigError: the data and a part differ, or two parts.
    """
    arguments = _arguments(config.get("model"))
    places = {"data": _arguments(config.get("data"))}
    places |= {f"model.{part}": _arguments(arguments.get(part)) for part in _PARTS}
    for name in _SHARED:
        given = {place: found[name] for place, found in places.items() if name in found}
        if len(set(given.values())) > 1:
            said = ", ".join(f"{place}.{name} {value}" for place, value in given.items())
            raise ConfigError(
                f"{name} must be the same for the data and all parts, got {said}: {name}=... sets "
                f"them all, beside --config only --key value for each of them does"
            )


def _arguments(node: Any) -> dict[str, Any]:
    """The arguments of one of our classes; a class of the user's may mean something else."""
    ours = isinstance(node, dict) and str(node.get("class_path")).startswith("textgan.")
    return (node.get("init_args") or {}) if ours else {}
