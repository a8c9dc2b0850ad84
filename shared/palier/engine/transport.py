"""Faust's Kafka transport, made to hand over everything fetched for one partition as ONE event.

Stock Faust spends some 50 microseconds per record on its way to an agent, loses records when a fetch is in flight over a
fast rebalance, and keeps books of acknowledgements that an exception falsifies. None of that is needed here: positions
live in META, and a batch that was not committed is read again.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import faust
from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest
from faust.exceptions import ConsumerNotStarted
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from palier.engine.dated_answers import asked_for, date_answers
from palier.engine.exits import exit_now, leave_before_exit
from palier.engine.faust_logger import FAUST_LOGGER
from palier.engine.stored_records import hand_out_records_as_stored
from palier.engine.tolerant_records import tolerate_any_header_name
from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from palier.engine.engine import Engine

POLL_TIMEOUT_S = 0.1  # also how long a rebalance may have to wait for a fetch in flight
RECOVERY_POLL_TIMEOUT_S = 0.05
# How long a fetch without data stays with the broker. It goes on one connection with all others: at each turn of a rebalance
# the next one, for other partitions, waits behind it.
FETCH_MAX_WAIT_MS = 100
STORE_OFFSETS_LIMIT_S = 2.0
SLICE = 1_000  # records folded before the event loop gets its turn


@contextmanager
def _or_exit(what: str) -> Iterator[None]:
    """For what is called in the middle of a rebalance: aiokafka only logs an error there, and the worker would sit idle."""
    try:
        yield
    except PalierError as error:
        exit_now(error.exit_code, str(error))
    except Exception as error:  # noqa: BLE001 - crash-only: whatever it is, going on would guess
        exit_now(ExitCode.INTERNAL, f"{what}: {error!r}")


class Batch(NamedTuple):
    """The value of an event: records of one partition and the client's positions around them.

    Positions, not record offsets: holes left by compaction and transaction markers lie between them too.
    """

    records: list[Any]
    start: int
    end: int
    lag: int  # records up to the last stable offset that are not in this batch or an earlier one


class BatchSchema(faust.Schema):  # type: ignore[misc] # Faust is untyped here
    """`app.topic(..., schema=BatchSchema())`: nothing is decoded, so no record can kill the agent."""

    def compile(self, app: Any, **_: Any) -> Any:
        """What Faust asks for: a coroutine function from message to event."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return create_event(None, message.value, None, message)

        return decode


class BatchConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The aiokafka consumer, in its own thread so that heartbeats survive a busy event loop."""

    logger = FAUST_LOGGER

    def _create_worker_consumer(self, transport: Any) -> Any:
        tolerate_any_header_name()
        date_answers()
        consumer = super()._create_worker_consumer(transport)
        hand_out_records_as_stored(consumer)
        # Faust sets this only for its own exactly_once mode; aiokafka reads it in start(), which comes later. It also
        # makes end_offsets() answer the last stable offset.
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - watched by test_hooks
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - 1 500 in Faust, and not a setting
        return consumer

    def partition_state(self, tp: TP) -> Any:
        """What aiokafka knows of a partition; None while another assignment is coming in."""
        return self._consumer._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001 - test_hooks

    def position_of(self, tp: TP) -> int | None:
        """Next offset that aiokafka will hand out; it moves past control batches and compacted holes."""
        state = self.partition_state(tp)
        return None if state is None else state._position  # noqa: SLF001 - test_hooks

    async def store_group_offsets(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit offsets of the group; aiokafka would try for ever."""
        async with asyncio.timeout(STORE_OFFSETS_LIMIT_S):
            await self._ensure_consumer().commit(offsets)

    def leave_group(self) -> Future[Any] | None:
        """Ask the group, from any thread, to give our partitions to others now; None if there is nobody to ask.

        Only the request: aiokafka's own way would wait for a rebalance under way, and join again afterwards. A static
        member stays, since its restart keeps the partitions.
        """
        if self._consumer is None or not self.thread_loop.is_running():
            return None
        if threading.current_thread() is self._thread:  # it is about to wait for an answer that only it could fetch
            return None
        coordinator = self._consumer._coordinator  # noqa: SLF001 - watched by test_hooks, with all below
        if coordinator._group_instance_id is not None or coordinator.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID:  # noqa: SLF001
            return None
        request = LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
        return asyncio.run_coroutine_threadsafe(coordinator._send_req(request), self.thread_loop)  # noqa: SLF001


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """Fetches, hands over whole batches, and asks the engine at every turn of a rebalance."""

    logger = FAUST_LOGGER

    app: Any
    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Fetches and seeks exclude each other. Otherwise a fetch in flight over a fast rebalance returns records from
        # AFTER the seek, they are dropped as stale, and the position has moved: a silent gap.
        self.position_lock = asyncio.Lock()
        self._expected: dict[TP, int] = {}  # where each partition must stand before the next fetch

    @property
    def engine(self) -> Engine:
        """The owner of all decisions."""
        engine: Engine = self.app.engine
        return engine

    def _new_consumer_thread(self) -> BatchConsumerThread:
        thread = BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)
        leave_before_exit(thread.leave_group)
        return thread

    def position_of(self, tp: TP) -> int | None:
        """See BatchConsumerThread."""
        return self._thread.position_of(tp)

    def partition_state(self, tp: TP) -> Any:
        """See BatchConsumerThread."""
        return self._thread.partition_state(tp)

    # --- hand-over ------------------------------------------------------------------------------------------------------
    async def _drain_messages(self, fetcher: Any) -> None:
        """Run, cancelled and restarted by Faust's Fetcher service."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):  # noqa: SLF001 - as Faust does
                if self.flow_active:
                    async with self.position_lock:
                        await self._drain_once()
                    await asyncio.sleep(0)
                else:
                    await self.wait(self.can_resume_flow)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                exit_now(ExitCode.INTERNAL, "the Kafka consumer stopped by itself")
        except asyncio.CancelledError:
            if not self.app.should_stop:  # raised on, Faust's Fetcher would take a stop for a crash
                raise
        except CorruptRecordException as error:
            exit_now(ExitCode.DATA, self._corrupt(error))
        except Exception as error:  # noqa: BLE001 - crash-only: whatever it is, going on would guess
            exit_now(ExitCode.INTERNAL, f"fetching: {error!r}")

    def _corrupt(self, error: CorruptRecordException) -> str:
        """Where a batch fails its checksum. aiokafka names the partition in the text, and no offset."""
        for tp, position in self._expected.items():
            if str(TopicPartition(*tp)) in str(error):
                return (
                    f"{tp.topic}, partition {tp.partition}, at or after offset {position}: a batch fails its checksum, "
                    "the broker's disk is damaged; restore the replica (nothing can be read past it)"
                )
        return f"a batch fails its checksum, the broker's disk is damaged: {error}"

    async def _drain_once(self) -> None:
        generation = self.app.consumer_generation_id  # taken BEFORE the fetch
        active = frozenset(self._get_active_partitions())  # a copy: the other thread must not see it change
        if not active:
            await asyncio.sleep(0.02)  # an empty set would mean "all partitions" to aiokafka
            return
        self._check_positions(active)
        recovering = self.app.in_recovery
        fetched = await self._getmany(active, RECOVERY_POLL_TIMEOUT_S if recovering else POLL_TIMEOUT_S)
        for tp in active:
            records, start, end = fetched.get(tp, ()), self._expected[tp], self.position_of(tp)
            if end is None or not self.flow_active or self.app.consumer_generation_id != generation:
                return  # everything is sought again after a rebalance
            if tp.topic in self.app.tables.changelog_topics:
                if records:
                    self.app.tables.recovery.on_records(tp, records, end)
            elif not await self._hand_over(tp, records, start, end, generation):
                return
            self._expected[tp] = end
        self.app.tables.recovery.after_poll()

    def _check_positions(self, active: frozenset[TP]) -> None:
        """Nobody but fetches and our own seeks may move a position; what moved unseen would be a silent gap."""
        for tp in active:
            position = self.position_of(tp)
            if position is not None and position != self._expected.get(tp):
                exit_now(
                    ExitCode.INTERNAL,
                    f"{tp.topic}, partition {tp.partition} stands at {position}, expected {self._expected.get(tp)}",
                )

    async def _hand_over(self, tp: TP, records: Any, start: int, end: int, generation: int) -> bool:
        """Slices of one fetch to the agent, in order. False: interrupted, the rest is read again."""
        state = self._thread.partition_state(tp)
        asked_s = asked_for(state)
        stable = end if state is None or state.lso is None else max(state.lso, end)
        if asked_s is not None and state.highwater is not None:
            self.engine.observe_fetch(tp, end, records, state, asked_s)
        for first in range(0, len(records), SLICE):
            part = records[first : first + SLICE]
            last = first + SLICE >= len(records)
            stop = end if last else part[-1].offset + 1
            message = self._message(tp, Batch(part, start, stop, stable - stop), generation)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            if not self.flow_active:
                return False
            start = stop
        if not records and end != start:
            # Only markers or aborted records: an empty batch moves the executor's position on.
            message = self._message(tp, Batch([], start, end, stable - end), generation)
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            return bool(self.flow_active)
        return True

    def _message(self, tp: TP, batch: Batch, generation: int) -> ConsumerMessage:
        timestamp = batch.records[-1].timestamp / 1000.0 if batch.records else 0.0
        return ConsumerMessage(
            tp.topic, tp.partition, batch.end - 1, timestamp, 0, None, None, batch, None, 0, 0, tp,
            generation_id=generation,
        )  # fmt: skip

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """The only way positions change, other than by fetching."""
        async with self.position_lock:
            await super().seek_wait(partitions)
            self._expected.update(partitions)

    # --- rebalance ------------------------------------------------------------------------------------------------------
    async def wait_empty(self) -> None:
        """Called on revoke and on stop (stream_wait_empty). Stock Faust waits for acknowledgements here; we finish."""
        with _or_exit("giving partitions back"):
            committed = await self.engine.quiesce()
        await self._store_group_offsets(committed)  # while we are still a member

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Fence before you read: `super()` starts recovery."""
        with _or_exit("taking partitions over"):
            await self.engine.assign(assigned, generation_id)
        await super().on_partitions_assigned(assigned, generation_id)

    async def group_offsets(self, tps: set[TP]) -> dict[TP, int | None]:
        """The group's committed offset of each partition; None where there is none."""
        consumer = self._thread._ensure_consumer()  # noqa: SLF001 - as Faust does
        return {tp: await self._thread.call_thread(consumer.committed, TopicPartition(*tp)) for tp in tps}

    async def perform_seek(self) -> None:
        """Nothing: the engine seeks to META. Stock Faust would seek to the group's offsets here."""

    # --- group offsets: advisory, for lag tools ---------------------------------------------------------------------------
    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
        """Tell the group where META stands."""
        return not self.app.rebalancing and await self._store_group_offsets(self.engine.committed_offsets())

    async def _store_group_offsets(self, offsets: dict[TopicPartition, int]) -> bool:
        """Only people and tools read them, so a failure is no matter."""
        if not offsets:
            return False
        try:
            await self._thread.call_thread(self._thread.store_group_offsets, offsets)
        except (KafkaError, ConsumerNotStarted, TimeoutError) as error:
            self.log.debug("group offsets not stored: %r", error)
            return False
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own check for stuck partitions reads books that we do not keep."""

    async def on_task_error(self, exc: BaseException) -> None:
        """A task of the consumer died."""
        exit_now(ExitCode.INTERNAL, f"consumer: {exc!r}")


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Faust's aiokafka transport with our consumer."""

    Consumer = BatchConsumer
