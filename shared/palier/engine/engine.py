"""The partitions this worker owns: assigned, recovered, fed with batches, checkpointed, released."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from faust.types import TP

from palier.engine.commands import MeasureSource, Recover, Seek
from palier.engine.events import Assigned, BatchArrived, Recovered, Sought, SourceMeasured
from palier.engine.exits import exit_now
from palier.engine.runner import Runner
from palier.engine.watchdog import Progress
from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from palier.engine.config import EngineConfig
    from palier.engine.losses import Losses
    from palier.engine.partition_copy import PartitionCopy
    from palier.engine.ports import Observer, Processor
    from palier.engine.table import PartitionedStore

logger = logging.getLogger(__name__)

TICK_S = 0.25
# When many fall due at once they are taken in small portions, with a rest after each that is so many times as long. What a
# demotion costs later, in its transaction, comes on top: with these, touchpoints keep more than half of their throughput.
REST, REST_BEHIND = 1.0, 3.0


class Engine:
    """Called by the consumer (assign, submit, quiesce) and by recovery (the steps in between), on one event loop."""

    def __init__(
        self,
        config: EngineConfig,
        store: PartitionedStore,
        processor: Processor,
        observer: Observer,
        losses: Losses,
    ) -> None:
        self.config, self.observer = config, observer
        self.losses = losses
        self._store, self._processor = store, processor
        self._runners: dict[int, Runner] = {}
        self._generation = -1
        self.is_between_generations = True  # what we had is given back, what we get is not known yet
        self._turned_at_s = time.monotonic()
        self.records_done = 0  # folded or recovered

    def copy(self, number: int) -> PartitionCopy:
        """What we have of a partition that is assigned to us, as its owner or as a standby."""
        return self._store.copy(number)

    # --- assignment: fence, before anything is read -------------------------------------------------------------------
    async def assign(self, assigned: set[TP], generation: int) -> None:
        """A new generation of the group. Afterwards each partition waits for recovery, or is retained as it is."""
        self.observer.state_changed("recovering")
        numbers = {tp.partition for tp in assigned if tp.topic in self.config.sources}
        standby = {tp.partition for tp in assigned if tp.topic == self.config.changelog} - numbers
        gone = [self._runners.pop(number) for number in set(self._runners) - numbers]
        await asyncio.gather(*(runner.close() for runner in gone), return_exceptions=True)
        self._store.keep_only(numbers | standby)
        for number in numbers - set(self._runners):
            self._runners[number] = Runner(
                number, self.config, self._store, self._processor, self.observer, self.losses
            )
        self._generation = generation
        self.is_between_generations = False
        await asyncio.gather(*(runner.drive(Assigned(generation)) for runner in self._runners.values()))
        recovering = sorted(self.recovery_ends())
        retained = sorted(numbers.difference(recovering))
        logger.info(
            "generation %d: partitions %s to recover, %s retained, %s standby",
            generation, recovering, retained, sorted(standby),
        )  # fmt: skip
        self.observer.partitions_assigned(numbers, standby, self.config.partitions)

    def sources(self) -> set[TP]:
        """Source partitions of those that are assigned to us."""
        return {TP(topic, number) for number in self._runners for topic in self.config.sources}

    def recovery_ends(self) -> dict[int, int]:
        """Changelog offset up to which each partition that is not retained must be applied."""
        return {
            number: runner.waiting.end
            for number, runner in self._runners.items()
            if isinstance(runner.waiting, Recover)
        }

    async def recovered(self, positions: Mapping[int, int]) -> None:
        """The changelogs are applied; `positions`: where each was left. Some may have to be read on: see `recovery_ends`."""
        for number, runner in list(self._runners.items()):
            if isinstance(runner.waiting, Recover) and number in positions:
                copy = runner.partition.copy
                if not copy.recovered():
                    continue
                await runner.drive(Recovered(copy.meta, positions[number], copy.records_read, copy.behind_meta))
                if not isinstance(runner.waiting, Recover):
                    self._processor.open(runner.partition, copy.meta.summary)

    async def position_sources(self, consumer: Any) -> None:
        """Seek every source partition to the META of its state."""
        runners = [runner for runner in self._runners.values() if isinstance(runner.waiting, MeasureSource)]
        tps = {TP(topic, runner.number) for runner in runners for topic in self.config.sources}
        if not tps:
            return
        first = await consumer.earliest_offsets(*tps)
        ends = await consumer.highwaters(*tps)
        # Not from self._runners: while we waited, a rebalance may have taken partitions away.
        new = {
            TP(topic, runner.number)
            for runner in runners
            for topic in self.config.sources
            if not runner.partition.meta.batch_number
        }
        group = await consumer.group_offsets(new)
        targets: dict[TP, int] = {}
        for runner in runners:
            at = {topic: TP(topic, runner.number) for topic in self.config.sources}
            await runner.drive(
                SourceMeasured(
                    {topic: first[tp] for topic, tp in at.items()},
                    {topic: ends[tp] for topic, tp in at.items()},
                    {topic: group.get(tp) for topic, tp in at.items()},
                )
            )
            if isinstance(runner.waiting, Seek):  # else a rebalance was faster
                targets.update({at[topic]: position for topic, position in runner.waiting.positions.items()})
        await consumer.seek_wait(targets)

    def start(self) -> None:
        """Everything is recovered and sought: take batches."""
        for runner in self._runners.values():
            if isinstance(runner.waiting, Seek):
                runner.waiting = None
                runner.protocol.handle(Sought())
                runner.start()
        self.observer.state_changed("running")

    def summaries(self) -> dict[int, Mapping[str, Any]]:
        """The processor's summary in each partition's META."""
        return {number: runner.partition.meta.summary for number, runner in self._runners.items()}

    # --- the hot path -------------------------------------------------------------------------------------------------
    async def submit(self, message: Any) -> None:
        """One batch of one source partition. The fold does not await, so a batch is atomic in this process."""
        runner = self._runners.get(message.partition)
        if runner is None or message.generation_id != self._generation:
            return  # fetched before a rebalance; it is read again
        records, start, end, lag = message.value
        if not runner.accepts(runner.protocol.handle(BatchArrived(message.topic, start, end))):
            return
        try:
            self._processor.fold(runner.partition, message.topic, records)
        except PalierError as error:
            exit_now(error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - crash-only
            exit_now(
                ExitCode.INTERNAL,
                f"fold of {message.topic}, partition {message.partition}, offsets {start} to {end}: {error!r}",
            )
        self.records_done += len(records)
        runner.folded(len(records), lag)
        await runner.wait_for_room()

    def observe_fetch(self, tp: TP, end: int, records: list[Any], state: Any, asked_s: float) -> None:
        """A fetch was answered; `end`: our position after it, `state`: what aiokafka knows since one asked for then."""
        stable = state.highwater if state.lso is None else state.lso
        runner = self._runners.get(tp.partition)
        if runner is None:
            return  # a rebalance was faster
        stuck_s = runner.clock.fetched(tp.topic, stable, state.highwater, asked_s)
        newest_ms = records[-1].timestamp if records else 0
        self.observer.batch_fetched(tp.partition, max(0, stable - end), newest_ms, stuck_s)

    # --- revoke and stop ----------------------------------------------------------------------------------------------
    async def quiesce(self) -> dict[TopicPartition, int]:
        """Finish every partition: nothing new, one last checkpoint. Returns where META of those that ran now stands."""
        self.observer.state_changed("draining")
        self.is_between_generations = True
        ran = [runner for runner in self._runners.values() if runner.protocol.running]
        await asyncio.gather(*(runner.quiesce() for runner in self._runners.values()))
        return _committed_offsets(ran)

    @property
    def is_drained(self) -> bool:
        """Nothing that was folded waits for a transaction, and nothing new is taken. Asked from another thread."""
        return self.is_between_generations and not any(
            runner.protocol.running or runner.protocol.checkpointing or not runner.partition.clean
            for runner in list(self._runners.values())
        )

    def committed_offsets(self) -> dict[TopicPartition, int]:
        """Where META stands, for tools that watch the group."""
        return _committed_offsets(runner for runner in self._runners.values() if runner.protocol.running)

    def progress(self) -> Progress:
        """What the watchdog asks, from its own thread."""
        runners = list(self._runners.values())
        return Progress(
            self._turned_at_s,
            self.records_done + sum(runner.protocol.committed.batch_number for runner in runners) + self._generation,
            any(runner.lag > 0 or not runner.partition.clean or not runner.protocol.running for runner in runners),
        )

    async def keep_time(self) -> None:
        """Tell the observer that the loop turns, and look at contacts that fall due, until cancelled."""
        while True:
            self._turned_at_s = time.monotonic()
            self.observer.alive()
            worked_s = 0.0
            for runner in list(self._runners.values()):
                worked_s += self._tick(runner)
                await asyncio.sleep(0)
            behind = any(runner.lag for runner in self._runners.values())
            await asyncio.sleep(worked_s * (REST_BEHIND if behind else REST) if worked_s else TICK_S)

    def _tick(self, runner: Runner) -> float:
        """Look at some contacts of a partition. How long that took if there are more, else 0."""
        started = time.monotonic()
        try:
            more = runner.tick(time.time())
        except PalierError as error:
            exit_now(error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - crash-only
            exit_now(ExitCode.INTERNAL, f"timers of partition {runner.number}: {error!r}")
        return time.monotonic() - started if more else 0.0


def _committed_offsets(runners: Iterable[Runner]) -> dict[TopicPartition, int]:
    return {
        TopicPartition(topic, runner.number): position
        for runner in runners
        for topic, position in runner.protocol.committed.positions.items()
    }
