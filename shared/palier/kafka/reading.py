"""Reading a topic from its beginning to its end, for commands and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from palier.errors import ConfigurationError
from palier.kafka.clients import client_settings
from palier.kafka.cluster import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from palier.settings import Settings

FETCH_WAIT_MS = 200


async def read_topic(settings: Settings, topic: str) -> AsyncIterator[Any]:
    """All committed records of `topic` up to its end as it is now: aiokafka's records, in order within a partition.

    The end is the last stable offset: an open transaction, and what comes after it, is not waited for.

    Raises:
        ConfigurationError: there is no such topic.
        BrokerUnreachableError: no broker answers now.
    """
    async with connect(settings) as cluster:
        state = (await cluster.describe([topic])).topics.get(topic)
    if state is None:
        raise ConfigurationError(f"there is no topic {topic}: `palier topics --apply` makes Palier's")
    partitions = [TopicPartition(topic, number) for number in range(state.partitions)]
    consumer = AIOKafkaConsumer(
        **client_settings(settings), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        # By position, not by record: markers of transactions, aborted and compacted records are read over.
        while unread := [partition for partition in partitions if await consumer.position(partition) < ends[partition]]:
            for partition, records in (await consumer.getmany(*unread, timeout_ms=FETCH_WAIT_MS)).items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield record
    finally:
        await consumer.stop()
