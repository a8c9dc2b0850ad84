"""Traffic in which contacts become engaged all the time, and a reader that notes when each tier change can be read."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.settings import Settings

POLL_S: Final = 0.02
MOST: Final = 2_000  # records in one poll
DAY: Final = timedelta(days=1)


class Gap(NamedTuple):
    """No tier change of a partition could be read between two moments (of time.monotonic)."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.start


def touchpoints(name: str) -> Iterator[tuple[bytes, bytes]]:
    """(key, value), without end: each new contact subscribes yesterday and attends a webinar today, and is engaged."""
    for number in count():
        contact = f"{name}-{number:07}"
        for step, (kind, channel, days_ago) in enumerate(
            (("newsletter.subscribed", "email", 1), ("webinar.attended", "web", 0))
        ):
            moment = (datetime.now(UTC) - days_ago * DAY).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            yield (
                contact.encode(),
                f'{{"id":"{contact}-{step}","source":"web-tracker","type":"{kind}","channel":"{channel}",'
                f'"contact_id":"{contact}","occurred_at":"{moment}"}}'.encode(),
            )


class SteadyTraffic(threading.Thread):
    """So many touchpoints a second, evenly, until told to stop; half as many tier changes follow from them."""

    def __init__(self, settings: Settings, name: str, rate: float) -> None:
        """Starts at once."""
        super().__init__(daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": settings.brokers,
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "enable.idempotence": True,
                "log_level": 0,
            }
        )
        self._topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        self._prefix, self._rate = name, rate
        self._stopped = threading.Event()
        self.sent = 0
        self.start()

    def run(self) -> None:
        """See threading.Thread."""
        started = time.monotonic()
        for key, value in touchpoints(self._prefix):
            while self.sent > (time.monotonic() - started) * self._rate:
                self._producer.poll(0.005)
            if self._stopped.is_set():
                return
            self._producer.produce(self._topic, value, key)
            self.sent += 1

    def stop(self) -> None:
        """Everything is sent.

        Raises:
            RuntimeError: the broker did not take all of it.
        """
        self._stopped.set()
        self.join()
        if self._producer.flush(30):
            raise RuntimeError("the broker did not take all touchpoints")


class ArrivalReader(threading.Thread):
    """A read_committed consumer of tier changes that never stops: when did something come out of which partition?"""

    def __init__(self, settings: Settings) -> None:
        """Starts at once."""
        super().__init__(daemon=True)
        self._began = time.monotonic()
        self.arrivals: list[list[float]] = [[] for _ in range(settings.partitions)]
        self.lost = self.doubled = 0  # by the sequence of each contact
        self._sequences = Counter[bytes]()
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.brokers,
                "group.id": "arrivals",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "log_level": 0,
            }
        )
        topic = f"{settings.topic_prefix}{settings.tier_changes_topic}"
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(settings.partitions)])
        self._stopped = threading.Event()
        self.start()

    @property
    def count(self) -> int:
        """Tier changes read."""
        return sum(map(len, self.arrivals))

    def run(self) -> None:
        """See threading.Thread."""
        while not self._stopped.is_set():
            messages = self._consumer.consume(MOST, POLL_S)
            now = time.monotonic()
            for message in messages:
                if message.error() is None:
                    self.arrivals[message.partition()].append(now)
                    step = int(dict(message.headers())["ce_sequence"]) - self._sequences[message.key()]
                    self._sequences[message.key()] += step
                    self.lost += step > 1
                    self.doubled += step < 1
        self._consumer.close()

    def longest_gap(self, partition: int, since: float) -> Gap:
        """The longest silence of a partition that ended after a moment; one that goes on ends now."""
        moments = [self._began, *self.arrivals[partition], time.monotonic()]
        gaps = [Gap(start, end) for start, end in pairwise(moments) if end > since]
        return max(gaps, key=lambda gap: gap.seconds)

    def stop(self) -> None:
        """No more is read."""
        self._stopped.set()
        self.join()
