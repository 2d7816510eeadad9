"""Memory that the C library keeps for this process."""

import ctypes
import platform

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_heaps(number: int = 2) -> None:
    """Make all threads allocate from this many heaps. Without glibc the function does nothing.

    By default glibc creates up to eight heaps per core. In a server whose threads allocate and free
    images of a megabyte, each heap would keep free memory, and the process would grow.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, number)
