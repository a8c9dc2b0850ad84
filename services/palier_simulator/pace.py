"""How fast records go out: when each is due, and the loop that waits for it."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from palier_simulator.rhythm import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from palier_simulator.arrival import Arrival
    from palier_simulator.progress import Progress
    from palier_simulator.stopping import Stopping

    Pace = Callable[[Arrival], float]
    """When (seconds of the monotonic clock) a record is due; asked once for each, in order."""

CHUNK = 1_000  # records between two looks at the clock and at signals
SHORTEST_WAIT_S = 0.05  # so that a throttled run still sends batches


class Sink(Protocol):
    """Where records go."""

    async def send(self, arrivals: Sequence[Arrival]) -> None:
        """Takes records over, in order; may keep them for a better batch."""

    async def push(self) -> None:
        """Sends what it kept; nothing more is due for a moment."""


def unthrottled(_arrival: Arrival) -> float:
    """As fast as generator and sink can."""
    return 0.0


def at_rate(per_second: float) -> Pace:
    """So many records a second from now on."""
    began, count = monotonic(), 0

    def due(_arrival: Arrival) -> float:
        nonlocal count
        count += 1
        return began + count / per_second

    return due


def at_speed(start_ms: int, days_per_second: float) -> Pace:
    """Simulated time runs so fast from now on, beginning with `start_ms`."""
    began, ms_per_second = monotonic(), days_per_second * DAY_MS
    return lambda arrival: began + (arrival.at - start_ms) / ms_per_second


def in_real_time(now_ms: int) -> Pace:
    """Each record when its moment comes; `now_ms` is the present one."""
    return at_speed(now_ms, 1_000 / DAY_MS)


async def deliver(arrivals: Iterable[Arrival], due: Pace, sink: Sink, stopping: Stopping, progress: Progress) -> None:
    """Hands every record to the sink when it is due, until there are no more or somebody asks to stop."""
    chunk: list[Arrival] = []
    now = monotonic()
    for arrival in arrivals:
        moment = due(arrival)
        if moment > now or len(chunk) >= CHUNK:
            await sink.send(chunk)
            progress.sent(chunk)
            chunk.clear()
            now = monotonic()
            if moment > now:
                await sink.push()
                await stopping.wait(max(moment - now, SHORTEST_WAIT_S))
                now = monotonic()
            else:
                await asyncio.sleep(0)  # lets the producer send
            if stopping.requested:
                return
        chunk.append(arrival)
    await sink.send(chunk)
    progress.sent(chunk)
