"""What time it is in a partition: the one question whose wrong answer demotes people for an outage of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

FRESH_S = 5.0  # a fetch answered longer ago proves nothing about now


@dataclass(slots=True)
class PartitionClock:
    """Wall clock while caught up; otherwise no later than what was read. All times are arguments.

    `event_only`: never the wall clock (simulated time, backfills).
    """

    event_only: bool
    _high: dict[str, int] = field(default_factory=dict)
    _stable: dict[str, int] = field(default_factory=dict)
    _moved_s: dict[str, float] = field(default_factory=dict)  # when the last stable offset last moved, or was the end
    _answered_s: dict[str, float] = field(default_factory=dict)

    def fetched(self, topic: str, stable: int, high_watermark: int, answered_s: float) -> float:
        """A fetch was answered at `answered_s` (wall clock, seconds); the topic ended at `high_watermark` then.

        Returns for how many seconds its last stable offset has stood still below that end.
        """
        if stable == high_watermark or self._stable.get(topic) != stable:
            self._moved_s[topic] = answered_s
        self._stable[topic] = stable
        self._high[topic] = high_watermark
        self._answered_s[topic] = answered_s
        return answered_s - self._moved_s[topic]

    def caught_up(self, folded_to: dict[str, int], now_s: float) -> bool:
        """Everything there was at a recent fetch is folded; unknown is behind.

        Up to the high watermark, not the last stable offset: a hanging upstream transaction must not look like silence.
        """
        return bool(folded_to) and all(
            topic in self._high and now_s - self._answered_s[topic] <= FRESH_S and position >= self._high[topic]
            for topic, position in folded_to.items()
        )

    def now_ms(self, folded_to: dict[str, int], read_ms: int, now_s: float) -> int:
        """`read_ms`: min(largest occurred_at, newest Kafka timestamp) read so far."""
        if self.event_only or not self.caught_up(folded_to, now_s):
            return read_ms
        return int(now_s * 1000)
