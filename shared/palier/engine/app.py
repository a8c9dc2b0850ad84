"""Puts the engine together: a Faust app whose transport, table and recovery are ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust

from palier.engine.engine import Engine
from palier.engine.faust_logger import FAUST_LOGGER
from palier.engine.losses import Losses
from palier.engine.partition_copy import PartitionCopy
from palier.engine.recovery import BatchTableManager
from palier.engine.store import MemoryStore
from palier.engine.table import PartitionedTable
from palier.engine.transport import BatchSchema, BatchTransport
from palier.engine.writer import ANSWER_LIMIT_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from palier.engine.config import EngineConfig
    from palier.engine.ports import Observer, Processor
    from palier.engine.store import StateStore

MAX_FETCH_BYTES = 1 << 20  # per partition and request; more is no faster, and recovery holds so much of each partition
QUEUED_BATCHES = 8


class EngineApp(faust.App):  # type: ignore[misc] # Faust is untyped here
    """A Faust app with an engine."""

    logger = FAUST_LOGGER

    engine: Engine

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def copies(config: EngineConfig, losses: Losses) -> Callable[[int], PartitionCopy]:
    """How the copy of a partition is opened: in memory it begins empty, on disk with what was left there."""

    def open_copy(number: int) -> PartitionCopy:
        store: StateStore = MemoryStore()
        if config.store == "rocksdb://":
            from palier.engine.rocksdb_store import RocksStore

            store = RocksStore(
                config.data_dir / "rocksdb" / str(number), limit_s=config.store_limit_s, log=config.changelog
            )
        return PartitionCopy(number, store, changelog=config.changelog, losses=losses)

    return open_copy


def create_engine_app(config: EngineConfig, processor: Processor, observer: Observer) -> EngineApp:
    """A Faust app that folds `config.sources` with `processor`. Nothing is started, no module state is touched."""
    session = config.session_timeout_s
    config.data_dir.mkdir(parents=True, exist_ok=True)  # Faust makes only the last part of the path
    app = EngineApp(
        config.application,
        broker=[f"kafka://{broker.strip()}" for broker in config.brokers.split(",")],
        store="memory://",
        topic_partitions=config.partitions,
        topic_allow_declare=False,  # topics are made by `palier topics --apply`
        topic_disable_leader=True,
        web_enabled=False,
        datadir=config.data_dir,
        TableManager=BatchTableManager,
        table_standby_replicas=config.standbys,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=config.fetch_records,
        consumer_max_fetch_size=MAX_FETCH_BYTES,
        broker_session_timeout=session,
        consumer_group_instance_id=config.group_instance_id,
        # The answer to a heartbeat is how others hear that a worker has left: its partitions rest that long.
        broker_heartbeat_interval=min(session / 6, 0.5),
        # A fetch whose answer was lost: so long do its partitions rest. Kafka's clients ask for more than a session.
        broker_request_timeout=max(ANSWER_LIMIT_MS / 1000, session + 5.0),
        broker_rebalance_timeout=max(60.0, session),
        broker_commit_interval=1.0,
        stream_buffer_maxsize=QUEUED_BATCHES,
        stream_recovery_delay=0.0,
        stream_wait_empty=True,
    )
    losses = Losses(accepted=config.accept_data_loss, count=observer.data_lost)
    table = PartitionedTable(app, name=config.table, open_copy=copies(config, losses), partitions=config.partitions)
    app.tables.add(table)
    engine = app.engine = Engine(config, table.data, processor, observer, losses)

    async def fold_batches(stream: Any) -> None:
        async for event in stream.noack().events():
            await engine.submit(event.message)

    sources = app.topic(*config.sources, schema=BatchSchema(), partitions=config.partitions)
    app.agent(sources, name=f"{config.application}-fold")(fold_batches)
    return app
