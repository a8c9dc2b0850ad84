"""Reading a piece of a log beside the consumer, on a real broker: what is committed, what is undone, what is gone."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from palier.engine.writer import Writer

pytestmark = pytest.mark.kafka


@pytest.fixture
def log(kafka):
    """(brokers, topic): transactions of two records each: one committed, one undone, one committed, with their markers."""
    topic = f"tail-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
    producer = Producer({"bootstrap.servers": kafka.brokers, "transactional.id": topic, "linger.ms": 0})
    producer.init_transactions(30)
    for end in (producer.commit_transaction, producer.abort_transaction, producer.commit_transaction):
        producer.begin_transaction()
        for value in (b"a", b"b"):
            producer.produce(topic, value, partition=0, headers=[("batch", b"7")])
            producer.flush(30)
        end(30)
    return kafka.brokers, topic, admin


def offsets_read(brokers, topic, start, end, *, committed=False):
    """Offsets of the records that were read, once each is found to be as it was written."""

    async def scene():
        writer = Writer(
            0,
            transactional_id=f"reader-{topic}",
            changelog=topic,
            outputs=(),
            client={"bootstrap_servers": brokers},
            on_unknown_outcome=print,
        )
        await writer.fence()
        try:
            return await writer.read(topic, start, end, committed=committed)
        finally:
            await writer.close()

    records = asyncio.run(scene())
    assert all(list(record.headers) == [("batch", b"7")] and record.value in (b"a", b"b") for record in records)
    return [record.offset for record in records]


def test_markers_end_where_they_lie(log):
    """Everything, what is committed, and pieces that begin or end within a batch; 2, 5 and 8 are markers."""
    brokers, topic, _ = log
    assert offsets_read(brokers, topic, 0, 9) == [0, 1, 3, 4, 6, 7]
    assert offsets_read(brokers, topic, 0, 9, committed=True) == [0, 1, 6, 7]
    assert offsets_read(brokers, topic, 1, 4) == [1, 3]
    assert offsets_read(brokers, topic, 4, 5, committed=True) == []
    assert offsets_read(brokers, topic, 7, 8, committed=True) == [7]
    assert offsets_read(brokers, topic, 3, 3) == []


def test_what_was_deleted_is_gone(log):
    """Nobody waits for it."""
    brokers, topic, admin = log
    next(iter(admin.delete_records([TopicPartition(topic, 0, 4)]).values())).result()
    assert offsets_read(brokers, topic, 3, 5) == []
    assert offsets_read(brokers, topic, 4, 9) == [4, 6, 7]
