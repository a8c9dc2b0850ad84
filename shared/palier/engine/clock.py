"""What time it is in a partition: the one question whose wrong answer demotes people for an outage of ours."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class PartitionClock:
    """The wall clock of when everything there was had been read; behind, no later than what was read. Times are arguments.

    A fetch tells how far the topic reached when the broker answered. That is dated by when the fetch was asked for, since
    only that was surely not later: an answer may lie in a socket for as long as a process is busy or frozen (a paused
    container, a sleeping machine), and a wall clock may be put forward meanwhile.

    `event_only`: never the wall clock (simulated time, backfills).
    """

    event_only: bool
    _high: dict[str, int] = field(default_factory=dict)
    _stable: dict[str, int] = field(default_factory=dict)
    _moved_s: dict[str, float] = field(default_factory=dict)  # when the last stable offset last moved, or was the end
    _asked_s: dict[str, float] = field(default_factory=dict)

    def fetched(self, topic: str, stable: int, high_watermark: int, asked_s: float) -> float:
        """A fetch that was asked for at `asked_s` (wall clock, seconds) is answered: the topic ends at `high_watermark`.

        Returns for how many seconds its last stable offset has stood still below that end.
        """
        if stable == high_watermark or self._stable.get(topic) != stable:
            self._moved_s[topic] = asked_s
        self._stable[topic] = stable
        self._high[topic] = high_watermark
        self._asked_s[topic] = asked_s
        return asked_s - self._moved_s[topic]

    def caught_up(self, folded_to: dict[str, int], now_s: float) -> bool:
        """Everything there was when the last fetch was asked for is folded; unknown is behind.

        Up to the high watermark, not the last stable offset: a hanging upstream transaction must not look like silence. A
        fetch from the future was asked for before the clock was put back.
        """
        return bool(folded_to) and all(
            topic in self._high and self._asked_s[topic] <= now_s and position >= self._high[topic]
            for topic, position in folded_to.items()
        )

    def now_ms(self, folded_to: dict[str, int], read_ms: int, now_s: float) -> int:
        """`read_ms`: min(largest occurred_at, newest Kafka timestamp) read so far."""
        if self.event_only or not self.caught_up(folded_to, now_s):
            return read_ms
        return int(min(self._asked_s[topic] for topic in folded_to) * 1000)
