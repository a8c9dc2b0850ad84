"""What the dashboard shows: its rows and panels as data. build.py makes Grafana's JSON of them.

In an expression, `{}` and `{role="active",}` take in the matchers of the dashboard's variables.
"""  # noqa: INP001 - a module beside the script that reads it

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Query:
    """A PromQL expression and how its series are called."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture. `width` is in 24ths of the page."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    stacked: bool = False
    thresholds: tuple[tuple[float | None, str], ...] = ((None, "green"),)
    mappings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """A heading with its panels, laid out from left to right."""

    title: str
    panels: tuple[Panel, ...]
    height: int = 8


def rate(counter: str, by: str) -> str:
    """Per-second increase of a counter, summed by a label."""
    return f"sum by ({by}) (rate({counter}{{}}[$__rate_interval]))"


def quantiles(histogram: str, *shares: float) -> tuple[Query, ...]:
    """Quantiles of a histogram over the interval of a pixel."""
    return tuple(
        Query(
            f"histogram_quantile({share}, sum by (le) (rate({histogram}_bucket{{}}[$__rate_interval])))",
            f"p{share * 100:g}",
        )
        for share in shares
    )


WELL = Row(
    "Is it well?",
    height=4,
    panels=(
        Panel(
            "Workers that answer",
            "Workers that Prometheus can scrape. Fewer than were started: look at their logs and exit codes.",
            "none",
            (Query("sum(up{})"),),
            kind="stat",
            width=3,
            thresholds=((None, "red"), (1, "green")),
        ),
        Panel(
            "Partitions without an owner",
            "Touchpoints of such a partition wait. More than a rebalance's few seconds: too few workers are alive.",
            "none",
            (
                Query(
                    "max(palier_topic_partitions{}) - (count(count by (partition) "
                    '(palier_partition_owned{role="active",} == 1)) or vector(0))'
                ),
            ),
            kind="stat",
            width=3,
            thresholds=((None, "green"), (1, "red")),
        ),
        Panel(
            "Furthest behind",
            "Age of the oldest record that no worker has folded yet, over all partitions.",
            "s",
            (Query("max(palier_consumer_lag_seconds{})"),),
            kind="stat",
            width=3,
            thresholds=((None, "green"), (60, "orange"), (600, "red")),
        ),
        Panel(
            "Committed within 1 s",
            "Share of touchpoints whose effect was committed within a second of their Kafka timestamp.",
            "percentunit",
            (
                Query(
                    'sum(rate(palier_touchpoint_latency_seconds_bucket{le="1.0",}[$__rate_interval])) / '
                    "sum(rate(palier_touchpoint_latency_seconds_count{}[$__rate_interval]))"
                ),
            ),
            kind="stat",
            width=3,
            thresholds=((None, "red"), (0.99, "orange"), (0.999, "green")),
        ),
        Panel(
            "Refused",
            "Share of records that went to the dead-letter topic. Some is normal; a jump is a bad deploy upstream.",
            "percentunit",
            (
                Query(
                    'sum(rate(palier_touchpoints_total{outcome="refused",}[$__rate_interval])) / '
                    "sum(rate(palier_touchpoints_total{}[$__rate_interval]))"
                ),
            ),
            kind="stat",
            width=3,
            thresholds=((None, "green"), (0.01, "orange"), (0.2, "red")),
        ),
        Panel(
            "State of the workers",
            "starting, joining, recovering, running or draining; one line for each worker.",
            "none",
            (Query("palier_worker_state{} == 1", "{{instance}} {{state}}"),),
            kind="state-timeline",
            width=9,
            mappings=[{"type": "value", "options": {"1": {"text": "is", "color": "green"}}}],
        ),
    ),
)

TIERS = Row(
    "Tiers",
    panels=(
        Panel(
            "Contacts by headline tier",
            "How many contacts are where. A partition in hand-over is counted once.",
            "short",
            (Query("sum by (tier) (max by (partition, tier) (palier_contacts{}))", "{{tier}}"),),
            stacked=True,
        ),
        Panel(
            "Tier changes, by tier reached",
            "Changes of tier committed per second, by the headline tier after the change.",
            "cps",
            (Query(rate("palier_tier_changes_total", "to_tier"), "{{to_tier}}"),),
            stacked=True,
        ),
        Panel(
            "Tier changes, by cause",
            "What moved contacts: a touchpoint, inactivity, a conversion, permission, erasure, a newer rule pack, or a reversal.",
            "cps",
            (Query(rate("palier_tier_changes_total", "cause"), "{{cause}}"),),
            stacked=True,
        ),
    ),
)

TRAFFIC = Row(
    "Traffic",
    panels=(
        Panel(
            "Touchpoints, by outcome",
            "Records committed per second. Their sum is the rate of reading.",
            "cps",
            (Query(rate("palier_touchpoints_total", "outcome"), "{{outcome}}"),),
            stacked=True,
        ),
        Panel(
            "Touchpoints, the ten busiest types",
            "Types of the rule pack; `other` is every type that the pack does not name, and what was refused.",
            "cps",
            (Query(f"topk(10, {rate('palier_touchpoints_total', 'type')})", "{{type}}"),),
        ),
        Panel(
            "Dead letters, by reason",
            "Records refused per second. The dead-letter topic holds each with its bytes and the reason in words.",
            "cps",
            (Query(rate("palier_dead_letters_total", "reason"), "{{reason}}"),),
            stacked=True,
        ),
    ),
)

TRUST = Row(
    "Trust",
    panels=(
        Panel(
            "Touchpoints, by verdict",
            "Was it a human? Suspects count in part, bots not at all. A jump of bots: a scanner has found the mailings.",
            "cps",
            (Query(rate("palier_verdicts_total", "verdict"), "{{verdict}}"),),
            width=6,
            stacked=True,
        ),
        Panel(
            "Evidence of machines",
            "What spoke against a human, per second; a touchpoint may have several kinds against it.",
            "cps",
            (Query(rate("palier_evidence_total", "evidence"), "{{evidence}}"),),
            width=6,
        ),
        Panel(
            "Withdrawals by bots",
            "They hold, to be on the safe side. Many: a scanner follows the links to unsubscribe, and they should ask once "
            "more before they act.",
            "cps",
            (Query("sum(rate(palier_bot_withdrawals_total{}[$__rate_interval]))", "withdrawals"),),
            width=6,
        ),
        Panel(
            "Points taken back",
            "Touchpoints that turned out to be a machine's, or were revoked. `not_reversible` stayed, at least in part: too "
            "much had come after them.",
            "cps",
            (Query(rate("palier_reversals_total", "result"), "{{result}}"),),
            width=6,
        ),
    ),
)

FRESHNESS = Row(
    "Lag and freshness",
    panels=(
        Panel(
            "Latency",
            "From a touchpoint's Kafka timestamp to the commit of what it led to.",
            "s",
            quantiles("palier_touchpoint_latency_seconds", 0.5, 0.99),
        ),
        Panel(
            "Lag in seconds, by partition",
            "Age of the oldest record not folded. One partition alone: a hot key or a slow worker.",
            "s",
            (Query("max by (partition) (palier_consumer_lag_seconds{})", "{{partition}}"),),
        ),
        Panel(
            "Lag in records, by partition",
            "Readable records not folded.",
            "short",
            (Query("max by (partition) (palier_consumer_lag_records{})", "{{partition}}"),),
        ),
        Panel(
            "Hidden by an open transaction, by partition",
            "How long upstream's oldest open transaction has kept records unreadable. Growing: a producer hangs; find it "
            "with kafka-transactions.sh.",
            "s",
            (Query("max by (partition) (palier_consumer_lso_stuck_seconds{})", "{{partition}}"),),
            width=12,
        ),
        Panel(
            "Event time, behind the wall clock",
            "Age of the newest occurred_at folded, by partition. Large without lag: upstream is late, or a backfill runs.",
            "s",
            (Query("time() - max by (partition) (palier_event_time_seconds{})", "{{partition}}"),),
            width=12,
        ),
    ),
)

CHECKPOINTS = Row(
    "Checkpoints",
    panels=(
        Panel(
            "Duration",
            "From the beginning of a transaction to its commit.",
            "s",
            quantiles("palier_checkpoint_duration_seconds", 0.5, 0.99),
        ),
        Panel(
            "Outcomes",
            "Anything but `committed` ends the worker; it starts again and nothing is lost.",
            "cps",
            (Query(rate("palier_checkpoints_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Records written, by target",
            "How much each transaction costs the broker.",
            "cps",
            (Query(rate("palier_checkpoint_records_total", "target"), "{{target}}"),),
            stacked=True,
        ),
        Panel(
            "Age of the latest commit, by partition",
            "Growing while there is lag: the partition is stalled.",
            "s",
            (
                Query(
                    "time() - max by (partition) (palier_checkpoint_last_success_timestamp_seconds{})", "{{partition}}"
                ),
            ),
            width=12,
        ),
        Panel(
            "Touchpoints folded, not committed",
            "What would be read again if the worker ended now.",
            "short",
            (Query("max by (partition) (palier_checkpoint_uncommitted_touchpoints{})", "{{partition}}"),),
            width=12,
        ),
    ),
)

RECOVERY = Row(
    "Recovery and the group",
    panels=(
        Panel(
            "Changelog records to recover",
            "Must fall to 0 after a partition has moved.",
            "short",
            (Query("max by (partition) (palier_recovery_remaining_records{})", "{{partition}}"),),
        ),
        Panel(
            "Time left to recover",
            "As fast as it has been so far, by worker.",
            "s",
            (Query("max by (instance) (palier_recovery_remaining_seconds{})", "{{instance}}"),),
        ),
        Panel(
            "Standby lag",
            "Changelog records that warm copies lack. With PALIER_STANDBYS every partition has one; near 0, it takes over at once.",
            "short",
            (Query("max by (partition) (palier_standby_lag_records{})", "{{partition}}"),),
        ),
        Panel(
            "Losses accepted",
            "Records damaged or gone that somebody let pass with --accept-data-loss. Anything but 0 is part of an incident.",
            "short",
            (Query("sum(increase(palier_data_loss_accepted_records_total{}[1h]))", "records"),),
        ),
        Panel(
            "Duration of recoveries",
            "From assignment to work, over the last hour.",
            "s",
            (
                Query(
                    "histogram_quantile(0.99, sum by (le) (increase(palier_recovery_duration_seconds_bucket{}[1h])))",
                    "p99",
                ),
            ),
        ),
        Panel(
            "Rebalances",
            "Rebalances seen in the last 15 minutes, by worker. Without a deployment there should be none.",
            "none",
            (Query("increase(palier_rebalances_total{}[15m])", "{{instance}}"),),
        ),
    ),
)

PROCESS = Row(
    "Processes and versions",
    panels=(
        Panel(
            "CPU",
            "Cores in use, by worker. Near 1: start more workers, up to one per partition.",
            "none",
            (Query("rate(process_cpu_seconds_total{}[$__rate_interval])", "{{instance}}"),),
        ),
        Panel(
            "Memory",
            "Resident memory, by worker.",
            "bytes",
            (Query("process_resident_memory_bytes{}", "{{instance}}"),),
        ),
        Panel(
            "Garbage collections",
            "Full collections per second, by worker: each halts the worker for as long as it has objects to look at.",
            "cps",
            (Query('rate(python_gc_collections_total{generation="2",}[$__rate_interval])', "{{instance}}"),),
        ),
        Panel(
            "Versions",
            "One line means that all workers run the same.",
            "none",
            (Query("count by (version, python, faust, aiokafka, crawler_user_agents) (palier_build_info{})"),),
            kind="table",
            width=12,
        ),
        Panel(
            "Rule packs in force",
            "One line means that all workers score alike.",
            "none",
            (Query("count by (name, version, digest) (palier_pack_info{})"),),
            kind="table",
            width=12,
        ),
    ),
)

ROWS = (WELL, TIERS, TRAFFIC, TRUST, FRESHNESS, CHECKPOINTS, RECOVERY, PROCESS)
