"""Crash-only: what is not committed never happened, so leaving at once is always safe.

One thing is worth a moment: a worker that ends with 70 tells its group, so that another takes its partitions over now and
not when the session is over. Best effort, in a box of time; the exit comes in any case.
"""

from __future__ import annotations

import os
import threading
import weakref
from concurrent.futures import wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

LEAVE_LIMIT_S = 1.0

_leaving: list[weakref.WeakMethod[Callable[[], Future[Any] | None]]] = []
_ending = threading.Lock()


def leave_before_exit(leave: Callable[[], Future[Any] | None]) -> None:
    """Have a method called before an exit with code 70: it asks for departure and returns without waiting.

    Args:
        leave: bound method, not kept alive. From any thread; a future that ends with the answer, or None if it has
            nobody to ask.
    """
    _leaving.append(weakref.WeakMethod(leave))


def exit_now(code: ExitCode, reason: str) -> NoReturn:
    """End the process with one line on stderr. No clean-up: a clean-up could still write.

    Args:
        code: INTERNAL leaves the group first. With any other code a successor would end in the same way.
        reason: one line.
    """
    # The first reason is told; a thread that comes second waits for the end. The limit is for what nobody foresaw.
    _ending.acquire(timeout=2 * LEAVE_LIMIT_S)
    os.write(2, f"palier: {reason} (exit {int(code)})\n".encode())
    if code is ExitCode.INTERNAL:
        with suppress(Exception):
            _leave_groups()
    os._exit(code)


def _leave_groups() -> None:
    asked = []
    for reference in _leaving:
        ask = reference()
        with suppress(Exception):
            if ask is not None and (answer := ask()) is not None:
                asked.append(answer)
    wait(asked, LEAVE_LIMIT_S)
