"""Every metric of a worker, once: name, labels, unit, help. Callers state what happened; nobody else names a metric.

Names and labels are public interface: dashboards and alerts hang on them. No label ever holds a contact, an object, a
campaign or a type that the rule pack does not name. Counters exist at 0 for every combination of labels from the
start, since Prometheus cannot see the increase of a series that is born at 1. Figures come once per batch or per
checkpoint, never once per touchpoint, and count what is committed: what a crash undoes was never counted.
"""

from __future__ import annotations

import platform
import time
from enum import StrEnum
from importlib.metadata import version
from itertools import product
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from palier.domain.outcome import BOT, EVIDENCE, HUMAN, SUSPECT
from palier.domain.pack import UNENGAGED
from palier.health import Health, WorkerState
from palier.histogram import BatchHistogram

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

OTHER_TYPE = "other"
OUTCOMES = ("scored", "noted", "capped", "duplicate", "late", "erased", "unknown", "refused")
VERDICTS = (HUMAN, SUSPECT, BOT)
CAUSES = ("touchpoint", "inactivity", "conversion", "permission", "erasure", "pack", "reversal")
REVERSALS = ("reversed", "not_reversible")
TARGETS = ("changelog", "tier_changes", "tier_current", "dead_letter", "meta")

LATENCY_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
CHECKPOINT_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
RECOVERY_BOUNDS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class CheckpointOutcome(StrEnum):
    """How a checkpoint, one Kafka transaction of one partition, ended."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    FENCED = "fenced"
    TIMED_OUT = "timed_out"


class Metrics:
    """The metrics of one worker, in a registry of their own, so that two workers can live in one process.

    Args:
        registry: where the metrics live; a fresh one by default.
        types: touchpoint types of the rule pack; any other is counted as `other`.
        tiers: names of the rule pack's tiers, ascending by rank; `unengaged` is added.
        reasons: reason codes of dead letters.
        health: what the probes read; it is told the life cycle through the methods here, so each fact is stated once.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        types: Iterable[str],
        tiers: Sequence[str],
        reasons: Iterable[str],
        health: Health | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the client leaves this one untyped
        self.registry = CollectorRegistry() if registry is None else registry
        self.health = health or Health()
        self._clock = clock
        self._types = frozenset(types)
        self._tiers = (UNENGAGED, *tiers)
        self._standby: frozenset[int] = frozenset()
        self._define_process()
        self._define_life_cycle()
        self._define_traffic(reasons)
        self._define_checkpoints()
        # What has a label `partition` exists for exactly as long as the partition is ours.
        self._of_partitions = (
            self._partition_owned,
            self._recovery_remaining,
            self._contacts,
            self._lag_records,
            self._lag_seconds,
            self._stuck_seconds,
            self._event_time,
            self._uncommitted,
            self._last_success,
        )
        self._show_state()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in the text format that an `Accept` header asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    # Definitions

    def _counter(self, name: str, documentation: str, labels: Mapping[str, Iterable[str]] | None = None) -> Counter:
        """A counter, at 0 for every combination of its labels' values."""
        labels = labels or {}
        counter = Counter(name, documentation, tuple(labels), registry=self.registry)
        for values in product(*labels.values()) if labels else ():
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _histogram(self, name: str, documentation: str, bounds: Sequence[float]) -> BatchHistogram:
        return BatchHistogram(name, documentation, bounds=bounds, registry=self.registry)

    def _define_process(self) -> None:
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        packages = {"version": "palier", "faust": "faust-streaming", "aiokafka": "aiokafka"}
        packages["crawler_user_agents"] = "crawler-user-agents"
        build = self._gauge(
            "palier_build_info",
            "Versions of this worker and of what it is built on; always 1.",
            *("python", *packages),
        )
        build.labels(platform.python_version(), *map(version, packages.values())).set(1)
        self._pack = self._gauge("palier_pack_info", "Rule pack in force; always 1.", *("name", "version", "digest"))

    def _define_life_cycle(self) -> None:
        self._state = self._gauge(
            "palier_worker_state", "1 for the state the worker is in, 0 for every other.", "state"
        )
        self._topic_partitions = self._gauge(
            "palier_topic_partitions", "Partitions of the touchpoints topic, owned by whomever."
        )
        self._partition_owned = self._gauge(
            "palier_partition_owned", "1 for each partition of this worker.", "partition", "role"
        )
        self._rebalances = self._counter("palier_rebalances_total", "Rebalances of the group that this worker saw.")
        self._recovery_remaining = self._gauge(
            "palier_recovery_remaining_records", "Changelog records still to be read before work begins.", "partition"
        )
        self._recovery_time_left = self._gauge(
            "palier_recovery_remaining_seconds", "How long recovery may still take, as fast as it has been so far."
        )
        self._standby_lag = self._gauge(
            "palier_standby_lag_records", "Changelog records that this worker's warm copy lacks.", "partition"
        )
        self._data_lost = self._counter(
            "palier_data_loss_accepted_records_total",
            "Records damaged or gone that an operator let pass with --accept-data-loss, as far as they can be counted.",
        )
        self._recovery_duration = self._histogram(
            "palier_recovery_duration_seconds", "From assignment to recovered, per partition.", RECOVERY_BOUNDS_S
        )

    def _define_traffic(self, reasons: Iterable[str]) -> None:
        self._touchpoints = self._counter(
            "palier_touchpoints_total",
            "Records read and committed, each once, by the rule pack's type and by what became of it.",
            {"type": (*sorted(self._types), OTHER_TYPE), "outcome": OUTCOMES},
        )
        self._dead_letters = self._counter(
            "palier_dead_letters_total", "Records refused, by reason code.", {"reason": [str(code) for code in reasons]}
        )
        self._tier_changes = self._counter(
            "palier_tier_changes_total",
            "Tier changes committed, by headline tier before and after and by cause.",
            {"from_tier": self._tiers, "to_tier": self._tiers, "cause": CAUSES},
        )
        self._verdicts = self._counter(
            "palier_verdicts_total",
            "Touchpoints judged and committed, by verdict: was it a human? Duplicates are not judged.",
            {"verdict": VERDICTS},
        )
        self._evidence = self._counter(
            "palier_evidence_total",
            "What spoke against a human, each kind once per touchpoint committed.",
            {"evidence": EVIDENCE},
        )
        self._bot_withdrawals = self._counter(
            "palier_bot_withdrawals_total", "Withdrawals by bots; they hold, to be on the safe side."
        )
        self._reversals = self._counter(
            "palier_reversals_total",
            "Touchpoints whose points were to be taken back, by whether they were; one of several axes may be both.",
            {"result": REVERSALS},
        )
        self._contacts = self._gauge("palier_contacts", "Contacts with a state, by headline tier.", "partition", "tier")
        self._latency = self._histogram(
            "palier_touchpoint_latency_seconds",
            "From a record's Kafka timestamp to the commit of what it led to.",
            LATENCY_BOUNDS_S,
        )
        self._lag_records = self._gauge(
            "palier_consumer_lag_records", "Readable records that are not folded yet.", "partition"
        )
        self._lag_seconds = self._gauge(
            "palier_consumer_lag_seconds", "Age of the oldest record that is not folded yet; 0 when none.", "partition"
        )
        self._stuck_seconds = self._gauge(
            "palier_consumer_lso_stuck_seconds",
            "How long records have lain behind somebody's open transaction, unreadable; 0 when none do.",
            "partition",
        )
        self._event_time = self._gauge(
            "palier_event_time_seconds", "Newest occurred_at folded, seconds since the epoch.", "partition"
        )

    def _define_checkpoints(self) -> None:
        self._checkpoints = self._counter(
            "palier_checkpoints_total", "Checkpoints by how they ended.", {"outcome": list(CheckpointOutcome)}
        )
        self._checkpoint_duration = self._histogram(
            "palier_checkpoint_duration_seconds",
            "From the beginning of a checkpoint's transaction to its commit.",
            CHECKPOINT_BOUNDS_S,
        )
        self._checkpoint_records = self._counter(
            "palier_checkpoint_records_total", "Records written by committed checkpoints.", {"target": TARGETS}
        )
        self._last_success = self._gauge(
            "palier_checkpoint_last_success_timestamp_seconds",
            "Latest commit; the time of the assignment until there is one.",
            "partition",
        )
        self._uncommitted = self._gauge(
            "palier_checkpoint_uncommitted_touchpoints", "Touchpoints folded and not committed yet.", "partition"
        )

    # Life cycle

    def pack(self, name: str, version: int, digest: str) -> None:
        """The rule pack in force from now on."""
        self._pack.clear()
        self._pack.labels(name, version, digest).set(1)

    def topic_partitions(self, count: int) -> None:
        """How many partitions the touchpoints topic has."""
        self._topic_partitions.set(count)

    def worker_state(self, state: WorkerState) -> None:
        """The worker has reached this state. RECOVERING need not be stated: it follows from the partitions."""
        self.health.enter(state)
        self._show_state()

    def rebalanced(self) -> None:
        """The group has dealt its partitions anew."""
        self._rebalances.inc()

    def partition_assigned(self, partition: int) -> None:
        """The partition is ours from now on and not recovered yet; its figures are to be stated anew."""
        self.health.assigned(partition)
        self._partition_owned.labels(partition, "active").set(1)
        self._recovery_remaining.labels(partition).set(0)
        self._uncommitted.labels(partition).set(0)
        self._last_success.labels(partition).set(self._clock())
        self._show_state()

    def recovery_remaining(self, partition: int, records: int) -> None:
        """So many changelog records of the partition are still to be read."""
        if self.health.owns(partition):
            self.health.recovering(partition, records)
            self._recovery_remaining.labels(partition).set(records)

    def recovery_time_left(self, seconds: float) -> None:
        """How long recovery may still take."""
        self._recovery_time_left.set(seconds)

    def standby_partitions(self, partitions: Collection[int]) -> None:
        """The partitions that this worker keeps a warm copy of from now on."""
        for partition in self._standby.difference(partitions):
            self._partition_owned.remove(str(partition), "standby")
            self._standby_lag.remove(str(partition))
        for partition in set(partitions) - self._standby:
            self._partition_owned.labels(partition, "standby").set(1)
            self._standby_lag.labels(partition).set(0)
        self._standby = frozenset(partitions)

    def standby_lag(self, partition: int, records: int) -> None:
        """The copy of a partition lacks so many records."""
        if partition in self._standby:
            self._standby_lag.labels(partition).set(records)

    def data_lost(self, records: int) -> None:
        """Damage that was accepted."""
        self._data_lost.inc(records)

    def partition_recovered(self, partition: int, seconds: float | None = None) -> None:
        """The partition's state is whole, so many seconds after its assignment; None: it was ours before and is kept."""
        if self.health.owns(partition):
            self.health.recovered(partition)
            self._recovery_remaining.labels(partition).set(0)
            if seconds is not None:
                self._recovery_duration.observe(seconds)
            self._show_state()

    def partition_revoked(self, partition: int) -> None:
        """The partition is no longer ours; its gauges end. What is still said about it afterwards is ignored."""
        self.health.revoked(partition)
        for gauge in self._of_partitions:
            gauge.remove_by_labels({"partition": str(partition)})
        self._show_state()

    def _show_state(self) -> None:
        current = self.health.state
        for state in WorkerState:
            self._state.labels(state).set(state is current)

    # Traffic, once per batch

    def lag(self, partition: int, *, records: int, seconds: float) -> None:
        """How far the partition is behind; `seconds` is the age of the oldest record not folded, 0 when none."""
        if self.health.owns(partition):
            self._lag_records.labels(partition).set(records)
            self._lag_seconds.labels(partition).set(seconds)

    def stuck(self, partition: int, *, seconds: float) -> None:
        """For how long an open transaction of upstream's has hidden records of the partition; 0 when none does."""
        if self.health.owns(partition):
            self._stuck_seconds.labels(partition).set(seconds)

    def event_time(self, partition: int, occurred_at_ms: int) -> None:
        """Newest occurred_at folded in the partition."""
        if self.health.owns(partition):
            self._event_time.labels(partition).set(occurred_at_ms / 1000)

    def uncommitted(self, partition: int, touchpoints: int) -> None:
        """How many touchpoints of the partition are folded and not committed."""
        if self.health.owns(partition):
            self._uncommitted.labels(partition).set(touchpoints)

    def contacts(self, partition: int, by_tier: Mapping[str, int]) -> None:
        """How many contacts of the partition have each headline tier; a tier left out has none."""
        if self.health.owns(partition):
            for tier in self._tiers:
                self._contacts.labels(partition, tier).set(by_tier.get(tier, 0))

    # Checkpoints: what a committed transaction holds

    def checkpoint_committed(
        self, partition: int, *, seconds: float, records: Mapping[str, int], timestamps_ms: Iterable[int] = ()
    ) -> None:
        """A transaction of the partition is committed, now.

        Args:
            partition: whose.
            seconds: from its beginning to the commit.
            records: how many it wrote, by target (see `TARGETS`).
            timestamps_ms: the Kafka timestamp of every touchpoint in it, in any order.
        """
        now = self._clock()
        self._checkpoints.labels(CheckpointOutcome.COMMITTED).inc()
        self._checkpoint_duration.observe(seconds)
        for target, count in records.items():
            self._checkpoint_records.labels(target).inc(count)
        self._latency.observe_ages(timestamps_ms, int(now * 1000))
        if self.health.owns(partition):
            self._last_success.labels(partition).set(now)

    def checkpoint_failed(self, outcome: CheckpointOutcome) -> None:
        """A transaction was not committed, or it is unknown whether it was."""
        self._checkpoints.labels(outcome).inc()

    def touchpoints_committed(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Touchpoints of a committed transaction, by (type, outcome); a type foreign to the pack counts as `other`."""
        for (type_, outcome), count in counts.items():
            self._touchpoints.labels(type_ if type_ in self._types else OTHER_TYPE, outcome).inc(count)

    def verdicts_committed(self, verdicts: Mapping[str, int], evidence: Mapping[str, int], withdrawals: int) -> None:
        """Verdicts on the touchpoints of a committed transaction, what they rest on, and how many bots withdrew."""
        for verdict, count in verdicts.items():
            self._verdicts.labels(verdict).inc(count)
        for kind, count in evidence.items():
            self._evidence.labels(kind).inc(count)
        self._bot_withdrawals.inc(withdrawals)

    def reversals_committed(self, reversed_: int, not_reversible: int) -> None:
        """Touchpoints that a committed transaction has taken back, and those it should have and could not."""
        self._reversals.labels("reversed").inc(reversed_)
        self._reversals.labels("not_reversible").inc(not_reversible)

    def dead_letters_committed(self, counts: Mapping[str, int]) -> None:
        """Dead letters of a committed transaction, by reason code."""
        for reason, count in counts.items():
            self._dead_letters.labels(reason).inc(count)

    def tier_changes_committed(self, counts: Mapping[tuple[str, str, str], int]) -> None:
        """Tier changes of a committed transaction, by (headline tier before, after, cause)."""
        for labels, count in counts.items():
            self._tier_changes.labels(*labels).inc(count)
