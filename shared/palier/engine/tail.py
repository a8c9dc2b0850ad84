"""Reading a piece of a log on a connection that is there already: after fencing, to see what became of the last transaction.

A consumer of its own would take longer to be made than all there is to read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import errors
from aiokafka.consumer import fetcher
from aiokafka.protocol.fetch import FetchRequest

if TYPE_CHECKING:
    from aiokafka import TopicPartition
    from aiokafka.client import AIOKafkaClient

AT_MOST_BYTES = 8 << 20  # of one answer
NOTHING_YET_S = 0.02
ABORTED_BEFORE_LAST = 11  # version of the answer from which a preferred replica stands behind the aborted transactions


async def read(
    client: AIOKafkaClient, leader: int, tp: TopicPartition, start: int, end: int, *, committed: bool = False
) -> list[Any]:
    """The records in [start, end), also those that are not committed unless told so. Waits until all of it is stable.

    `client` may be any producer's or consumer's, `leader` is a node's id. If the log begins behind `start`, what lies before
    is gone, and the answer is empty.

    Raises:
        KafkaError: the broker refuses.
    """
    isolation = fetcher.READ_COMMITTED if committed else fetcher.READ_UNCOMMITTED
    found: list[Any] = []
    while start < end:
        request = FetchRequest(
            0, 1, AT_MOST_BYTES, isolation, [(tp.topic, [(tp.partition, start, AT_MOST_BYTES)])]
        )  # fmt: skip
        answer = await client.send(leader, request)
        ((_, ((_, error_code, _, *rest),)),) = answer.topics
        if error_code == errors.OffsetOutOfRangeError.errno:
            return []
        if error_code:
            raise errors.for_code(error_code)
        aborted = rest[2] if answer.API_VERSION >= ABORTED_BEFORE_LAST else rest[-2]
        records = fetcher.PartitionRecords(
            tp, fetcher.MemoryRecords(rest[-1]), aborted, start, None, None, False, isolation
        )  # fmt: skip
        found += records
        if records.next_fetch_offset == start:
            await asyncio.sleep(NOTHING_YET_S)
        start = records.next_fetch_offset
    return [record for record in found if record.offset < end]
