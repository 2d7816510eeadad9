"""Packages that one data module needs and that are installed on demand."""

import importlib
from types import ModuleType

from textgan.errors import ConfigError


def require(package: str, extra: str) -> ModuleType:
    """A package, imported.

    Args:
        package: its name, or that of a module in it.
        extra: of textgan, which brings it.

    Raises:
        ConfigError: it is not installed; the sentence says how to install it.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        name = package.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != name:
            raise  # it is there, and lacks something itself
        raise ConfigError(
            f"data={extra} needs the package {name}: pip install textgan[{extra}]"
        ) from error
