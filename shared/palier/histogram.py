"""A Prometheus histogram that takes a whole batch of observations at once.

The client library's own `Histogram` takes one value a call, and a call costs a good part of what a touchpoint may cost
in all. Here a batch is sorted once and each bound is looked up in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric


class BatchHistogram(Collector):
    """A histogram of seconds, without labels. The event loop writes it, the thread that answers a scrape reads it.

    `bounds`: upper bounds of the buckets in seconds, ascending, without infinity.
    """

    def __init__(self, name: str, documentation: str, *, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        if list(bounds) != sorted(set(bounds)):
            raise ValueError(f"{name}: the bounds of a histogram ascend, got {list(bounds)}")
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(float(bound) for bound in bounds)
        self._le = [*map(str, self._bounds), "+Inf"]
        self._counts = [0] * len(self._le)  # each bucket's own, not cumulative
        self._sum = 0.0
        self._lock = Lock()
        registry.register(self)

    def observe(self, value: float, count: int = 1) -> None:
        """Count the same value `count` times."""
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += count
            self._sum += value * count

    def observe_ages(self, timestamps_ms: Iterable[int], now_ms: int) -> None:
        """Count the age of each timestamp, in any order; one of the future is of age 0 (clocks differ)."""
        ascending = sorted(timestamps_ms)
        past = bisect_right(ascending, now_ms)
        # How many are older than each bound; every bucket holds the difference of two neighbours.
        older = [bisect_left(ascending, now_ms - bound * 1000) for bound in self._bounds]
        at_least = [len(ascending), *older, 0]
        with self._lock:
            for bucket in range(len(self._counts)):
                self._counts[bucket] += at_least[bucket] - at_least[bucket + 1]
            self._sum += (past * now_ms - sum(ascending[:past])) / 1000

    def describe(self) -> Iterable[Metric]:
        """The family without samples: lets a registry refuse a second metric of this name."""
        return [HistogramMetricFamily(self._name, self._documentation)]

    def collect(self) -> Iterable[Metric]:
        """The family as it is now, with cumulative buckets."""
        with self._lock:
            cumulative, total = list(accumulate(self._counts)), self._sum
        buckets = list(zip(self._le, cumulative, strict=True))
        return [HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=total)]
