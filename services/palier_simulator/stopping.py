"""SIGINT and SIGTERM as a wish that the run ends in order: what was handed over is still delivered."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import FrameType
    from typing import Any

T = TypeVar("T")
GRACE_S = 5.0  # to deliver what is under way; supervisors usually kill after 10


class Stopping:
    """Watches both signals while a run lasts. Make it inside the running event loop.

    A second signal raises KeyboardInterrupt wherever the program is, even in a write to a pipe that nobody reads.

    Args:
        limit: time limit of the run, None as yet; a signal sets it to `GRACE_S` from then.
    """

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self.signal: int | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._received)

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        self._loop.call_soon_threadsafe(self._begin_to_end)

    def _begin_to_end(self) -> None:
        self._event.set()
        self._limit.reschedule(self._loop.time() + GRACE_S)

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def exit_code(self) -> ExitCode:
        """130 after Ctrl-C; being told to end by a supervisor is no failure."""
        return ExitCode.INTERRUPTED if self.signal == signal.SIGINT else ExitCode.DONE

    async def wait(self, seconds: float) -> None:
        """Sleeps, unless a signal comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`; None if a signal came first, in which case it is cancelled."""
        working = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._event.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if working.done():
            return working.result()
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        return None
