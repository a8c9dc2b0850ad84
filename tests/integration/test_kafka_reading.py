"""Reading a topic to its end, past everything that a transactional log has besides records."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from palier.contracts.topics import topic_contracts
from palier.errors import ConfigurationError
from palier.kafka.clients import client_settings
from palier.kafka.reading import read_topic

if TYPE_CHECKING:
    from palier.settings import Settings

pytestmark = pytest.mark.asyncio


async def test_only_committed_records_and_each_partition_in_order(topic_settings: Settings):
    """Aborted records are left out, markers at the end do not hang the reader, an open transaction is not waited for."""
    topic = topic_contracts(topic_settings)[0].name
    client = client_settings(topic_settings)
    async with AIOKafkaProducer(**client, transactional_id=f"{topic}-a") as producer:
        for values, keep in [(b"01", True), (b"ab", False), (b"23", True), (b"cd", False)]:
            await producer.begin_transaction()
            for value in values:
                await producer.send_and_wait(topic, bytes([value]), partition=value % 2)
            await (producer.commit_transaction() if keep else producer.abort_transaction())
    async with AIOKafkaProducer(**client, transactional_id=f"{topic}-open") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", partition=0)
        async with asyncio.timeout(20):
            records = [record async for record in read_topic(topic_settings, topic)]
        await producer.abort_transaction()
    by_partition = [[record.value for record in records if record.partition == number] for number in range(4)]
    assert by_partition == [[b"0", b"2"], [b"1", b"3"], [], []]


async def test_a_topic_that_is_not_there_is_wrong_use(topic_settings: Settings):
    """No empty answer for a name that was misspelt, and no topic made by asking."""
    with pytest.raises(ConfigurationError, match="no topic misspelt"):
        _ = [record async for record in read_topic(topic_settings, "misspelt")]
