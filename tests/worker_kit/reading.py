"""Reading with another client than the worker's (librdkafka): whole topics, topics under fire, and META."""

from __future__ import annotations

import threading
import time
from collections import Counter

from confluent_kafka import Consumer, KafkaError, TopicPartition

from palier.engine.meta import META_KEY, decode_meta

PARTITION_EOF = -191
AWAY = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE}


def changelog_topic(settings):
    """Where states and META lie."""
    return f"{settings.application}-contacts-changelog"


def output_topic(settings, name):
    """Where `name` (tier-changes, tier-current or touchpoints.dead-letter) lies."""
    return f"{settings.topic_prefix}{name}"


def consumer(settings, *topics, isolation="read_committed"):
    """A consumer at the beginning of every partition of these topics, without a group."""
    made = Consumer(
        {
            "bootstrap.servers": settings.brokers,
            "group.id": f"reader-{time.time_ns()}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 16 << 20,
            "log_level": 0,
        }
    )
    made.assign([TopicPartition(topic, number, 0) for topic in topics for number in range(settings.partitions)])
    return made


def read_all(settings, *topics, isolation="read_committed", limit_s=60):
    """All records of topics up to their ends: {topic: records by partition}."""
    records = {topic: [[] for _ in range(settings.partitions)] for topic in topics}
    unfinished = {(topic, number) for topic in topics for number in range(settings.partitions)}
    reader, deadline = consumer(settings, *topics, isolation=isolation), time.monotonic() + limit_s
    while unfinished:
        for message in reader.consume(20_000, 0.1):
            if message.error():
                assert message.error().code() == PARTITION_EOF, message.error()
                unfinished.discard((message.topic(), message.partition()))
            else:
                records[message.topic()][message.partition()].append(message)
        assert time.monotonic() < deadline, f"the end of {unfinished} cannot be reached, a transaction hangs"
    reader.close()
    return records


def ends(settings, topic):
    """Where each partition of a topic ends."""
    asker = Consumer({"bootstrap.servers": settings.brokers, "group.id": "asker"})
    found = [asker.get_watermark_offsets(TopicPartition(topic, number), 10)[1] for number in range(settings.partitions)]
    asker.close()
    return found


def left_open(settings, looks):
    """(topic, partition) where records lie that are neither committed nor undone, however often one looks."""
    names = settings.tier_changes_topic, settings.tier_current_topic, settings.dead_letter_topic
    topics = changelog_topic(settings), *(output_topic(settings, name) for name in names)
    places = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
    askers = [
        Consumer({"bootstrap.servers": settings.brokers, "group.id": "asker", "isolation.level": isolation})
        for isolation in ("read_committed", "read_uncommitted")
    ]
    seen = []
    for _ in range(looks):
        stable, written = ([asker.get_watermark_offsets(place, 10)[1] for place in places] for asker in askers)
        found = zip(places, stable, written, strict=True)
        seen.append({(place.topic, place.partition) for place, one, other in found if one < other})
    for asker in askers:
        asker.close()
    return set.intersection(*seen)


def last_meta(messages):
    """META of a partition's changelog, None where there is none yet."""
    metas = (message.value() for message in reversed(messages) if message.key() == META_KEY)
    return next(map(decode_meta, metas), None)


def wait_until_drained(settings, topic, workers, *, restart=False, limit_s=60):
    """Until META of every partition stands at the end of the source; META of each partition.

    A worker that ends meanwhile is a failure, or, with `restart`, started again as a supervisor would.
    """
    deadline, wanted = time.monotonic() + limit_s, ends(settings, topic)
    metas, reader = [None] * settings.partitions, consumer(settings, changelog_topic(settings))
    try:
        while [meta.positions[topic] if meta else 0 for meta in metas] != wanted:
            for worker in workers:
                assert restart or worker.process.poll() is None, worker.log
                worker.keep_running()
            assert time.monotonic() < deadline, f"not drained: {metas}, the source ends at {wanted}"
            for message in reader.consume(20_000, 0.1):
                if not message.error() and message.key() == META_KEY:
                    metas[message.partition()] = decode_meta(message.value())
    finally:
        reader.close()
    return metas


class LiveReader(threading.Thread):
    """Downstream automation that never stops reading, whatever happens to the workers.

    It keeps the reader's rule: per contact each change is one higher than the last. `gaps` and `repeats` break it.
    `longest_silence_s`: between two of its reads that brought something.
    """

    def __init__(self, settings, topic, isolation="read_committed"):
        super().__init__(daemon=True)
        self.records = [[] for _ in range(settings.partitions)]
        self.gaps = self.repeats = 0
        self.longest_silence_s = 0.0
        self._heard_at_s = None
        self._sequences = Counter()
        self._topic = topic
        self._consumer = consumer(settings, topic, isolation=isolation)
        self._reached = [-1] * settings.partitions
        self._finished = threading.Event()
        self.start()

    @property
    def count(self):
        """How many records it has read."""
        return sum(map(len, self.records))

    def run(self):
        while not self._finished.is_set():
            for message in self._consumer.consume(5_000, 0.1):
                if message.error():
                    if message.error().code() in AWAY:
                        continue  # the client connects again by itself
                    assert message.error().code() == PARTITION_EOF, message.error()
                    self._reached[message.partition()] = message.offset()
                else:
                    self._take(message)
        self._consumer.close()

    def _take(self, message):
        now_s = time.monotonic()
        if self._heard_at_s is not None:
            self.longest_silence_s = max(self.longest_silence_s, now_s - self._heard_at_s)
        self._heard_at_s = now_s
        self._keep(message)
        step = int(dict(message.headers())["ce_sequence"]) - self._sequences[message.key()]
        self._sequences[message.key()] += step
        self.gaps += step > 1
        self.repeats += step < 1

    def _keep(self, message):
        self.records[message.partition()].append(message)

    def finish(self, settings, limit_s=30):
        """Read on to the end of the topic as it is now, and stop."""
        wanted, deadline = ends(settings, self._topic), time.monotonic() + limit_s
        while any(reached < end for reached, end in zip(self._reached, wanted, strict=True)):
            if not any(wanted):
                break
            assert self.is_alive(), "the reader died"
            assert time.monotonic() < deadline, f"{self._topic}: read up to {self._reached}, it ends at {wanted}"
            time.sleep(0.05)
        self.leave()

    def leave(self):
        """Stop, wherever it is."""
        self._finished.set()
        self.join()
