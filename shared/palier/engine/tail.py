"""Reading the ends of logs beside the worker's own consumer: after fencing, to see what became of the last transaction."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping

READ_LIMIT_S = 30.0


class Tail:
    """One client for each way of reading, made when it is first wanted. `close` lets them go; then they are made anew."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = client
        self._consumers: dict[str, AIOKafkaConsumer] = {}
        self._lock = asyncio.Lock()

    async def read(self, topic: str, partition: int, start: int, end: int, *, committed: bool = False) -> list[Any]:
        """The records in [start, end), also those that are not committed unless told so."""
        tp, found = TopicPartition(topic, partition), list[Any]()
        async with self._lock, asyncio.timeout(READ_LIMIT_S):
            consumer = await self._consumer("read_committed" if committed else "read_uncommitted")
            consumer.assign([tp])
            consumer.seek(tp, start)
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=500)).values():
                    found += records
            return [record for record in found if record.offset < end]

    async def _consumer(self, isolation: str) -> AIOKafkaConsumer:
        if isolation not in self._consumers:
            consumer = AIOKafkaConsumer(
                **self._client, isolation_level=isolation, enable_auto_commit=False, auto_offset_reset="earliest"
            )
            await consumer.start()
            self._consumers[isolation] = consumer
        return self._consumers[isolation]

    async def close(self) -> None:
        """Give the connections up."""
        async with self._lock:
            consumers, self._consumers = self._consumers, {}
            await asyncio.gather(*(consumer.stop() for consumer in consumers.values()))
