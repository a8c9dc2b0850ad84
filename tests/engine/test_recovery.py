"""What recovery decides without a broker."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from faust.tables.recovery import RebalanceAgain

from engine_kit.chain import TARGET, ChainProcessor, SilentObserver
from palier.engine.commands import MeasureSource
from palier.engine.config import EngineConfig
from palier.engine.engine import Engine
from palier.engine.losses import Losses
from palier.engine.partition_copy import PartitionCopy
from palier.engine.protocol import Phase
from palier.engine.recovery import BatchRecovery, Progress
from palier.engine.runner import Runner


def current(of_app, *, between):
    """Ask a recovery of generation 3."""
    recovery = SimpleNamespace(
        app=SimpleNamespace(consumer_generation_id=of_app), engine=SimpleNamespace(is_between_generations=between)
    )
    BatchRecovery._check_current(recovery, 3)


def test_a_recovery_that_a_rebalance_has_overtaken_lets_nothing_flow():
    """The partitions that come with it are neither fenced nor sought yet; its own recovery follows."""
    current(3, between=False)
    for of_app, between in ((4, False), (3, True)):
        with pytest.raises(RebalanceAgain):
            current(of_app, between=between)


def test_time_left_follows_the_rate_so_far():
    """Unknown before anything is read."""
    progress = Progress(1_000, 10.0)
    progress.look(1_000, 12.0)
    assert progress.seconds_left == 0
    progress.look(750, 14.0)
    assert progress.seconds_left == 12
    progress.look(0, 20.0)
    assert progress.seconds_left == 0


class _RebalancingConsumer:
    """Answers, and lets a rebalance take every partition away meanwhile."""

    def __init__(self, engine):
        self._engine, self.sought = engine, None

    async def earliest_offsets(self, *tps):
        return dict.fromkeys(tps, 0)

    async def highwaters(self, *tps):
        await self._engine.quiesce()
        await self._engine.assign(set(), 2)
        return dict.fromkeys(tps, 9)

    async def group_offsets(self, tps):
        return dict.fromkeys(tps)

    async def seek_wait(self, targets):
        self.sought = targets


def test_partitions_taken_away_while_sources_are_measured(tmp_path):
    """Nothing is sought, and nobody stumbles over what is gone."""
    engine = engine_of_one_partition(tmp_path)
    consumer = _RebalancingConsumer(engine)
    asyncio.run(engine.position_sources(consumer))
    assert consumer.sought == {}
    assert engine.is_between_generations is False
    assert engine.sources() == set()


def engine_of_one_partition(tmp_path):
    """An engine whose only partition is recovered, and waits for its source to be measured."""
    config = EngineConfig(
        application="app", brokers="", sources=("source",), outputs={TARGET: "out"}, table="chain", partitions=1,
        data_dir=tmp_path,
    )  # fmt: skip
    store = SimpleNamespace(copy=PartitionCopy, keep_only=lambda numbers: None)
    engine = Engine(config, store, ChainProcessor(), SilentObserver(), Losses())
    runner = engine._runners[0] = Runner(0, config, store, ChainProcessor(), SilentObserver(), Losses())
    runner.protocol.phase, runner.waiting = Phase.POSITIONING, MeasureSource()
    return engine
