"""Carries out the protocol's commands for one partition: the only place where they meet Kafka."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import msgspec

from palier.contracts.records import BATCH_HEADER
from palier.engine import failpoints
from palier.engine.clock import PartitionClock
from palier.engine.commands import (
    Begin,
    Command,
    Commit,
    EndHanging,
    Exit,
    Fence,
    Fold,
    MeasureLogs,
    MeasureSource,
    ReadChangelogTail,
    ReadOutput,
    Recover,
    Seek,
    SendChangelog,
    SendOutputs,
    WriteAgain,
)
from palier.engine.events import (
    Begun,
    ChangelogAcknowledged,
    ChangelogTailRead,
    CheckpointDue,
    Committed,
    Event,
    Failed,
    Fenced,
    HangingEnded,
    LogsMeasured,
    OutputRead,
    OutputsAcknowledged,
    Revoked,
    TimersTaken,
    WrittenAgain,
)
from palier.engine.exits import exit_now
from palier.engine.failures import failure_of
from palier.engine.meta import META_KEY, Meta, encode_meta
from palier.engine.partition import Partition
from palier.engine.ports import CommittedCheckpoint
from palier.engine.protocol import SETTLE_ATTEMPTS, SETTLE_PAUSE_S, PartitionProtocol
from palier.engine.unfinished import Fate, Whole, belong_to, last_whole
from palier.engine.writer import Writer
from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from palier.engine.config import EngineConfig
    from palier.engine.losses import Losses
    from palier.engine.partition import PartitionSnapshot
    from palier.engine.ports import Observer, Processor
    from palier.engine.table import PartitionedStore

logger = logging.getLogger(__name__)

COMMIT_LIMIT_S = 60.0  # a broker restart takes 15
FENCE_LIMIT_S = 60.0
SETTLE_LIMIT_S = 60.0
MARKERS_LIMIT_S = SETTLE_ATTEMPTS * SETTLE_PAUSE_S  # after a broker came back, as after fencing
TIMERS_PER_TICK = 100  # some 10 ms: the event loop has other things to do
MAX_EXPIRED = 1_000  # contacts that timers put into one transaction: it has to stay short, and memory small
MAX_PENDING = 100_000  # records folded and not yet in a transaction, before the intake waits
BACKLOG = 10_000  # records left unread above which checkpoints are stretched, so that more updates coalesce
STRETCH = 10.0
STRETCHED_LIMIT_S = 1.0
OVERTAKEN = "a producer was renewed, and the logs do not end with our last transaction: a successor may have been here"
MARKERS_LOST = "a broker came back without the end of our last transaction; the next start writes it"


class Runner:
    """One assigned partition: its protocol, state, producer and checkpoint task."""

    def __init__(
        self,
        number: int,
        config: EngineConfig,
        store: PartitionedStore,
        processor: Processor,
        observer: Observer,
        losses: Losses,
    ) -> None:
        self.number = number
        self.protocol = PartitionProtocol(number, frozenset(config.sources), config.changelog, config.outputs, losses)
        self.partition = Partition(store.copy(number), processor)
        self.waiting: Command | None = None  # what only the consumer can carry out: Recover, MeasureSource, Seek
        self.lag = 0
        self.clock = PartitionClock(config.event_clock)
        self._config, self._store, self._processor, self._observer = config, store, processor, observer
        self._writer: Writer | None = None
        self._snapshot: PartitionSnapshot | None = None
        self._meta: Meta | None = None
        self._position: int | None = None  # changelog offset after the META just sent
        self._whole: Whole | None = None  # of the last transaction, as long as it is to be completed
        self._undone: dict[str, list[tuple[bytes | None, bytes | None, list[Any]]]] = {}  # target -> its records in it
        self._begun_at = 0.0
        self._expired = 0  # contacts that timers changed since the last transaction began
        self._checkpoints: asyncio.Task[None] | None = None
        self._wake, self._room, self._quiescing = asyncio.Event(), asyncio.Event(), asyncio.Event()

    # --- the protocol's way through -----------------------------------------------------------------------------------
    async def drive(self, event: Event) -> None:
        """Hand an event to the protocol and carry out what follows, until it waits for something."""
        self.waiting = None
        command = self.protocol.handle(event)
        while command is not None:
            if isinstance(command, Recover | MeasureSource | Seek):
                self.waiting = command
                return
            following = await self._try(command)
            command = None if following is None else self.protocol.handle(following)

    async def _try(self, command: Command) -> Event | None:
        limit = FENCE_LIMIT_S if isinstance(command, Fence) else COMMIT_LIMIT_S
        try:
            async with asyncio.timeout(limit):
                return await self._carry_out(command)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - crash-only: the reason goes to the one line of the exit
            open_s = time.monotonic() - self._begun_at
            return failure_of(error, command, self.number, limit_s=limit, open_s=open_s)

    async def _carry_out(self, command: Command) -> Event | None:
        match command:
            case Fence():
                return await self._fence()
            case MeasureLogs(pause_s):
                await asyncio.sleep(pause_s)
                return LogsMeasured(*await self.writer.measure())
            case EndHanging():
                await self.writer.end_hanging()
                logger.warning("partition %d: a transaction lay open after fencing: undone", self.number)
                return HangingEnded()
            case ReadChangelogTail(start, end):
                self._whole = last_whole(await self.writer.read(self._config.changelog, start, end))
                return ChangelogTailRead(None if self._whole is None else self._whole.meta)
            case ReadOutput(target):
                return OutputRead(target, await self._fate_of(command))
            case WriteAgain(meta, targets, states):
                await self._write_again(meta, targets, self._whole.states if states and self._whole else [])
                return WrittenAgain()
            case Begin(batch_number, positions):
                return await self._begin(batch_number, dict(positions))
            case SendOutputs():
                await self._send_outputs()
                return OutputsAcknowledged()
            case SendChangelog():
                self._position = await self._send_changelog()
                return ChangelogAcknowledged(self._position)
            case Commit():
                return await self._commit()
            case Exit(code, reason):
                exit_now(code, reason)
            case _:  # Release: nothing is left to do; Fold is carried out by `submit`
                return None
        return None

    # --- commands -----------------------------------------------------------------------------------------------------
    @property
    def writer(self) -> Writer:
        """The fenced producer."""
        assert self._writer is not None
        return self._writer

    async def _fence(self) -> Event:
        self.partition = Partition(self._store.copy(self.number), self._processor)
        self._expired = 0
        await self._take_new_writer()
        failpoints.reached("fenced")
        return Fenced()

    async def _take_new_writer(self) -> None:
        await self.close()
        config = self._config
        self._writer = Writer(
            self.number,
            transactional_id=f"{config.application}-p{self.number}",
            changelog=config.changelog,
            outputs=config.outputs.values(),
            client=config.client,
            on_unknown_outcome=lambda why: exit_now(ExitCode.INTERNAL, f"partition {self.number}: {why}"),
        )
        await self._writer.fence()

    async def _fate_of(self, output: ReadOutput) -> Fate:
        """Of what a transaction wrote to an output; what is undone of it is kept, to be written again."""
        topic, end = self._config.outputs[output.target], output.end
        if await self.writer.read(topic, end - 1, end, committed=True):
            return Fate.COMMITTED
        records = await self.writer.read(topic, end - output.count, end)
        if not belong_to(records, output.batch_number, output.count):
            return Fate.GONE
        self._undone[output.target] = [(record.key, record.value, list(record.headers)) for record in records]
        return Fate.UNDONE

    async def _write_again(self, meta: Meta, targets: Iterable[str], states: list[Any]) -> None:
        """In a transaction as any other: outputs first, META last, which tells where the outputs lie now."""
        topics = [*(self._config.outputs[target] for target in targets), self._config.changelog]
        await self.writer.begin(topics)
        ends = {target: await self._write_output(target, self._undone[target]) for target in targets}
        failpoints.reached("completing")
        again = msgspec.structs.replace(meta, ends=meta.ends | ends, attempt=meta.attempt + 1)
        await self._write_changelog(again, [(record.key, record.value) for record in states])
        await self.writer.commit()
        self._undone, self._whole = {}, None
        logger.warning(
            "partition %d: batch %d was undone in %s: written again", self.number, meta.batch_number, ", ".join(topics)
        )

    async def _write_output(self, target: str, records: Sequence[tuple[bytes | None, bytes | None, list[Any]]]) -> int:
        """Records are key, value and headers. Returns the offset after them."""
        topic = self._config.outputs[target]
        last = await self.writer.send(topic, records)
        if last is None:  # only we write there
            _, high = await self.writer.measure()
            return high[topic]
        return last + 1

    async def _begin(self, batch_number: int, positions: dict[str, int]) -> Event:
        if not self.protocol.running:
            await self._settle()  # nothing is folded any more, so waiting moves no position
        self._begun_at = time.monotonic()
        self._expired = 0
        snapshot = self._snapshot = self.partition.snapshot(
            batch_number
        )  # no await since the position was taken: an exact cut
        self._room.set()
        records = {target: len(outputs) for target, outputs in snapshot.outputs.items()}
        outputs = sum(records.values())
        records["changelog"] = len(snapshot.changelog)
        self._meta = Meta(
            batch_number=batch_number,
            positions=positions,
            records=records,
            summary=snapshot.summary,
            deletions=sum(state is None for state in snapshot.changelog.values()),
        )
        topics = [self._config.outputs[target] for target in snapshot.outputs]
        await self.writer.begin([*topics, self._config.changelog])
        failpoints.reached("begun")
        return Begun(self._meta, outputs)

    async def _send_outputs(self) -> None:
        assert self._snapshot is not None
        assert self._meta is not None
        header = (BATCH_HEADER, b"%d" % self._meta.batch_number)
        outputs = self._snapshot.outputs
        ends = await asyncio.gather(
            *(
                self._write_output(target, [(key, value, [*headers, header]) for key, value, headers in records])
                for target, records in outputs.items()
            )
        )
        self._meta = msgspec.structs.replace(self._meta, ends=dict(zip(outputs, ends, strict=True)))
        failpoints.reached("outputs-acknowledged")

    async def _send_changelog(self) -> int | None:
        assert self._snapshot is not None
        assert self._meta is not None
        position = await self._write_changelog(self._meta, self._snapshot.changelog.items())
        failpoints.reached("changelog-acknowledged")
        return position

    async def _write_changelog(self, meta: Meta, states: Iterable[tuple[bytes, bytes | None]]) -> int | None:
        """META last. Returns the offset after it, None if the broker did not tell."""
        no_headers: list[Any] = []
        records: list[tuple[bytes, bytes | None, list[Any]]] = [(key, value, no_headers) for key, value in states]
        records.append((META_KEY, encode_meta(meta), no_headers))
        last = await self.writer.send(self._config.changelog, records)
        return None if last is None else last + 1

    async def _commit(self) -> Event:
        await self.writer.commit()
        failpoints.reached("committed")
        snapshot, meta = self._snapshot, self._meta
        assert snapshot is not None
        assert meta is not None
        self.partition.commit(meta, self._position)
        failpoints.reached("stored")
        self._observer.checkpoint_committed(
            CommittedCheckpoint(
                self.number,
                meta.batch_number,
                time.monotonic() - self._begun_at,
                {**meta.records, "meta": 1},
                meta.positions,
                snapshot.effects,
                self.partition.pending,
            )
        )
        self._snapshot = self._meta = None
        self._processor.committed(self.partition, snapshot.effects)
        return Committed()

    # --- running ------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """The source stands where META says: take batches, make checkpoints."""
        self._wake.clear()
        self._quiescing.clear()
        self._checkpoints = asyncio.create_task(self._checkpoint_often(), name=f"checkpoints-{self.number}")

    def accepts(self, command: Command | None) -> bool:
        """Carry out the answer to a batch: True for Fold."""
        if isinstance(command, Exit):
            exit_now(command.code, command.reason)
        return isinstance(command, Fold)

    def folded(self, records: int, lag: int) -> None:
        """A batch was folded."""
        self.partition.pending += records
        self.lag = lag
        self._wake.set()

    def tick(self, now_s: float) -> bool:
        """Look at contacts that have fallen due, some of them. True: there are more."""
        partition, protocol, processor = self.partition, self.protocol, self._processor
        if not protocol.running or self._expired >= MAX_EXPIRED:
            return False
        clock_ms = self.clock.now_ms(protocol.next, processor.clock_ms(partition), now_s)
        until_ms = clock_ms - int(self._config.timer_grace_s * 1000)
        offset = max(protocol.next.values()) - 1
        keys = partition.timers.take(until_ms, TIMERS_PER_TICK)
        for key in keys:
            due_ms = processor.expire(partition, key, until_ms, offset)
            self._expired += key in partition.live  # who is only put off brings no transaction that would end the count
            if due_ms is not None:
                partition.timers.schedule(key, due_ms)
        if keys and (partition.live or partition.outputs):
            failpoints.reached("timers")
            protocol.handle(TimersTaken())
            self._wake.set()
        return len(keys) == TIMERS_PER_TICK

    async def wait_for_room(self) -> None:
        """Hold the intake back while too much waits for a transaction."""
        while self.partition.pending > MAX_PENDING and self.protocol.running:
            self._room.clear()
            await self._room.wait()

    async def _checkpoint_often(self) -> None:
        """One transaction after the other; batches are folded while one is in flight."""
        due = time.monotonic() + self._config.checkpoint_interval_s * (self.number % 8) / 8  # spread over partitions
        while self.protocol.running:
            await self._wake.wait()
            await self._sleep_until(due)
            self._wake.clear()
            due = time.monotonic() + self._interval
            await self._settle()
            await self.drive(CheckpointDue())

    async def _settle(self) -> None:
        """Between two transactions: put a new producer in place of a worn one.

        And after a broker went away, begin nothing while our last transaction still lacks markers.

        The next one would decide its fate too. If they do not come, the process ends, and fencing mends it.
        """
        if self.writer.is_worn and self.protocol.position is not None:
            logger.info("partition %d: producer renewed", self.number)
            await self._take_new_writer()
            measured = await self._try(MeasureLogs())
            if not (isinstance(measured, LogsMeasured) and self.protocol.stands_at(measured)):
                overtaken = Failed(f"partition {self.number}: {OVERTAKEN}")
                await self.drive(measured if isinstance(measured, Failed) else overtaken)
        deadline, is_back = time.monotonic() + SETTLE_LIMIT_S, False
        while self.writer.contact_lost:
            measured = await self._try(MeasureLogs(SETTLE_PAUSE_S))
            if isinstance(measured, LogsMeasured) and measured.stable == measured.high:
                self.writer.contact_regained()
            elif isinstance(measured, Failed) and time.monotonic() < deadline:
                await asyncio.sleep(SETTLE_PAUSE_S)  # the broker is still away
            elif time.monotonic() >= deadline:
                lost = Failed(f"partition {self.number}: {MARKERS_LOST}")
                await self.drive(measured if isinstance(measured, Failed) else lost)
            elif not is_back:  # it answers: its markers are worth less patience than itself
                deadline, is_back = time.monotonic() + MARKERS_LIMIT_S, True

    @property
    def _interval(self) -> float:
        interval = self._config.checkpoint_interval_s
        return max(interval, min(STRETCH * interval, STRETCHED_LIMIT_S)) if self.lag > BACKLOG else interval

    async def _sleep_until(self, due: float) -> None:
        pause = due - time.monotonic()
        if pause > 0 and not self._quiescing.is_set():
            try:
                async with asyncio.timeout(pause):
                    await self._quiescing.wait()
            except TimeoutError:
                pass

    # --- letting go ---------------------------------------------------------------------------------------------------
    async def quiesce(self) -> None:
        """Take nothing new, commit what was folded. Fenced or too slow: the process ends."""
        if self.protocol.running and not self.protocol.checkpointing:
            await self._settle()
        failpoints.reached("revoked")
        was_checkpointing = self.protocol.checkpointing
        command = self.protocol.handle(Revoked())
        self._quiescing.set()
        self._wake.set()
        self._room.set()
        if self._checkpoints is not None:
            if command is None and was_checkpointing:
                await self._checkpoints  # carries the running transaction through, and one more if there is need
            else:
                self._checkpoints.cancel()
                await asyncio.gather(self._checkpoints, return_exceptions=True)
            self._checkpoints = None
        while command is not None:
            following = await self._try(command)
            command = None if following is None else self.protocol.handle(following)
        self.waiting = None

    async def close(self) -> None:
        """Give the producer up."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
