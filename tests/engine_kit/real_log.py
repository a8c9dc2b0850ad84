"""Repeats the calls of a trace on a real broker, request by request, in the versions that our client speaks."""

from __future__ import annotations

import asyncio
import time

from aiokafka import TopicPartition
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from engine_kit.fake_log import STRANGER

LATEST, READ_COMMITTED, READ_UNCOMMITTED = -1, 1, 0
LONG_MS, SHORT_MS = 600_000, 4_000  # transactions that are not, and that are to time out
# The coordinator is not ready, or still writes markers (51; to a producer of records 19): clients ask again.
ASK_AGAIN = {14, 15, 16, 19, 51}
LIMIT_S = 120.0  # a new broker makes its own topics first, on a busy machine


class RealLog:
    """One partition of each topic on a real broker, as a trace knows it."""

    def __init__(self, client, topics, partition, name):
        self._client, self._topics, self._partition, self._name = client, topics, partition, name
        self._ids = {}  # (producer, epoch of the fake) -> producer id and epoch
        self._coordinators = {}

    async def differences(self, trace):
        """Where the broker answers or ends otherwise than the fake, up to the first such call; lines."""
        for number, call in enumerate(trace.calls):
            error, answer = await self._perform(call, self._timeout_ms(trace.calls[number:], call))
            what = f"{trace.name}, call {number}: {call.name} {call.producer} {call.epoch} {call.arguments}"
            if error != call.error:
                return [f"{what}: error {error}, the fake says {call.error}"]
            if call.name == "append" and not error and answer != call.answer:
                return [f"{what}: offset {answer}, the fake says {call.answer}"]
            if call.name != "append" or call is trace.calls[-1]:  # a record's own offset tells enough
                ends = await self._ends(call.ends)
                if ends != call.ends:
                    return [f"{what}: (last stable offset, high) {ends}, the fake says {call.ends}"]
        return []

    @staticmethod
    def _timeout_ms(following, call):
        """Short only for a producer whose transaction is to time out before there is another."""
        if call.name == "init_producer" and call.producer != STRANGER:
            for later in following[1:]:
                if later.producer == call.producer and later.name in ("init_producer", "time_out"):
                    return SHORT_MS if later.name == "time_out" else LONG_MS
        return LONG_MS

    async def _perform(self, call, timeout_ms):
        """(error, answer); a broker that is not ready is asked again."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            error, answer = await getattr(self, f"_{call.name}")(call, timeout_ms)
            if error not in ASK_AGAIN or time.monotonic() > deadline:
                return error, answer
            await asyncio.sleep(0.02)

    # --- calls --------------------------------------------------------------------------------------------------------
    async def _init_producer(self, call, timeout_ms):
        answer = await self._coordinator(call, InitProducerIdRequest(self._id(call), timeout_ms))
        self._ids[call.producer, call.answer] = answer.producer_id, answer.producer_epoch
        return answer.error_code, None

    async def _add_partitions(self, call, _):
        topics = [(self._topics[topic], [self._partition]) for topic in call.arguments["topics"]]
        request = AddPartitionsToTxnRequest(self._id(call), *self._ids[call.producer, call.epoch], topics)
        answer = await self._coordinator(call, request)
        return max(error for _, partitions in answer.errors for _, error in partitions), None

    async def _append(self, call, _):
        arguments, topic = call.arguments, self._topics[call.arguments["topic"]]
        producer_id, epoch = self._ids[call.producer, call.epoch]
        batch = DefaultRecordBatchBuilder(2, 0, 1, producer_id, epoch, arguments["sequence"], 100_000)
        batch.append(0, int(time.time() * 1000), arguments["key"], arguments["value"], [])
        records = [(topic, [(self._partition, bytes(batch.build()))])]
        request = ProduceRequest(self._id(call), -1, 30_000, records)
        answer = await self._client.send(self._leader(topic), request)
        _, error, offset, *_ = answer.topics[0][1][0]
        return error, offset

    async def _end_transaction(self, call, _):
        ids = self._ids[call.producer, call.epoch]
        answer = await self._coordinator(call, EndTxnRequest(self._id(call), *ids, call.arguments["commit"]))
        return answer.error_code, None

    async def _time_out(self, call, _):
        """A stranger's is played as an abort of his own; for ours we wait."""
        if call.producer == STRANGER:
            newest = max(epoch for producer, epoch in self._ids if producer == STRANGER)
            ids = self._ids[STRANGER, newest]
            answer = await self._coordinator(call, EndTxnRequest(self._id(call), *ids, False))
            return answer.error_code, None
        return 0, None

    def _id(self, call):
        return f"{self._name}-{call.producer}"

    async def _coordinator(self, call, request):
        transactional_id, deadline = self._id(call), time.monotonic() + LIMIT_S
        while transactional_id not in self._coordinators:
            try:
                node = await self._client.coordinator_lookup(CoordinationType.TRANSACTION, transactional_id)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                self._coordinators[transactional_id] = node
        node = self._coordinators[transactional_id]
        return await self._client.send(node, request, group=ConnectionGroup.COORDINATION)

    # --- ends ---------------------------------------------------------------------------------------------------------
    async def _ends(self, expected):
        """(last stable offset, high watermark) by topic, once they are as expected: markers follow the answer."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            stable, high = await self._offsets(READ_COMMITTED), await self._offsets(READ_UNCOMMITTED)
            ends = {topic: (stable[name], high[name]) for topic, name in self._topics.items()}
            if ends == expected or time.monotonic() > deadline:
                return ends
            await asyncio.sleep(0.02)

    async def _offsets(self, isolation_level):
        by_leader, found = {}, {}
        for topic in self._topics.values():
            by_leader.setdefault(self._leader(topic), []).append((topic, [(self._partition, LATEST)]))
        for leader, topics in by_leader.items():
            answer = await self._client.send(leader, OffsetRequest(-1, isolation_level, topics))
            found |= {topic: partition[3] for topic, [partition] in answer.topics}
        return found

    def _leader(self, topic):
        return self._client.cluster.leader_for_partition(TopicPartition(topic, self._partition))
