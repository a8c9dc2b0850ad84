"""From what the engine says to what the metrics show."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from palier.health import WorkerState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.engine.ports import CommittedCheckpoint
    from palier.metrics import Metrics
    from palier_tiers.context import Tally


class MetricsObserver:
    """palier.engine.ports.Observer over palier.metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._owned: set[int] = set()

    def state_changed(self, state: str) -> None:
        """See Observer."""
        self._metrics.worker_state(WorkerState(state))

    def partitions_assigned(self, active: set[int], standby: set[int], partitions: int) -> None:
        """See Observer."""
        self._metrics.topic_partitions(partitions)
        self._metrics.rebalanced()
        for partition in self._owned - active:
            self._metrics.partition_revoked(partition)
        for partition in active:
            self._metrics.partition_assigned(partition)
        self._owned = set(active)
        self._metrics.standby_partitions(standby)

    def standby_fetched(self, partition: int, lag: int) -> None:
        """See Observer."""
        self._metrics.standby_lag(partition, lag)

    def data_lost(self, records: int) -> None:
        """See Observer."""
        self._metrics.data_lost(records)

    def partitions_recovering(self, remaining: Mapping[int, int], seconds_left: float) -> None:
        """See Observer."""
        self._metrics.recovery_time_left(seconds_left)
        for partition, records in remaining.items():
            self._metrics.recovery_remaining(partition, records)

    def partitions_recovered(self, partitions: Mapping[int, Mapping[str, Any]], records: int, seconds: float) -> None:
        """See Observer."""
        for partition, summary in partitions.items():
            self._metrics.partition_recovered(partition, seconds if records else None)
            self._metrics.contacts(partition, summary.get("contacts", {}))

    def checkpoint_committed(self, checkpoint: CommittedCheckpoint) -> None:
        """See Observer."""
        tally: Tally = checkpoint.effects
        metrics = self._metrics
        metrics.checkpoint_committed(
            checkpoint.partition,
            seconds=checkpoint.seconds,
            records=checkpoint.records,
            timestamps_ms=tally.timestamps_ms,
        )
        metrics.uncommitted(checkpoint.partition, checkpoint.pending)
        metrics.touchpoints_committed(tally.outcomes)
        metrics.verdicts_committed(tally.all_verdicts(), tally.evidence, tally.bot_withdrawals)
        metrics.reversals_committed(tally.taken_back, tally.not_reversible)
        metrics.tier_changes_committed(tally.changes)
        metrics.dead_letters_committed(tally.refusals)
        metrics.contacts(checkpoint.partition, tally.contacts)
        metrics.event_time(checkpoint.partition, tally.newest_occurred_at)

    def batch_fetched(self, partition: int, lag: int, newest_ms: int, stuck_s: float) -> None:
        """See Observer."""
        seconds = max(0.0, time.time() - newest_ms / 1000) if lag and newest_ms else 0.0
        self._metrics.stuck(partition, seconds=stuck_s)
        self._metrics.lag(partition, records=lag, seconds=seconds)

    def alive(self) -> None:
        """See Observer."""
        self._metrics.health.heartbeat.touch()
