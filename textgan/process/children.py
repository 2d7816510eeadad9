"""The processes that Lightning starts for DDP on one machine, at the end of a run."""

import os
import subprocess
import time
from typing import Any

_PARENT = "TEXTGAN_PARENT"


def mark_parent() -> None:
    """Let processes that are started from here know their parent."""
    os.environ[_PARENT] = str(os.getpid())


def is_child() -> bool:
    """Whether another process of this command started this one."""
    return os.environ.get(_PARENT) == str(os.getppid()) and os.environ.get("LOCAL_RANK", "0") != "0"


def end_children(launcher: Any, *, seconds: float = 0.0) -> None:
    """Kill the processes that a launcher of Lightning's started.

    They may be waiting for this process in a collective, which no signal but SIGKILL ends.

    Args:
        launcher: the strategy's, or None.
        seconds: how long they are waited for before.
    """
    deadline = time.monotonic() + seconds
    for process in getattr(launcher, "procs", []):
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
