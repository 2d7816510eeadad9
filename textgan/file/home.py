"""Home folders in paths, and users for whom the system knows neither a name nor a home folder."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from textgan.errors import ConfigError

_INVENTED = "TEXTGAN_INVENTED_HOME"
"""The variable that holds the folder made by `settle`; child processes inherit it."""


def expanded(path: str | Path) -> str:
    """Replace `~` and `~user` at the start of a path, as a shell does for a word of its own.

    A shell leaves `--out=~/a.png` and `data.root=~/a` unchanged, so every path that a user types
    goes through this function. `~name` is a file of that name if there is no such user.

    Raises:
        ConfigError: the path begins with `~`, and this user has no home folder.
    """
    if is_homeless(path):
        raise ConfigError(
            f"{path} begins with the home folder, and this user has none: give the whole path"
        )
    return os.path.expanduser(path)  # noqa: PTH111 - Path's raises where there is no such user


def short(path: Path) -> str:
    """The path relative to the current directory if it lies below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def is_homeless(path: str | Path) -> bool:
    """True if a path begins with `~` alone, and this user has no home folder."""
    if Path(path).parts[:1] != ("~",):
        return False
    home = os.path.expanduser("~")  # noqa: PTH111 - Path's raises
    return home in ("~", os.environ.get(_INVENTED))


def settle() -> None:
    """Give a user whom the system does not know the name and home folder that libraries need.

    A container runs as such a user if it is started with a number (`docker run --user 12345`). The
    home folder is an empty temporary folder, which is removed when the process ends. Paths that
    begin with `~` are still refused.
    """
    if os.name != "posix":
        return
    if os.path.expanduser("~") == "~":  # noqa: PTH111 - Path's raises
        folder = tempfile.mkdtemp(prefix="textgan-home-")
        os.environ["HOME"] = os.environ[_INVENTED] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if not any(os.environ.get(name) for name in ("LOGNAME", "USER")) and not _is_known():
        os.environ["USER"] = f"user{os.getuid()}"


def _is_known() -> bool:
    """True if the system's list of users has this one."""
    import pwd

    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True
