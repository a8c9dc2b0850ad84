"""Child processes that do not outlive their parent, even when it is killed with no chance to clean up."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """For Popen's `preexec_fn`: the child asks Linux for this signal when its parent dies. None where that fails.

    It makes two system calls and takes no lock, so it is safe between fork and exec. Linux means the parent's *thread*:
    called from a short-lived one it would end the child too early, so it answers None outside the main thread.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: the child must not
    parent = os.getpid()

    def ask() -> None:
        prctl(SET_PARENT_DEATH_SIGNAL, number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
