"""Records into Kafka: idempotent, keyed, in whole batches per partition."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import BrokerResponseError, KafkaError

from palier.errors import BrokerUnreachableError, ConfigurationError, PalierError
from palier.kafka.clients import client_settings, wait_for_broker
from palier.kafka.cluster import connect
from palier.kafka.partitioning import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka.producer.message_accumulator import BatchBuilder

    from palier.settings import Settings
    from palier_simulator.arrival import Arrival

BATCH_BYTES = 256 * 1024  # before compression; about 900 touchpoints
PATIENCE_S = 30.0  # longer than a broker's restart; an idempotent producer by itself would try for ever
DISCONNECT_WITHIN_S = 2.0


class KafkaSink:
    """Appends records to one open batch per partition and hands full batches to the producer.

    The batches are built here and not by `producer.send`, which costs several times the making of a touchpoint.
    Kafka's timestamps are those of sending: a broker refuses simulated ones far from its clock.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        # Where no partitioner is agreed on, any will do.
        self._partitioner: Literal["murmur2", "crc32"] = "crc32" if settings.partitioner == "crc32" else "murmur2"
        self._partition: dict[bytes, int] = {}
        self._batches: dict[int, BatchBuilder] = {}
        self._under_way: set[asyncio.Future[object]] = set()
        self._failure: BaseException | None = None
        self._answered = monotonic()
        self.partitions = 0
        """Of the topic, known after `start`."""

    async def start(self) -> bool:
        """Connects. Always true, to tell it from a start broken off.

        Raises:
            BrokerUnreachableError: no broker within PALIER_STARTUP_TIMEOUT.
            ConfigurationError: the topic is missing.
        """
        await wait_for_broker(self._settings.brokers, self._settings.startup_timeout)
        self.partitions = await self._count_partitions()
        self._producer = AIOKafkaProducer(
            **client_settings(self._settings),
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
        )
        await self._producer.start()
        return True

    async def _count_partitions(self) -> int:
        """Asked before the producer is there: its own question could make a broker create the topic."""
        async with connect(self._settings) as cluster:
            state = await cluster.describe([self._topic])
        if self._topic not in state.topics:
            raise ConfigurationError(f"there is no topic {self._topic}: run `palier topics --apply`")
        return state.topics[self._topic].partitions

    async def send(self, arrivals: Sequence[Arrival]) -> None:
        """Takes records over; every batch they fill is sent.

        Raises:
            BrokerUnreachableError: the broker has stopped taking them.
        """
        for arrival in arrivals:
            partition = self._place(arrival)
            batch = self._batches.get(partition)
            if batch is None:
                batch = self._batches[partition] = self._producer.create_batch()
            if batch.append(timestamp=None, key=arrival.key, value=arrival.value) is None:  # full
                await self._hand_over(partition)
                batch = self._batches[partition] = self._producer.create_batch()
                batch.append(timestamp=None, key=arrival.key, value=arrival.value)  # the first of a batch always fits
        self._check()

    async def push(self) -> None:
        """Sends every batch as far as it is filled."""
        for partition in tuple(self._batches):
            await self._hand_over(partition)
        self._check()

    async def stop(self) -> None:
        """Sends what is left, waits until the broker has it, and disconnects.

        Raises:
            BrokerUnreachableError: the broker does not take it.
        """
        try:
            await self.push()
            while self._under_way:
                await asyncio.wait(self._under_way, timeout=1.0)
                self._check()
        finally:
            await self.disconnect()

    async def disconnect(self) -> None:
        """Leaves without waiting for anything; without effect after `stop`."""
        with suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._producer.stop(), DISCONNECT_WITHIN_S)

    def _place(self, arrival: Arrival) -> int:
        """The key's partition, or on purpose the next one."""
        partition = self._partition.get(arrival.key)
        if partition is None:
            partition = self._partition[arrival.key] = partition_of(arrival.key, self.partitions, self._partitioner)
        return (partition + 1) % self.partitions if arrival.wrong_partition else partition

    async def _hand_over(self, partition: int) -> None:
        if not self._under_way:
            self._answered = monotonic()
        sending = self._producer.send_batch(self._batches.pop(partition), self._topic, partition=partition)
        try:
            future = await asyncio.wait_for(sending, PATIENCE_S)  # waits while the partition's last batch is unsent
        except (KafkaError, TimeoutError) as error:
            raise self._gave_up(error) from None
        self._under_way.add(future)
        future.add_done_callback(self._acknowledged)

    def _acknowledged(self, future: asyncio.Future[object]) -> None:
        self._under_way.discard(future)
        self._answered = monotonic()
        if not future.cancelled() and self._failure is None:
            self._failure = future.exception()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._gave_up(self._failure)
        if self._under_way and monotonic() - self._answered > PATIENCE_S:
            raise self._gave_up(TimeoutError())

    def _gave_up(self, cause: BaseException) -> PalierError:
        if isinstance(cause, BrokerResponseError) and not cause.retriable:
            return ConfigurationError(f"the broker takes no records for topic {self._topic}: {cause}")
        return BrokerUnreachableError(f"{self._settings.brokers} has acknowledged no record for {PATIENCE_S:g} s")
