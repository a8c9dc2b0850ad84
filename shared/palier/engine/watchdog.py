"""Ends a process that is up but does not work: its event loop is blocked, or records wait and nothing moves.

The worst worker is one that looks healthy: it keeps its partitions and does nothing with them. Ending it is safe, since
what is not committed never happened, and a supervisor starts it again.
"""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from palier.engine.exits import exit_now
from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 60.0
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`turned_at_s`: when the event loop last turned (monotonic). `done`: grows with every step of work."""

    turned_at_s: float
    done: int
    work_left: bool


class Verdict:
    """When to give up, without threads or clocks: fed with what is seen, answers with a reason."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._done: int | None = None
        self._since_s = self._looked_at_s = 0.0

    def look(self, progress: Progress, now_s: float) -> str | None:
        """None as long as all is well."""
        slept_s, self._looked_at_s = now_s - self._looked_at_s, now_s
        if slept_s > self._limit_s / 2:  # we were frozen ourselves (SIGSTOP, suspend): the loop deserves a turn first
            self._done = None
            return None
        if now_s - progress.turned_at_s > self._limit_s:
            return f"the event loop is blocked for {now_s - progress.turned_at_s:.0f} s"
        if not progress.work_left or progress.done != self._done:
            self._done, self._since_s = progress.done, now_s
        elif now_s - self._since_s > self._limit_s:
            return f"records wait and nothing moves for {now_s - self._since_s:.0f} s"
        return None


class Watchdog(threading.Thread):
    """A daemon thread that looks every second."""

    def __init__(self, progress: Callable[[], Progress], limit_s: float = LIMIT_S) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._progress, self._verdict = progress, Verdict(limit_s)

    def run(self) -> None:
        """Look until something is wrong; then show what every thread does, and end the process."""
        while True:
            time.sleep(LOOK_EVERY_S)
            reason = self._verdict.look(self._progress(), time.monotonic())
            if reason is not None:
                faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
                exit_now(ExitCode.INTERNAL, f"watchdog: {reason}")
