"""Reads whole topics after a run: what was written, how much, when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = 10_000


def records_of(brokers: str, topic: str) -> Iterator[Any]:
    """All committed records of a topic, in order within each partition; none if there is no such topic."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "benchmarks",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    try:
        metadata = consumer.list_topics(topic, timeout=10).topics[topic]
        partitions = [] if metadata.error else sorted(metadata.partitions)
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        unread = len(partitions)
        while unread:
            for message in consumer.consume(BATCH, timeout=1.0):
                if message.error() is None:
                    yield message
                else:  # the end of a partition; anything else comes as an exception of the next call
                    unread -= 1
    finally:
        consumer.close()


def bytes_on_disk(data_dir: Path, topic: str) -> int:
    """Bytes of a topic's log segments, compressed as they lie there."""
    return sum(file.stat().st_size for file in (data_dir / "data").glob(f"{topic}-[0-9]*/*.log"))
