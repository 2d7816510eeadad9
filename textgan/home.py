"""Home folders in paths."""

import os
from pathlib import Path


def expanded(path: str | Path) -> str:
    """A path as a shell reads it at the start of a word: `~` and `~user` are home folders.

    A shell leaves `--out=~/a.png` and `data.root=~/a` as they are, so every path that is typed goes
    through here. `~name` without such a user is a file of that name, and stays.
    """
    return os.path.expanduser(path)  # noqa: PTH111 - Path's raises where there is no such user
