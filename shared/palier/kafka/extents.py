"""Where partitions begin and end, and reading one of them in bulk."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError

from palier.errors import BrokerUnreachableError, DataError
from palier.kafka.clients import client_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from palier.settings import Settings

FETCH_WAIT_MS = 200
FETCH_BYTES = 8 << 20
STOP_WITHIN_S = 2.0


class Extent(NamedTuple):
    """Of a partition: its first offset, its last stable offset, and where it ends (the high watermark)."""

    first: int
    stable: int
    end: int


async def extents(settings: Settings, topic: str, partitions: int) -> list[Extent]:
    """The extent of each partition of a topic, by number.

    Raises:
        BrokerUnreachableError: no answer within PALIER_STARTUP_TIMEOUT, or the broker's word of what is wrong.
    """
    numbers = [TopicPartition(topic, number) for number in range(partitions)]
    async with _answering(settings), consumer(settings) as committed, consumer(settings, committed=False) as all_:
        first, stable, end = (
            await committed.beginning_offsets(numbers),
            await committed.end_offsets(numbers),
            await all_.end_offsets(numbers),
        )
    return [Extent(first[number], stable[number], end[number]) for number in numbers]


@asynccontextmanager
async def consumer(settings: Settings, *, committed: bool = True) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, for `assign`: of committed records only, unless told otherwise."""
    made = AIOKafkaConsumer(
        **client_settings(settings),
        isolation_level="read_committed" if committed else "read_uncommitted",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await made.start()
        await asyncio.sleep(0)  # a task of aiokafka's that is ended before its first step makes stop() fail
        yield made
    finally:
        # Cancelled while it takes note of an assignment, aiokafka's fetching goes on, and so does this waiting for it.
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                await made.stop()


async def read_through(
    reader: AIOKafkaConsumer, topic: str, partition: int, extent: Extent, patience_s: float
) -> AsyncIterator[tuple[Sequence[Any], int]]:
    """All committed records of one partition within `extent`: in batches, each with the position after it.

    By position, not by record: markers, aborted and compacted records are read over.

    Raises:
        BrokerUnreachableError: no progress for `patience_s`.
        DataError: a record's checksum does not fit it.
    """
    if extent.first == extent.stable:
        return
    place = TopicPartition(topic, partition)
    reader.assign([place])
    reader.seek(place, extent.first)
    position, moved_at = extent.first, time.monotonic()
    while position < extent.stable:
        try:
            records = (await reader.getmany(place, timeout_ms=FETCH_WAIT_MS)).get(place, ())
        except CorruptRecordException as error:
            raise DataError(f"{topic}, partition {partition}, from offset {position}: {error}") from None
        before, position = position, await reader.position(place)
        if position > before:
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > patience_s:
            raise BrokerUnreachableError(f"{topic}, partition {partition}: no answer for {patience_s:g} s")
        yield [record for record in records if record.offset < extent.stable], position


@asynccontextmanager
async def _answering(settings: Settings) -> AsyncIterator[None]:
    """Turns silence, and what the client says of it, into the error that says so."""
    try:
        async with asyncio.timeout(settings.startup_timeout):
            yield
    except TimeoutError:
        raise BrokerUnreachableError(f"no answer from {settings.brokers} for {settings.startup_timeout:g} s") from None
    except KafkaError as error:
        raise BrokerUnreachableError(f"asking {settings.brokers} failed: {error!r}") from None
