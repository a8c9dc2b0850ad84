"""Our idea of where a key goes, against the producers that upstream teams use."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from palier.contracts.topics import topic_contracts
from palier.kafka.clients import client_settings
from palier.kafka.partitioning import Partitioner, partition_of
from palier.kafka.reading import read_topic

if TYPE_CHECKING:
    from palier.settings import Settings

KEYS = [str(uuid.UUID(int=number * 2**97 % 2**128)).encode()[: 1 + number % 36] for number in range(300)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("librdkafka", "ours"), [("consistent_random", "crc32"), ("murmur2_random", "murmur2"), (None, "murmur2")]
)
async def test_keys_are_where_the_producer_put_them(
    topic_settings: Settings, librdkafka: str | None, ours: Partitioner
):
    """The default of librdkafka is our crc32; its Java-compatible setting, and aiokafka's default, are our murmur2."""
    topic = topic_contracts(topic_settings)[0].name
    if librdkafka is None:
        async with AIOKafkaProducer(**client_settings(topic_settings)) as producer:
            await asyncio.gather(*[await producer.send(topic, b"{}", key=key) for key in KEYS])
    else:
        with_librdkafka = Producer({"bootstrap.servers": topic_settings.brokers, "partitioner": librdkafka})
        for key in KEYS:
            with_librdkafka.produce(topic, b"{}", key=key)
        assert with_librdkafka.flush(20) == 0
    found = defaultdict(set)
    async for record in read_topic(topic_settings, topic):
        found[record.key].add(record.partition)
    assert found == {key: {partition_of(key, 4, ours)} for key in KEYS}
