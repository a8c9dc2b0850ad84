"""Bulk recovery that ends by the consumer's position. Takes the place of Faust's `Recovery`.

Stock recovery counts records, so a transaction marker, a compacted tail or an empty changelog makes it wait for ever; it
skips records it cannot apply, and takes 50 microseconds for each of the others.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from mode import Service

from palier.engine import failpoints
from palier.engine.exits import exit_now
from palier.engine.faust_logger import FAUST_LOGGER
from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from palier.engine.engine import Engine

logger = logging.getLogger(__name__)

TELL_EVERY_S = 5.0
LOOK_EVERY_S = 1.0


class Progress:
    """How far a recovery has got; tells it from time to time."""

    def __init__(self, offsets: int, now_s: float) -> None:
        self._offsets, self._began_s, self._told_s = offsets, now_s, now_s
        self.seconds_left = 0.0

    def look(self, remaining: int, now_s: float) -> None:
        """So many changelog offsets remain to be read."""
        done = self._offsets - remaining
        self.seconds_left = remaining * (now_s - self._began_s) / done if done > 0 else 0.0
        if remaining and now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            logger.info("recovering: %d of %d offsets read, %.0f s left", done, self._offsets, self.seconds_left)


def _collect_once() -> None:
    """Collect what this rebalance and the last work left behind, and let the collector pass over all that stays.

    Clients that were let go are cycles, with their buffers, and the collector hardly comes by itself
    (process.COLLECT_AT). They may have been frozen the last time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class BatchRecovery(Recovery):  # type: ignore[misc] # Faust is untyped here
    """Applies the changelogs of newly assigned partitions, then lets the engine start.

    mode finds a service's tasks by name and insists that an override is a task again, so each stock task is replaced.
    """

    logger = FAUST_LOGGER

    app: Any
    _ends: dict[TP, int]  # changelogs being applied -> where each ends
    _positions: dict[int, int]  # partition -> changelog position it was applied up to
    _applied: int
    _progress: Progress
    _looked_s = 0.0  # at the standbys

    @Service.task  # type: ignore[untyped-decorator] # mode is untyped here
    async def _slurp_changelogs(self) -> None:
        """Stock: one record at a time. Here records come through `on_records`."""

    @Service.task  # type: ignore[untyped-decorator] # mode is untyped here
    async def _publish_stats(self) -> None:
        """Stock: logs about books that we do not keep."""

    @Service.task  # type: ignore[untyped-decorator] # mode is untyped here
    async def _restart_recovery(self) -> None:
        self._ends = {}
        self._all_applied = asyncio.Event()
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            try:
                await self._recover(self._generation_id)
            except (RebalanceAgain, IllegalStateError):
                continue  # another assignment came in meanwhile; it will call us
            except ServiceStopped:
                return
            except PalierError as error:
                exit_now(error.exit_code, str(error))
            except Exception as error:  # noqa: BLE001 - crash-only
                exit_now(ExitCode.INTERNAL, f"recovery: {error!r}")

    # --- called by the consumer, between two fetches ------------------------------------------------------------------------
    def on_records(self, tp: TP, records: list[Any], position: int) -> None:
        """Changelog records of one partition. Any that cannot be applied ends the process: state is never skipped."""
        recovering = tp in self._ends
        if not (recovering or tp in self.standby_tps):
            return
        try:
            self.engine.copy(tp.partition).recover(records, position)
        except PalierError as error:
            exit_now(error.exit_code, str(error))
        except Exception as error:  # noqa: BLE001 - crash-only
            exit_now(ExitCode.DATA, f"{tp.topic}, partition {tp.partition}, from offset {records[0].offset}: {error!r}")
        if recovering:
            failpoints.reached("recovering")
            self._applied += len(records)
            self.engine.records_done += len(records)

    def after_poll(self) -> None:
        """Only here is the position exactly what was applied: no fetch is in flight."""
        if not self._ends:
            self._look_at_standbys()
            return
        position_of = self.app.consumer.position_of
        for tp in [tp for tp, end in self._ends.items() if (position_of(tp) or 0) >= end]:
            self._ends.pop(tp)
            self._positions[tp.partition] = position_of(tp)
        remaining = {tp.partition: end - (position_of(tp) or 0) for tp, end in self._ends.items()}
        self._progress.look(sum(remaining.values()), time.monotonic())
        self.engine.observer.partitions_recovering(remaining, self._progress.seconds_left)
        if not self._ends:
            self._all_applied.set()

    def _look_at_standbys(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        for tp in self.standby_tps:
            state, position = self.app.consumer.partition_state(tp), self.app.consumer.position_of(tp)
            if state is not None and state.lso is not None and position is not None:
                self.engine.observer.standby_fetched(tp.partition, max(0, state.lso - position))

    # --- one recovery -------------------------------------------------------------------------------------------------------
    @property
    def engine(self) -> Engine:
        """The owner of all decisions."""
        engine: Engine = self.app.engine
        return engine

    async def _recover(self, generation: int) -> None:
        app, consumer, engine = self.app, self.app.consumer, self.engine
        started = time.monotonic()
        self._applied = 0
        self._set_recovery_started()
        recovering = len(engine.recovery_ends())
        while ends := self._wanted():
            self._positions = {}
            await self._apply_changelogs(ends, generation)
            await self._wait(engine.recovered(self._positions))
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        self._check_current(generation)
        # Seek BEFORE the flow resumes: otherwise records from the old position are handed over.
        await self._wait(engine.position_sources(consumer))
        standbys = set(self.standby_tps)
        if standbys:
            await self._place(standbys, await consumer.highwaters(*standbys))
        self._check_current(generation)
        engine.start()
        consumer.resume_partitions(engine.sources() | standbys)
        self.completed.set()
        await self._resume_flow()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        _collect_once()
        seconds = time.monotonic() - started
        engine.observer.partitions_recovered(engine.summaries(), self._applied, seconds)
        logger.info("recovered %d changelog records of %d partitions in %.2f s", self._applied, recovering, seconds)

    def _wanted(self) -> dict[TP, int]:
        """Changelogs that are to be applied, and up to where; again, when a transaction was completed meanwhile."""
        wanted = self.engine.recovery_ends()
        return {tp: wanted[tp.partition] for tp in self.active_tps if tp.partition in wanted}

    async def _place(self, tps: set[TP], ends: Mapping[TP, int]) -> int:
        """Seek changelogs to where our copies of them read on. Returns how many offsets lie between there and the ends."""
        consumer, copy = self.app.consumer, self.engine.copy
        first = await consumer.earliest_offsets(*tps)
        positions = {tp: copy(tp.partition).read_from(first[tp], ends[tp]) for tp in tps}
        await self._wait(consumer.seek_wait(positions))
        return sum(ends[tp] - positions[tp] for tp in tps)

    def _check_current(self, generation: int) -> None:
        """Before the flow resumes: was a rebalance faster? Its partitions are neither fenced nor sought yet.

        Raises:
            RebalanceAgain: yes; its own recovery follows.
        """
        if self.app.consumer_generation_id != generation or self.engine.is_between_generations:
            raise RebalanceAgain

    async def _apply_changelogs(self, ends: dict[TP, int], generation: int) -> None:
        consumer, tps = self.app.consumer, set(ends)
        offsets = await self._place(tps, ends)
        self._check_current(generation)
        self._progress = Progress(offsets, time.monotonic())
        self._ends, self._all_applied = dict(ends), asyncio.Event()
        gc.disable()  # a million new objects, none of them garbage
        try:
            consumer.resume_partitions(tps)
            await self._resume_flow()
            await self._wait(self._all_applied.wait())
        finally:
            self._ends = {}
            consumer.pause_partitions(tps)
            gc.enable()

    async def _resume_flow(self) -> None:
        self.app.flow_control.resume()
        self.app.consumer.resume_flow()
        await self.app._fetcher.maybe_start()  # noqa: SLF001 - as Faust does


class BatchTableManager(TableManager):  # type: ignore[misc]
    """Faust's table manager with our recovery."""

    logger = FAUST_LOGGER

    _recovery: Recovery | None

    async def on_start(self) -> None:
        """Stock: the same after a second's sleep, in which an application may add tables. Ours is there already."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        """Made on first use, as in Faust."""
        if self._recovery is None:
            self._recovery = BatchRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
