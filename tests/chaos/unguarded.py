"""What a late commit does to a program that uses aiokafka as its documentation shows: the harness bites.

The program copies numbers in transactions, input offsets included, and begins anew with a new producer after any error:
exactly once, one should think. aiokafka repeats an EndTxn whose connection broke, is told that all is well, and begins the
next transaction with the same epoch; the first EndTxn, late, then commits as much of it as the broker has.

In tests/:  python -m chaos.unguarded
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.ghost import NEXT_TRANSACTION, Ghost
from chaos.proxy import KafkaProxy, kafka_behind

NUMBERS = 12
IN_A_TRANSACTION = 2
RESTARTS = 10


@dataclass(frozen=True)
class Outcome:
    """What a copy shows to read_committed readers after a ghost, and what the broker answered it (0: it committed)."""

    placement: str
    answer: int | None
    lost: int
    doubled: int
    errors: tuple[str, ...]


def haunted_copy(proxy, kafka, placement):
    """The Outcome of a copy of all numbers, haunted by the ghost of its second commit."""
    name = uuid.uuid4().hex[:8]
    source, target = f"source-{name}", f"target-{name}"
    admin = AdminClient({"bootstrap.servers": kafka.brokers, "log_level": 0})
    for made in admin.create_topics([NewTopic(source, 1), NewTopic(target, 1)]).values():
        made.result(10)
    asyncio.run(_publish(kafka.brokers, source))
    ghost = Ghost(proxy, placement, nth=2, settle_s=0.2)
    errors = asyncio.run(_copy_whatever_happens(proxy.brokers, source, target))
    assert ghost.gone.wait(5), f"nothing came {placement}"
    proxy.clear()
    copied = Counter(asyncio.run(_read(kafka.brokers, target)))
    assert set(copied) <= set(range(NUMBERS))
    return Outcome(placement, ghost.answer, NUMBERS - len(copied), copied.total() - len(copied), tuple(errors))


async def _publish(brokers, topic):
    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        for number in range(NUMBERS):
            await producer.send_and_wait(topic, b"%d" % number, partition=0)


async def _copy_whatever_happens(brokers, source, target):
    """Copy to the end, beginning anew after an error as a supervisor would; the errors."""
    errors = []
    for _ in range(RESTARTS):
        try:
            await _copy(brokers, source, target)
        except KafkaError as error:
            errors.append(type(error).__name__)
        else:
            return errors
    raise AssertionError(f"no end after {errors}")


async def _copy(brokers, source, target):
    group, partition = f"group-{source}", TopicPartition(source, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(bootstrap_servers=brokers, transactional_id=f"copies-{source}")
    async with producer, consumer:  # fenced before it reads how far it has come
        consumer.assign([partition])
        while (await consumer.position(partition)) < NUMBERS:
            fetched = await consumer.getmany(timeout_ms=200, max_records=IN_A_TRANSACTION)
            async with producer.transaction():
                for record in fetched.get(partition, []):
                    await producer.send_and_wait(target, record.value, partition=0)
                position = await consumer.position(partition)
                await producer.send_offsets_to_transaction({partition: position}, group)


async def _read(brokers, topic):
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed") as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning()
        end, numbers = (await consumer.end_offsets([partition]))[partition], []
        while await consumer.position(partition) < end:
            numbers += [int(record.value) for record in (await consumer.getmany(timeout_ms=200)).get(partition, [])]
        return numbers


def main():
    """A line for each placement."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    proxy = KafkaProxy()
    with tempfile.TemporaryDirectory() as folder, proxy, kafka_behind(proxy, Path(folder)) as kafka:
        for placement in NEXT_TRANSACTION:
            print(haunted_copy(proxy, kafka, placement), flush=True)


if __name__ == "__main__":
    main()
