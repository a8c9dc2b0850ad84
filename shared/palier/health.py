"""Whether a worker is alive and whether it is ready: facts that the event loop states and other threads read.

*Alive* means that the event loop turns; Kafka is never asked, else an outage of the broker would restart every worker
and throw its memory away. *Ready* means that the worker has joined its group and every partition it was given is
recovered; a worker without partitions is ready.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class WorkerState(StrEnum):
    """Where a worker is in its life."""

    STARTING = "starting"
    JOINING = "joining"
    RECOVERING = "recovering"
    RUNNING = "running"
    DRAINING = "draining"


class Heartbeat:
    """When the event loop last turned. Touched by the loop, read by any other thread."""

    def __init__(self, *, limit_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit_s = limit_s
        self._clock = clock
        self._touched_at = clock()

    def touch(self) -> None:
        """The loop is turning."""
        self._touched_at = self._clock()

    async def keep(self, every_s: float = 1.0) -> None:
        """Touch the heartbeat for as long as the loop turns; ends only by cancellation."""
        while True:
            self.touch()
            await asyncio.sleep(every_s)

    @property
    def age_s(self) -> float:
        """Seconds since the loop last turned."""
        return self._clock() - self._touched_at

    @property
    def is_alive(self) -> bool:
        """Whether the loop has turned recently enough."""
        return self.age_s < self.limit_s


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer to a readiness probe; `remaining` counts changelog records per partition still to be recovered."""

    ready: bool
    state: WorkerState
    remaining: Mapping[int, int] = field(default_factory=dict)


class Health:
    """Life cycle of one worker and of its partitions."""

    def __init__(self, heartbeat: Heartbeat | None = None) -> None:
        self.heartbeat = heartbeat or Heartbeat()
        self._lock = Lock()
        self._state = WorkerState.STARTING
        # Partition -> changelog records still to be recovered; None once it is recovered.
        self._remaining: dict[int, int | None] = {}

    def enter(self, state: WorkerState) -> None:
        """The worker has reached this state."""
        with self._lock:
            self._state = state

    def assigned(self, partition: int) -> None:
        """The partition is ours and not recovered yet."""
        with self._lock:
            self._remaining[partition] = 0

    def recovering(self, partition: int, records: int) -> None:
        """So many changelog records of the partition are still to be read. Ignored when it is not being recovered."""
        with self._lock:
            if self._remaining.get(partition) is not None:
                self._remaining[partition] = records

    def recovered(self, partition: int) -> None:
        """The partition's state is whole; its touchpoints are being read. Ignored when it is not ours."""
        with self._lock:
            if partition in self._remaining:
                self._remaining[partition] = None

    def revoked(self, partition: int) -> None:
        """The partition is no longer ours."""
        with self._lock:
            self._remaining.pop(partition, None)

    def owns(self, partition: int) -> bool:
        """Whether the partition is ours, recovered or not."""
        return partition in self._remaining

    @property
    def state(self) -> WorkerState:
        """Where the worker is: a running worker with a partition not yet recovered is recovering."""
        return self.readiness().state

    def readiness(self) -> Readiness:
        """Whether the worker does its work, and what is missing."""
        with self._lock:
            state = self._state
            remaining = {
                partition: records for partition, records in sorted(self._remaining.items()) if records is not None
            }
        if state is WorkerState.RUNNING and remaining:
            state = WorkerState.RECOVERING
        return Readiness(ready=state is WorkerState.RUNNING, state=state, remaining=remaining)
