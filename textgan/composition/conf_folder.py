"""Location of the YAML files of `conf/`, and the choices of its groups."""

from pathlib import Path

from textgan.errors import ConfigError


def conf_folder() -> Path:
    """Return the folder of the YAML files: in an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise ConfigError(f"no conf folder was found in or beside {package}: install textgan again")


def choices() -> dict[str, list[str]]:
    """Return group -> names of its files."""
    folders = [path for path in sorted(conf_folder().glob("[!_]*/")) if path.is_dir()]
    found = {path.name: sorted(file.stem for file in path.glob("*.yaml")) for path in folders}
    return {group: names for group, names in found.items() if names}
