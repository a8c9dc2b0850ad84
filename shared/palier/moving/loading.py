"""Writing many records to many partitions, in transactions of a bounded size."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from palier.errors import BrokerUnreachableError, ConfigurationError
from palier.kafka.clients import client_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from palier.settings import Settings

Headers: TypeAlias = list[tuple[str, bytes]]

BATCH_BYTES: Final = 900_000  # below the brokers' default of 1 MiB
REQUEST_BYTES: Final = 4 << 20
TRANSACTION_BYTES: Final = 64 << 20  # well within the transaction's time, however slow the broker
TRANSACTION_TIMEOUT_MS: Final = 60_000
STOP_WITHIN_S: Final = 5.0


class Loader:
    """A transactional producer that fills batches by hand: a tenth of the time of sending record by record."""

    def __init__(self, producer: AIOKafkaProducer, patience_s: float) -> None:
        self._producer, self._patience_s = producer, patience_s
        self._batches: dict[TopicPartition, Any] = {}
        self._sent: list[asyncio.Future[Any]] = []
        self._bytes = 0  # since the transaction began
        self._open = False

    async def add(self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Headers) -> None:
        """One more record. It is committed with a batch of others, at the latest by `commit`."""
        place = TopicPartition(topic, partition)
        batch = self._batches.get(place)
        if batch is None or batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            batch = await self._fresh(place)
            batch.append(timestamp=None, key=key, value=value, headers=headers)  # an empty one takes any record
        self._bytes += len(key) + len(value or b"")
        if self._bytes >= TRANSACTION_BYTES:
            await self.commit()

    async def _fresh(self, place: TopicPartition) -> Any:
        if not self._open:
            await self._producer.begin_transaction()
            self._open = True
        await self._send(place)
        batch = self._batches[place] = self._producer.create_batch()
        return batch

    async def _send(self, place: TopicPartition) -> None:
        batch = self._batches.pop(place, None)
        if batch is not None:
            batch.close()
            self._sent.append(await self._producer.send_batch(batch, place.topic, partition=place.partition))

    async def commit(self) -> None:
        """Everything added so far is in Kafka for good."""
        if not self._open:
            return
        async with asyncio.timeout(self._patience_s + TRANSACTION_TIMEOUT_MS / 1000):
            for place in list(self._batches):
                await self._send(place)
            # A failed batch does not abort an aiokafka transaction by itself.
            await asyncio.gather(*self._sent)
            await self._producer.commit_transaction()
        self._sent, self._bytes, self._open = [], 0, False


@asynccontextmanager
async def loader(settings: Settings, transactional_id: str) -> AsyncIterator[Loader]:
    """A loader; whoever has used this id before is shut out, and a transaction it left open is undone.

    Raises:
        ConfigurationError: somebody else begins to use the id meanwhile, or a record is refused.
        BrokerUnreachableError: the broker went away.
    """
    producer = AIOKafkaProducer(
        **client_settings(settings),
        transactional_id=transactional_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        compression_type="zstd",  # aiokafka asks lz4 for its highest level: three times the work, and no smaller
        max_batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
    )
    try:
        async with asyncio.timeout(settings.startup_timeout):
            await producer.start()
        yield Loader(producer, settings.startup_timeout)
    except ProducerFenced:
        raise ConfigurationError(f"another process has taken {transactional_id} over: one import at a time") from None
    except (KafkaError, TimeoutError) as error:
        raise BrokerUnreachableError(f"writing to {settings.brokers} failed: {error!r}") from None
    finally:
        with suppress(TimeoutError, KafkaError):  # a broker that is gone is not waited for a second time
            async with asyncio.timeout(STOP_WITHIN_S):
                await producer.stop()
