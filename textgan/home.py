"""Paths as they are typed: with a home folder, and without the current one."""

import os
from pathlib import Path


def expanded(path: str | Path) -> str:
    """A path as a shell reads it at the start of a word: `~` and `~user` are home folders.

    A shell leaves `--out=~/a.png` and `data.root=~/a` as they are, so every path that is typed goes
    through here. `~name` without such a user is a file of that name, and stays.
    """
    return os.path.expanduser(path)  # noqa: PTH111 - Path's raises where there is no such user


def short(path: Path) -> str:
    """The path as one would type it here: without the current directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
