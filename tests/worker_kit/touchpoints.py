"""Logs of touchpoints to publish: (key, value) in order of arrival."""

from __future__ import annotations

import json
import random
import threading
import time
from itertools import chain

from confluent_kafka import Producer

from model import histories
from model.naive import milliseconds
from palier_simulator.malformed import FAULTS, with_malformed
from palier_simulator.world import Profile, World

DAY_MS = 86_400_000
END = milliseconds("2026-01-01T00:00:00Z")


def simulated(seed, contacts, days, malformed=0.01):
    """Lifelike traffic of the simulator, with values that must be refused among it."""
    world = World(Profile(contacts, seed, END - days * DAY_MS, END))
    faults = [fault for fault in FAULTS if not fault.needs_kafka]
    return [(arrival.key, arrival.value) for arrival in with_malformed(world.history(), malformed, seed, faults)]


def nasty(seed, count, contacts=None):
    """Histories that go where a fold breaks: ties, edges, repeats, lateness, erasure, waking, caps, resets."""
    log = histories.touchpoints(seed, count, contacts)
    return [
        (touchpoint["contact_id"].encode(), json.dumps(touchpoint, ensure_ascii=False).encode()) for touchpoint in log
    ]


def shuffled(seed, *logs):
    """Several logs of different contacts as one, each in its own order."""
    turns = list(chain.from_iterable([number] * len(log) for number, log in enumerate(logs)))
    random.Random(seed).shuffle(turns)
    sources = [iter(log) for log in logs]
    return [next(sources[number]) for number in turns]


def producer(settings, **more):
    """librdkafka, idempotent, placing keys as Java does."""
    return Producer(
        {
            "bootstrap.servers": settings.brokers,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "compression.type": "lz4",  # what a broker's limit of size is about; a long value may pass it
            "message.max.bytes": 16 << 20,
            "log_level": 0,
            **more,
        }
    )


def touchpoints_topic(settings):
    """Where upstream publishes to."""
    return f"{settings.topic_prefix}{settings.touchpoints_topic}"


def publish(settings, log, **more):
    """Send a log and wait until all is acknowledged."""
    sender, topic = producer(settings, **more), touchpoints_topic(settings)
    for number, (key, value) in enumerate(log):
        sender.produce(topic, value, key)
        if number % 1_000 == 0:
            sender.poll(0)
    assert sender.flush(60) == 0


def publish_in_transactions(settings, log, size=50):
    """The same in transactions. After each comes one that is undone, whose touchpoints would count if they were read."""
    sender = producer(settings, **{"transactional.id": f"{settings.topic_prefix}upstream"})
    topic = touchpoints_topic(settings)
    sender.init_transactions()
    for start in range(0, len(log), size):
        sender.begin_transaction()
        for key, value in log[start : start + size]:
            sender.produce(topic, value, key)
        sender.commit_transaction()
        sender.begin_transaction()
        for key, value in log[start : start + size]:
            sender.produce(topic, value.replace(b'"id":', b'"id":"undone","was":', 1), key)
        sender.flush()
        sender.abort_transaction()


class Traffic(threading.Thread):
    """A log at a steady rate, until its end or until it is told to finish."""

    def __init__(self, settings, log, rate):
        super().__init__(daemon=True)
        self._producer, self._topic = producer(settings), touchpoints_topic(settings)
        self._log, self._rate = log, rate
        self._finished = threading.Event()
        self.sent = 0
        self.start()

    def run(self):
        started = time.monotonic()
        for key, value in self._log:
            if self._finished.is_set():
                break
            self._producer.produce(self._topic, value, key)
            self.sent += 1
            while self.sent > (time.monotonic() - started) * self._rate:
                self._producer.poll(0.01)
        assert self._producer.flush(30) == 0

    def finish(self):
        """Stop and wait until everything is acknowledged."""
        self._finished.set()
        self.join()
