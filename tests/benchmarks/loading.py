"""Puts the workload on a topic, once, as an upstream app in Java would: keys by murmur2, lz4."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from confluent_kafka import Producer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.workload import Arrival

POLL_EVERY = 5_000
NOW = repeat(0)


def load(brokers: str, topic: str, arrivals: Iterable[Arrival], timestamps: Iterable[int] = NOW) -> int:
    """Produce every arrival in order; the bytes of all values. Raises RuntimeError if the broker did not take one.

    `timestamps`: Kafka's for each arrival, in milliseconds; 0: when it is produced.
    """
    refused: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 20,
            "enable.idempotence": True,  # in order, and none twice
            "queue.buffering.max.messages": 500_000,
            "log_level": 0,  # a young broker asks for patience, in red
        }
    )

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            refused.append(str(error))

    size = 0
    for number, (arrival, timestamp) in enumerate(zip(arrivals, timestamps, strict=False)):
        while True:
            try:
                producer.produce(topic, arrival.value, arrival.key, timestamp=timestamp, on_delivery=delivered)
                break
            except BufferError:  # the queue is full: let it drain
                producer.poll(0.1)
        size += len(arrival.value)
        if number % POLL_EVERY == 0:
            producer.poll(0)
    if producer.flush(60) or refused:
        raise RuntimeError(f"{topic}: {len(refused)} records refused or not sent in time: {refused[:1]}")
    return size
