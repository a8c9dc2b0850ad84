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
    from palier.engine.engine import Engine

logger = logging.getLogger(__name__)

DRAIN_LIMIT_S = 20.0
LEAVE_LIMIT_S = (
    5.0  # after draining: in a rebalance the group answers nobody before all have joined, or their sessions end
)
LOOK_EVERY_S = 0.1
TELL_AFTER_S = 8.0  # of stopping: mostly it takes less than one
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
    code = ExitCode.INTERRUPTED if signalled.result() is signal.SIGINT else ExitCode.DONE
    stopped = threading.Event()
    # In threads: without a broker Faust blocks the event loop while it waits for the end of the consumer's thread.
    for limit in (
        threading.Thread(target=_limit_stop, args=(app.engine, code, stopped), name="stop", daemon=True),
        threading.Thread(target=_tell_what_is_awaited, args=(loop, stopped), name="stop-told", daemon=True),
    ):
        limit.start()
    await worker.stop()
    stopped.set()
    logger.info("drained and left the group in %.1f s", time.monotonic() - started)
    return code


def _limit_stop(engine: Engine, code: ExitCode, stopped: threading.Event) -> None:
    """Drained, the process ends with `code` even if nobody lets it leave its group; not drained in time, with 70."""
    deadline_s, drained_since_s = time.monotonic() + DRAIN_LIMIT_S, None
    while not stopped.wait(LOOK_EVERY_S):
        now_s = time.monotonic()
        if not engine.is_drained:
            drained_since_s = None
        elif drained_since_s is None:
            drained_since_s = now_s
        elif now_s > drained_since_s + LEAVE_LIMIT_S:
            exit_now(
                code, f"drained; the group did not let us go within {LEAVE_LIMIT_S:.0f} s, our session will end there"
            )
        if now_s > deadline_s:
            exit_now(
                ExitCode.INTERNAL, f"not drained within {DRAIN_LIMIT_S:.0f} s; what was not committed is read again"
            )


def _tell_what_is_awaited(loop: asyncio.AbstractEventLoop, stopped: threading.Event) -> None:
    if not stopped.wait(TELL_AFTER_S):
        logger.warning("still stopping after %.0f s, waiting at %s", TELL_AFTER_S, "; ".join(pending_waits(loop)))


async def _start_and_wait(worker: QuietWorker) -> None:
    await worker.start()
    await worker.wait_until_stopped()


async def _first(received: asyncio.Queue[signal.Signals]) -> signal.Signals:
    number = await received.get()
    received.put_nowait(number)  # a second signal finds the queue filled
    return number
