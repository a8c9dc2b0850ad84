"""A Faust app as a process: started, stopped by a signal, drained."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
import time
from typing import TYPE_CHECKING

import faust

from palier.engine.exits import exit_now
from palier.engine.waits import pending_waits
from palier.engine.watchdog import Watchdog
from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from palier.engine.app import EngineApp

logger = logging.getLogger(__name__)

DRAIN_LIMIT_S = 20.0
TELL_AFTER_S = 8.0  # of draining: mostly it takes less than one
# The collector of cycles looks for what this process hardly makes; at Python's defaults it took an eighth of the CPU.
COLLECT_AT = (200_000, 20, 100)


class QuietWorker(faust.Worker):  # type: ignore[misc] # Faust is untyped here
    """Faust's worker without its own signal handlers and terminal output."""

    def install_signal_handlers(self) -> None:
        """`run_until_signal` has them."""


def run_until_signal(create_app: Callable[[], EngineApp]) -> ExitCode:
    """Run an app until SIGTERM (DONE) or SIGINT (INTERRUPTED); trouble ends the process at once.

    `create_app` is called with the event loop in place, since Faust takes the loop that is current where an app is made.
    """
    gc.set_threshold(*COLLECT_AT)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(_run_until_signal(create_app()))


async def _run_until_signal(app: EngineApp) -> ExitCode:
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[signal.Signals] = asyncio.Queue()

    def on_signal(number: signal.Signals) -> None:
        if not received.empty():
            exit_now(ExitCode.INTERRUPTED, "second signal: stopped at once; what was not committed is read again")
        received.put_nowait(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)

    worker = QuietWorker(app, quiet=True, override_logging=False, redirect_stdouts=False, loop=loop, daemon=False)
    worker.spinner = None  # it would write to the terminal
    running = asyncio.ensure_future(_start_and_wait(worker))
    # Not a task of the app: Faust begins those after recovery, and a long one is no blocked loop.
    keeping_time = asyncio.ensure_future(app.engine.keep_time())
    Watchdog(app.engine.progress).start()
    signalled = asyncio.ensure_future(_first(received))
    await asyncio.wait({running, keeping_time, signalled}, return_when=asyncio.FIRST_COMPLETED)
    if keeping_time.done():
        exit_now(ExitCode.INTERNAL, f"timers: {keeping_time.exception()!r}")
    if running.done():
        exit_now(ExitCode.INTERNAL, f"worker ended by itself: {running.exception() or worker.crash_reason!r}")
    started = time.monotonic()
    # In a thread: without a broker Faust blocks the event loop while it waits for the end of the consumer's thread.
    too_slow = f"not drained within {DRAIN_LIMIT_S:.0f} s; what was not committed is read again"
    limit = threading.Timer(DRAIN_LIMIT_S, exit_now, (ExitCode.INTERNAL, too_slow))
    told = threading.Timer(TELL_AFTER_S, _tell_what_is_awaited, (loop,))
    for timer in (limit, told):
        timer.daemon = True
        timer.start()
    await worker.stop()
    limit.cancel()
    told.cancel()
    logger.info("drained and left the group in %.1f s", time.monotonic() - started)
    return ExitCode.INTERRUPTED if signalled.result() is signal.SIGINT else ExitCode.DONE


def _tell_what_is_awaited(loop: asyncio.AbstractEventLoop) -> None:
    logger.warning("still draining after %.0f s, waiting at %s", TELL_AFTER_S, "; ".join(pending_waits(loop)))


async def _start_and_wait(worker: QuietWorker) -> None:
    await worker.start()
    await worker.wait_until_stopped()


async def _first(received: asyncio.Queue[signal.Signals]) -> signal.Signals:
    number = await received.get()
    received.put_nowait(number)  # a second signal finds the queue filled
    return number
