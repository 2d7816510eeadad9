"""Packages that one data module needs and that users install on demand."""

import importlib
from types import ModuleType

from textgan.errors import ConfigError


def require(package: str, extra: str) -> ModuleType:
    """Import a package.

    Args:
        package: its name, or that of a module in it.
        extra: the extra of textgan that installs it.

    Raises:
        ConfigError: it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        name = package.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != name:
            raise  # the package is installed, and one of its own requirements is missing
        raise ConfigError(
            f"data={extra} needs the package {name}: pip install textgan[{extra}]"
        ) from error
