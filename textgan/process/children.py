"""Child processes that Lightning starts for DDP on one machine."""

import os
import subprocess
import time
from typing import Any

_PARENT = "TEXTGAN_PARENT"


def mark_parent() -> None:
    """Record this process in the environment, so that its children can recognize their parent."""
    os.environ[_PARENT] = str(os.getpid())


def is_child() -> bool:
    """Return whether another process of this command started this one."""
    return os.environ.get(_PARENT) == str(os.getppid()) and os.environ.get("LOCAL_RANK", "0") != "0"


def end_children(launcher: Any, *, seconds: float = 0.0) -> None:
    """Kill the processes that a launcher of Lightning's (or None) started, after so many seconds.

    A child may be blocked in a collective operation that waits for this process. Only SIGKILL ends
    such a child.
    """
    deadline = time.monotonic() + seconds
    for process in getattr(launcher, "procs", []):
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
