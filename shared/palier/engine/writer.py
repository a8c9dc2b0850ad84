"""A fenced transactional producer. The one that was started last owns the partition."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.transaction import EndTxnRequest

from palier.contracts.brokers import MAX_REQUEST_BYTES, TRANSACTION_TIMEOUT_MS
from palier.engine import failpoints, tail
from palier.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

READ_UNCOMMITTED, READ_COMMITTED = 0, 1
LATEST = -1
MAX_BATCH_BYTES = 128_000  # what a core's cache holds: compresses about as well as 1 MiB, and faster
# A call without an answer (a packet lost, a broker that hangs) is made again, or the process ends, while its transaction
# still lives; aiokafka's 40 s would be too late for both.
ANSWER_LIMIT_MS = TRANSACTION_TIMEOUT_MS * 2 // 3
COMPRESSION = "zstd"  # aiokafka takes lz4 at its slowest level, which costs four times as much and packs worse


class Writer:
    """Writes one partition number of the changelog and of each output, in transactions."""

    # aiokafka's sequence numbers go negative at 2^31 records of one producer and partition; brokers then refuse them.
    RENEW_AFTER = 1 << 30

    def __init__(
        self,
        partition: int,
        *,
        transactional_id: str,
        changelog: str,
        outputs: Iterable[str],
        client: Mapping[str, Any],
        on_unknown_outcome: Callable[[str], None],
    ) -> None:
        self.partition = partition
        self.topics = [TopicPartition(topic, partition) for topic in (*outputs, changelog)]
        self._producer = AIOKafkaProducer(
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            compression_type=COMPRESSION,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=ANSWER_LIMIT_MS,
            **client,
        )
        self._on_unknown_outcome = on_unknown_outcome
        self._sent = 0  # an upper bound for each partition
        self._connections: dict[Any, Any] = {}  # as they were when the logs were last known to be whole
        self._guard_end_of_transaction()

    def _guard_end_of_transaction(self) -> None:
        """Never retry EndTxn: aiokafka does silently, and a late first one could then commit half of the next.

        Versions of the protocol that aiokafka speaks have no epoch per transaction, so the broker cannot tell a
        delayed request from a new one. An attempt that ends without a decoded answer ends the process.
        """
        send = self._producer.client.send

        async def guarded(node_id: int, request: Any, **options: Any) -> Any:
            if not isinstance(request, EndTxnRequest):
                return await send(node_id, request, **options)
            failpoints.reached("end-due")
            try:
                return await failpoints.under_way("end-sent", send(node_id, request, **options))
            except BaseException as error:
                self._on_unknown_outcome(
                    f"the end of a transaction was not answered ({type(error).__name__}): whether it is committed, "
                    "the log tells at the next start"
                )
                raise

        self._producer.client.send = guarded

    async def fence(self) -> None:
        """InitProducerId: bumps the epoch, ends the old owner's transaction, shuts out a zombie."""
        await self._producer.start()

    async def close(self) -> None:
        """Close the connections. A transaction that is open stays for the next owner to abort."""
        await self._producer.stop()

    # --- a transaction ------------------------------------------------------------------------------------------------
    async def begin(self, topics: Iterable[str]) -> None:
        """Begin, and name every partition at once: otherwise each first send costs a round trip of its own."""
        await self._producer.begin_transaction()
        wanted = set(topics)
        for tp in self.topics:
            if tp.topic in wanted:
                self._producer._txn_manager.maybe_add_partition_to_txn(tp)  # noqa: SLF001 - watched by test_hooks

    async def send(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, list[Any]]]) -> int | None:
        """Send (key, value, headers) and wait for every acknowledgement.

        A failed batch does not abort an aiokafka transaction by itself, so none may be left unawaited. Returns the
        offset of the last record, None if the broker did not tell.
        """
        producer, partition, sent = self._producer, self.partition, []
        self._sent += len(records)
        batch = producer.create_batch()
        append, count = batch.append, 0
        for key, value, headers in records:
            if append(timestamp=None, key=key, value=value, headers=headers) is None:
                batch.close()
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                append, count = batch.append, 0
                if append(timestamp=None, key=key, value=value, headers=headers) is None:
                    raise InternalError(f"a record of {len(value or b'')} bytes fits no batch of {topic}")
            count += 1
        if count:
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        acknowledged = await asyncio.gather(*sent)
        last = acknowledged[-1].offset if acknowledged else -1
        return last + count - 1 if last >= 0 else None

    async def commit(self) -> None:
        """EndTxn(commit)."""
        self._connections = self._current_connections()
        await self._producer.commit_transaction()

    @property
    def is_worn(self) -> bool:
        """Its sequence numbers will soon be used up: put a new one in its place."""
        return self._sent >= self.RENEW_AFTER

    @property
    def contact_lost(self) -> bool:
        """A broker went away since the last commit: it may have forgotten that transaction's markers."""
        current = self._current_connections()
        return any(current.get(node) is not connection for node, connection in self._connections.items())

    def contact_regained(self) -> None:
        """The logs were found whole."""
        self._connections = self._current_connections()

    def _current_connections(self) -> dict[Any, Any]:
        connections = self._producer.client._conns  # noqa: SLF001 - watched by test_hooks
        return {node: connection for node, connection in connections.items() if connection.connected()}

    async def abort(self) -> None:
        """EndTxn(abort)."""
        await self._producer.abort_transaction()

    # --- after fencing ------------------------------------------------------------------------------------------------
    async def measure(self) -> tuple[dict[str, int], dict[str, int]]:
        """Last stable offset and high watermark of every topic we write."""
        return await self._ends(READ_COMMITTED), await self._ends(READ_UNCOMMITTED)

    async def read(self, topic: str, start: int, end: int, *, committed: bool = False) -> list[Any]:
        """Records in [start, end) of one of our topics, also those that are not committed unless told so."""
        tp = TopicPartition(topic, self.partition)
        return await tail.read(self._producer.client, await self._leader(tp), tp, start, end, committed=committed)

    async def _leader(self, tp: TopicPartition) -> int:
        client = self._producer.client
        leader: int | None = client.cluster.leader_for_partition(tp)
        if leader is None or leader < 0:
            client.add_topic(tp.topic)
            await client.force_metadata_update()
            leader = client.cluster.leader_for_partition(tp)
            if leader is None or leader < 0:
                raise InternalError(f"{tp.topic}, partition {tp.partition} has no leader")
        return leader

    async def _ends(self, isolation_level: int) -> dict[str, int]:
        client = self._producer.client
        by_leader: dict[int, list[str]] = {}
        for tp in self.topics:
            by_leader.setdefault(await self._leader(tp), []).append(tp.topic)
        ends: dict[str, int] = {}
        for leader, topics in by_leader.items():
            request = OffsetRequest(-1, isolation_level, [(topic, [(self.partition, LATEST)]) for topic in topics])
            response = await client.send(leader, request)
            for topic, partitions in response.topics:
                for _, error_code, _, offset, *_ in partitions:
                    if error_code:
                        raise InternalError(f"end of {topic}, partition {self.partition}: Kafka error {error_code}")
                    ends[topic] = offset
        return ends

    async def end_hanging(self) -> None:
        """A transaction without records, aborted: its markers undo whatever is open for our producer id."""
        await self.begin(tp.topic for tp in self.topics)
        await self.abort()
