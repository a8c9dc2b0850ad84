"""Pace and delivery: records go out when they are due, and a signal ends the run in order."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import count
from time import monotonic

import pytest

from palier.errors import ExitCode
from palier_simulator.arrival import Arrival
from palier_simulator.pace import CHUNK, at_rate, at_speed, deliver, in_real_time, unthrottled
from palier_simulator.progress import Progress
from palier_simulator.rhythm import DAY_MS
from palier_simulator.stopping import Stopping

START_MS = 1_767_225_600_000


class Recorder:
    """A sink that remembers what came when."""

    def __init__(self):
        self.arrivals, self.moments, self.pushes = [], [], 0

    async def send(self, arrivals):
        self.arrivals += arrivals
        self.moments += [monotonic()] * len(arrivals)

    async def push(self):
        self.pushes += 1


def records(*seconds: float) -> list[Arrival]:
    return [Arrival(START_MS + int(second * 1_000), serial, b"k", b"v") for serial, second in enumerate(seconds)]


@pytest.fixture(autouse=True)
def signals_as_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(arrivals, make_pace, during=None) -> tuple[Recorder, Stopping, float]:
    """Delivers to a recorder; returns it, the signals seen and the seconds it took."""

    async def main():
        async with asyncio.timeout(None) as limit:
            sink, stopping, began = Recorder(), Stopping(limit), monotonic()
            if during is not None:
                asyncio.get_running_loop().call_later(0.15, during)
            await deliver(arrivals, make_pace(), sink, stopping, Progress())
            return sink, stopping, monotonic() - began

    return asyncio.run(main())


def test_unthrottled_delivers_everything_in_order():
    """Without a throttle every record is handed over in order, over several chunks, without waiting."""
    arrivals = records(*range(2 * CHUNK + 7))
    sink, _, _ = run(arrivals, lambda: unthrottled)
    assert sink.arrivals == arrivals
    assert sink.pushes == 0


def test_rate():
    """60 records at 200 a second take 0.3 s, spread over it."""
    sink, _, seconds = run(records(*[0] * 60), lambda: at_rate(200))
    assert len(sink.arrivals) == 60
    assert seconds > 0.29
    assert sink.moments[-1] - sink.moments[0] > 0.2


def test_speed():
    """At ten days a second two days take 0.2 s, and nothing goes out early."""
    began = monotonic()
    sink, _, _ = run(records(0, DAY_MS / 1_000, 2 * DAY_MS / 1_000), lambda: at_speed(START_MS, 10))
    assert [moment - began > due for moment, due in zip(sink.moments, (0, 0.1, 0.2), strict=True)] == [True] * 3


def test_real_time():
    """In real time a record of 0.3 s from now waits 0.3 s; what is overdue goes at once."""
    sink, _, seconds = run(records(-60, 0.3), lambda: in_real_time(START_MS))
    assert seconds > 0.29
    assert sink.moments[1] - sink.moments[0] > 0.2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, ExitCode.DONE), (signal.SIGINT, ExitCode.INTERRUPTED)])
def test_a_signal_ends_a_waiting_run(number, code):
    """A run that waits for its next record ends when told to, with what was due delivered."""
    sink, stopping, seconds = run(
        records(0, 3_600), lambda: in_real_time(START_MS), during=lambda: os.kill(os.getpid(), number)
    )
    assert [arrival.serial for arrival in sink.arrivals] == [0]
    assert stopping.exit_code is code
    assert seconds < 60


def test_a_signal_ends_a_busy_run():
    """A run without any wait looks for signals too."""
    endless = (Arrival(START_MS, serial, b"k", b"v") for serial in count())
    sink, stopping, _ = run(endless, lambda: unthrottled, during=lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert stopping.requested
    assert [arrival.serial for arrival in sink.arrivals] == list(range(len(sink.arrivals)))


def test_a_second_signal_does_not_wait():
    """Ctrl-C twice breaks off whatever is going on."""

    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(records(0, 3_600), lambda: in_real_time(START_MS), during=twice)
