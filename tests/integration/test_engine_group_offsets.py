"""The group's offsets: nobody decides by them, but lag tools read them."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from engine_kit.driver import Traffic, Worker
from engine_kit.judge import ends, positions

pytestmark = pytest.mark.kafka

PARTITIONS = 2


def stored(brokers, name):
    """Offset that the group stands at, by partition."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": name})
    found = consumer.committed([TopicPartition(f"{name}-source", number) for number in range(PARTITIONS)], 10)
    consumer.close()
    return [partition.offset for partition in found]


def test_a_worker_that_stops_leaves_the_group_where_meta_stands(chain, tmp_path):
    """They are stored once a second, and a last time after the last checkpoint: lag tools then tell the truth."""
    brokers, name = chain
    traffic = Traffic(brokers, name, PARTITIONS, rate=2_000, seconds=60)
    worker = Worker(brokers, name, PARTITIONS, tmp_path)
    traffic.start()
    try:
        while not all(positions(brokers, name, PARTITIONS)):
            assert worker.process.poll() is None, worker.log.read_text()
        assert worker.stop() == 0, worker.log.read_text()
    finally:
        worker.kill()
        traffic.finish()
    assert stored(brokers, name) == positions(brokers, name, PARTITIONS)
    assert positions(brokers, name, PARTITIONS) != ends(brokers, f"{name}-source", PARTITIONS), (
        "all done: proves nothing"
    )
