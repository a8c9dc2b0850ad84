"""Keeps a worker's memory from growing although it holds no more: one heap for all its threads."""

from __future__ import annotations

import ctypes
import platform
from typing import Final

_M_ARENA_MAX: Final = -8  # of glibc's malloc.h


def use_one_heap() -> None:
    """To be called before there are threads. Where the C library is not glibc, nothing happens.

    glibc gives threads heaps of their own, and what one of them has freed is of no use to the others. States recovered
    from the changelog are allocated in the client's thread, those that take their place in the main one: by the time that
    every contact was touched once, memory would be larger by all of them. Threads of Python hold a lock among
    themselves anyway, so sharing a heap costs them little.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
