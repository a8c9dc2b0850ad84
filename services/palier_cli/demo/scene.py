"""What the demo knows at a moment: counts, rates, the latest tier changes. Filled by the watchers, drawn by the views."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.contracts.tier_change import TierChange

RATE_WINDOW_S = 5.0
LATEST = 10


class Meter:
    """A count that only grows, and how fast it has grown of late. Told the time."""

    def __init__(self) -> None:
        self.total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, count: int, now: float) -> None:
        """So many more, at this moment of the monotonic clock."""
        self.total += count
        self._samples.append((now, self.total))
        while len(self._samples) > 2 and now - self._samples[1][0] >= RATE_WINDOW_S:
            self._samples.popleft()

    @property
    def per_second(self) -> float:
        """Mean growth over the last few seconds."""
        if len(self._samples) < 2:
            return 0.0
        (first_at, first), (last_at, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_at - first_at) if last_at > first_at else 0.0


class Tally:
    """Adds up counters of a process that may be started again, when they begin at 0 once more.

    What it counted between the last reading and its end is not known, so after a crash the sum is a lower bound.
    """

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def read(self, counters: Mapping[str, int]) -> int:
        """Take a reading; return by how much all of them have grown since the last."""
        grown = 0
        for name, value in counters.items():
            before = self._seen.get(name, 0)
            growth = value - before if value >= before else value
            self._seen[name] = value
            self.totals[name] = self.totals.get(name, 0) + growth
            grown += growth
        return grown


@dataclass(slots=True)
class Scene:
    """The state of the demo."""

    tiers: dict[str, int]
    """Contacts by headline tier, lowest first, `unengaged` among them."""
    touchpoints: Meter = field(default_factory=Meter)
    changes: Meter = field(default_factory=Meter)
    latest: deque[TierChange] = field(default_factory=lambda: deque(maxlen=LATEST))
    """Tier changes, newest first."""
    refusals: dict[str, int] = field(default_factory=dict)
    """Records refused, by reason."""
    event_time_ms: int | None = None
    """Newest occurred_at the worker has folded: the simulated present."""
    worker: str = "starting"
    """State of the worker, from itself, or that it is being started again."""
    lag: int | None = None
    """Records in Kafka that are not folded yet; None while no worker knows."""
    restarts: int = 0
