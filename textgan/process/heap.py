"""The memory that the C library keeps for this process."""

import ctypes
import platform

_M_ARENA_MAX = -8  # malloc.h of glibc


def share_heaps(number: int = 2) -> None:
    """Let all threads allocate from this many heaps; elsewhere than with glibc it does nothing.

    glibc gives threads heaps of their own, up to eight for each core. A server whose threads make
    and free images of a megabyte would leave free pieces in all of them, and grow.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, number)
