"""What the C library keeps of memory that Python has given back to it."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
MAX_ARENAS = 2


def limit_arenas() -> None:
    """Keeps threads from having heaps of their own. For the start of a process, before its threads.

    glibc makes eight heaps a core, and what one thread freed is of no use to the others.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_ARENA_MAX, MAX_ARENAS)


def give_memory_back() -> None:
    """Gives freed pages to the system: loading a model leaves a hundred megabytes of them."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
