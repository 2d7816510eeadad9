"""Paths as they are typed, with a home folder or without the current one; homeless users."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from textgan.errors import ConfigError

_INVENTED = "TEXTGAN_INVENTED_HOME"
"""Names the folder that `settle` made, also for the processes that this one starts."""


def expanded(path: str | Path) -> str:
    """A path as a shell reads it at the start of a word: `~` and `~user` are home folders.

    A shell leaves `--out=~/a.png` and `data.root=~/a` as they are, so every path that is typed goes
    through here. `~name` without such a user is a file of that name, and stays.

    Raises:
        ConfigError: the path begins with `~`, and this user has no home folder.
    """
    if is_homeless(path):
        raise ConfigError(
            f"{path} begins with the home folder, and this user has none: give the whole path"
        )
    return os.path.expanduser(path)  # noqa: PTH111 - Path's raises where there is no such user


def short(path: Path) -> str:
    """The path as one would type it here: without the current directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def is_homeless(path: str | Path) -> bool:
    """Whether a path begins with `~` alone, and this user has no home folder."""
    if Path(path).parts[:1] != ("~",):
        return False
    home = os.path.expanduser("~")  # noqa: PTH111 - Path's raises
    return home in ("~", os.environ.get(_INVENTED))


def settle() -> None:
    """Give a user whom the system does not know what libraries ask for: a name and a home folder.

    A container runs as such a user where it is told a number (`docker run --user 12345`). The home
    folder is an empty one for temporary files, which is removed when the process ends; a path of
    ours that begins with `~` is refused all the same.
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
    """Whether the system's list of users has this one."""
    import pwd

    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True
