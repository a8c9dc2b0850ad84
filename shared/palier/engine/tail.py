"""Reading the uncommitted end of a partition: needed only when a broker has lost a transaction's markers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_LIMIT_S = 30.0


async def last_record(
    client: Mapping[str, Any], topic: str, partition: int, start: int, end: int, *, committed: bool = False
) -> Any:
    """The last record in [start, end), committed or not unless told so; None if there is none."""
    isolation = "read_committed" if committed else "read_uncommitted"
    tp, last = TopicPartition(topic, partition), None
    consumer = AIOKafkaConsumer(**client, isolation_level=isolation, enable_auto_commit=False)
    await consumer.start()
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            consumer.assign([tp])
            consumer.seek(tp, start)
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=500)).values():
                    last = records[-1]
    finally:
        await consumer.stop()
    return last
