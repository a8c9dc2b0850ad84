"""What time it is in a partition: the one question whose wrong answer demotes people for an outage of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

FRESH_S = 5.0  # a fetch answered longer ago proves nothing about now


@dataclass(slots=True)
class PartitionClock:
    """Wall clock while caught up; otherwise no later than what was read. All times are arguments.

    To be asked often: whoever has not asked for as long as an answer is fresh may have been frozen (a paused container,
    a sleeping machine). Then answers from before the freeze still lie in the socket; they are dated by when they are
    taken out of it, and tell of a topic as it was long ago. So after such a gap no answer counts for a while; a clock that
    was put forward looks the same, and one that was put back is no better.

    `event_only`: never the wall clock (simulated time, backfills).
    """

    event_only: bool
    _high: dict[str, int] = field(default_factory=dict)
    _stable: dict[str, int] = field(default_factory=dict)
    _moved_s: dict[str, float] = field(default_factory=dict)  # when the last stable offset last moved, or was the end
    _answered_s: dict[str, float] = field(default_factory=dict)
    _asked_s: float | None = None
    _trusted_from_s: float = 0.0  # answers from before prove nothing

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
        if self._asked_s is not None and not 0 <= now_s - self._asked_s <= FRESH_S:
            self._trusted_from_s = now_s + FRESH_S
        self._asked_s = now_s
        oldest_s = max(now_s - FRESH_S, self._trusted_from_s)
        return bool(folded_to) and all(
            topic in self._high and oldest_s <= self._answered_s[topic] <= now_s and position >= self._high[topic]
            for topic, position in folded_to.items()
        )

    def now_ms(self, folded_to: dict[str, int], read_ms: int, now_s: float) -> int:
        """`read_ms`: min(largest occurred_at, newest Kafka timestamp) read so far."""
        if self.event_only or not self.caught_up(folded_to, now_s):
            return read_ms
        return int(now_s * 1000)
