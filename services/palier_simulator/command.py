"""What the command line asks for is done here: a world, a pace, a sink, and an orderly end."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from palier.errors import BrokerUnreachableError
from palier_simulator.json_lines import JsonLinesSink, open_lines
from palier_simulator.malformed import FAULTS, with_malformed
from palier_simulator.pace import at_rate, at_speed, deliver, in_real_time, unthrottled
from palier_simulator.progress import Progress, logger
from palier_simulator.stopping import GRACE_S, Stopping
from palier_simulator.world import Profile, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from palier.errors import ExitCode
    from palier.settings import Settings
    from palier_simulator.arguments import Options
    from palier_simulator.arrival import Arrival
    from palier_simulator.malformed import Fault
    from palier_simulator.pace import Pace, Sink


async def run(options: Options) -> ExitCode:
    """Runs until all is delivered or a signal comes.

    Raises:
        PalierError: the run cannot start or go on; its message says why in one line.
    """
    try:
        async with asyncio.timeout(None) as limit:
            stopping = Stopping(limit)
            async with _open_sink(options, stopping) as (sink, faults):
                if sink is not None and not stopping.requested:
                    await _simulate(options, sink, faults, stopping)
    except TimeoutError:
        raise BrokerUnreachableError(f"stopped; the last records were not acknowledged within {GRACE_S:g} s") from None
    return stopping.exit_code


async def _simulate(options: Options, sink: Sink, faults: Iterable[Fault], stopping: Stopping) -> None:
    """The past first, then, if asked for, the present."""
    logger.info("%s", _headline(options))
    progress = Progress()
    world = World(Profile(options.contacts, options.seed, options.start_ms, options.end_ms))

    def spoiled(arrivals: Iterable[Arrival], seed: int) -> Iterable[Arrival]:
        return with_malformed(arrivals, options.malformed, seed, faults)

    await deliver(spoiled(world.history(), options.seed), _pace(options), sink, stopping, progress)
    if options.then_live and not stopping.requested:
        now_ms = time.time_ns() // 1_000_000
        logger.info("the past is told; on in real time, about %g records a second", options.live_rate)
        live = world.live(options.live_rate)
        await deliver(spoiled(live, options.seed + 1), in_real_time(now_ms), sink, stopping, progress)
    progress.ended(early=stopping.requested)


def _pace(options: Options) -> Pace:
    if options.rate is not None:
        return at_rate(options.rate)
    if options.speed is not None:
        return at_speed(options.start_ms, options.speed)
    return unthrottled


@asynccontextmanager
async def _open_sink(options: Options, stopping: Stopping) -> AsyncIterator[tuple[Sink | None, list[Fault]]]:
    """The sink, None if a signal came while it was opened, and the faults that can exist there. Flushed at the end."""
    if options.jsonl is not None:
        with open_lines(options.jsonl) as file:
            yield JsonLinesSink(file), [fault for fault in FAULTS if not fault.needs_kafka]
        return
    from palier.settings import load_settings
    from palier_simulator.kafka_sink import KafkaSink

    settings = load_settings(**({} if options.brokers is None else {"brokers": options.brokers}))
    sink = KafkaSink(settings)
    if await stopping.unless_stopped(sink.start()):
        try:
            yield sink, _kafka_faults(settings, sink.partitions)
            await sink.stop()
        finally:
            await sink.disconnect()
    else:
        yield None, []


def _kafka_faults(settings: Settings, partitions: int) -> list[Fault]:
    """Without an agreed partitioner, or with one partition, no record lies in a wrong one."""
    placed = settings.partitioner != "none" and partitions > 1
    return [fault for fault in FAULTS if placed or not fault.misplaced]


def _headline(options: Options) -> str:
    start, end = (
        datetime.fromtimestamp(moment / 1_000, UTC).isoformat() for moment in (options.start_ms, options.end_ms)
    )
    return f"{options.contacts:,} contacts, seed {options.seed}, from --start {start} to --end {end}"
