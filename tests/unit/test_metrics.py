"""What the metrics of a worker promise to dashboards and alerts."""

from __future__ import annotations

from typing import get_args

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from palier.domain.outcome import EVIDENCE, Outcome, Verdict
from palier.health import WorkerState
from palier.metrics import CAUSES, OUTCOMES, VERDICTS, CheckpointOutcome, Metrics

NOW_S = 1_800_000_000.0
TYPES = ("page.viewed", "order.completed")
TIERS = ("engaged", "engaged-to-buy")
REASONS = ("not-json", "future")


def make_metrics() -> Metrics:
    return Metrics(types=TYPES, tiers=TIERS, reasons=REASONS, clock=lambda: NOW_S)


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def partitions_shown(metrics: Metrics) -> set[str]:
    return {
        sample.labels["partition"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "partition" in sample.labels
    }


def running(*partitions: int) -> Metrics:
    metrics = make_metrics()
    metrics.worker_state(WorkerState.RUNNING)
    for partition in partitions:
        metrics.partition_assigned(partition)
        metrics.partition_recovered(partition, seconds=0.5)
    return metrics


def test_counters_are_born_at_zero() -> None:
    """Every combination of labels exists before anything happens: a series born at 1 has no increase."""
    metrics = make_metrics()
    tiers = ("unengaged", *TIERS)
    for type_ in (*TYPES, "other"):
        for outcome in OUTCOMES:
            assert value(metrics, "palier_touchpoints_total", type=type_, outcome=outcome) == 0
    for from_tier in tiers:
        for to_tier in tiers:
            for cause in CAUSES:
                labels = {"from_tier": from_tier, "to_tier": to_tier, "cause": cause}
                assert value(metrics, "palier_tier_changes_total", **labels) == 0
    for reason in REASONS:
        assert value(metrics, "palier_dead_letters_total", reason=reason) == 0
    for outcome in CheckpointOutcome:
        assert value(metrics, "palier_checkpoints_total", outcome=outcome) == 0


def test_every_outcome_of_the_fold_is_a_label() -> None:
    """The closed union of outcomes, and the refusal that never reaches the fold: the counter knows all and no more."""
    assert {*(outcome.name for outcome in get_args(Outcome)), "refused"} == set(OUTCOMES)


def test_every_verdict_and_kind_of_evidence_is_a_label() -> None:
    """At 0 from the start; verdicts, evidence and the withdrawals of bots are counted as they were committed."""
    assert set(VERDICTS) == set(get_args(Verdict))
    metrics = make_metrics()
    for verdict in VERDICTS:
        assert value(metrics, "palier_verdicts_total", verdict=verdict) == 0
    for kind in EVIDENCE:
        assert value(metrics, "palier_evidence_total", evidence=kind) == 0
    assert value(metrics, "palier_bot_withdrawals_total") == 0
    assert value(metrics, "palier_reversals_total", result="reversed") == 0
    metrics.reversals_committed(3, 1)
    assert value(metrics, "palier_reversals_total", result="reversed") == 3
    assert value(metrics, "palier_reversals_total", result="not_reversible") == 1
    metrics.verdicts_committed({"bot": 2, "human": 5}, {"crawler": 2, "flood": 1}, 1)
    assert value(metrics, "palier_verdicts_total", verdict="human") == 5
    assert value(metrics, "palier_verdicts_total", verdict="bot") == 2
    assert value(metrics, "palier_evidence_total", evidence="crawler") == 2
    assert value(metrics, "palier_bot_withdrawals_total") == 1


def test_process_is_visible_in_a_registry_of_its_own() -> None:
    """Memory, start time and garbage collection are there although the default registry is not used."""
    metrics = make_metrics()
    assert value(metrics, "process_resident_memory_bytes") > 0
    assert value(metrics, "process_start_time_seconds") > 0
    assert value(metrics, "python_gc_collections_total", generation="2") is not None


def test_two_workers_in_one_process_do_not_meet() -> None:
    """Each worker has its own registry; one that is given is used."""
    registry = CollectorRegistry()
    first = Metrics(registry, types=TYPES, tiers=TIERS, reasons=REASONS)
    second = make_metrics()
    first.rebalanced()
    assert first.registry is registry
    assert (value(first, "palier_rebalances_total"), value(second, "palier_rebalances_total")) == (1, 0)


def test_a_type_foreign_to_the_pack_is_counted_as_other() -> None:
    """Whatever upstream invents, the label takes only the rule pack's types, and nothing is lost from the sum."""
    metrics = make_metrics()
    metrics.touchpoints_committed(
        {("page.viewed", "scored"): 3, ("nobody.knows", "unknown"): 2, ("me.neither", "unknown"): 1, ("", "refused"): 4}
    )
    assert value(metrics, "palier_touchpoints_total", type="page.viewed", outcome="scored") == 3
    assert value(metrics, "palier_touchpoints_total", type="other", outcome="unknown") == 3
    assert value(metrics, "palier_touchpoints_total", type="other", outcome="refused") == 4
    shown = {
        sample.labels["type"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "type" in sample.labels
    }
    assert shown == {*TYPES, "other"}


def test_a_commit_is_counted_with_what_it_holds() -> None:
    """One committed checkpoint: its duration, its records by target, its moment, the latency of its touchpoints."""
    metrics = running(3)
    now_ms = int(NOW_S * 1000)
    metrics.checkpoint_committed(
        3,
        seconds=0.02,
        records={"changelog": 5, "tier_changes": 2, "meta": 1},
        timestamps_ms=[now_ms - 70, now_ms - 40, now_ms - 999_000],
    )
    metrics.tier_changes_committed({("unengaged", "engaged", "touchpoint"): 2})
    metrics.dead_letters_committed({"future": 7})
    assert value(metrics, "palier_checkpoints_total", outcome="committed") == 1
    assert value(metrics, "palier_checkpoint_duration_seconds_sum") == pytest.approx(0.02)
    assert value(metrics, "palier_checkpoint_records_total", target="changelog") == 5
    assert value(metrics, "palier_checkpoint_last_success_timestamp_seconds", partition="3") == NOW_S
    assert value(metrics, "palier_touchpoint_latency_seconds_bucket", le="0.05") == 1
    assert value(metrics, "palier_touchpoint_latency_seconds_bucket", le="0.1") == 2
    assert value(metrics, "palier_touchpoint_latency_seconds_bucket", le="300.0") == 2
    assert value(metrics, "palier_touchpoint_latency_seconds_count") == 3
    labels = {"from_tier": "unengaged", "to_tier": "engaged", "cause": "touchpoint"}
    assert value(metrics, "palier_tier_changes_total", **labels) == 2
    assert value(metrics, "palier_dead_letters_total", reason="future") == 7


def test_a_failed_checkpoint_is_no_success() -> None:
    """An aborted, fenced or timed-out checkpoint counts under its own outcome and does not look like progress."""
    metrics = running(3)
    for outcome in (CheckpointOutcome.ABORTED, CheckpointOutcome.FENCED, CheckpointOutcome.TIMED_OUT):
        metrics.checkpoint_failed(outcome)
        assert value(metrics, "palier_checkpoints_total", outcome=outcome) == 1
    assert value(metrics, "palier_checkpoints_total", outcome="committed") == 0


def test_contacts_of_a_tier_left_out_are_none() -> None:
    """The contacts of a partition are stated as a whole: a tier that emptied falls to 0 and does not linger."""
    metrics = running(3)
    metrics.contacts(3, {"unengaged": 10, "engaged": 4})
    metrics.contacts(3, {"unengaged": 14})
    assert value(metrics, "palier_contacts", partition="3", tier="unengaged") == 14
    assert value(metrics, "palier_contacts", partition="3", tier="engaged") == 0
    assert value(metrics, "palier_contacts", partition="3", tier="engaged-to-buy") == 0


def state_everything(metrics: Metrics, partition: int) -> None:
    metrics.lag(partition, records=5, seconds=0.5)
    metrics.stuck(partition, seconds=0.5)
    metrics.event_time(partition, 1_700_000_000_500)
    metrics.uncommitted(partition, 9)
    metrics.contacts(partition, {"engaged": 1})
    metrics.recovery_remaining(partition, 100)
    metrics.checkpoint_committed(partition, seconds=0.1, records={"meta": 1})


def test_gauges_of_a_revoked_partition_end() -> None:
    """After a hand-over nobody sees the old owner's figures, not even those it states belatedly."""
    metrics = running(3, 4)
    for partition in (3, 4):
        state_everything(metrics, partition)
    assert value(metrics, "palier_event_time_seconds", partition="3") == 1_700_000_000.5
    assert partitions_shown(metrics) == {"3", "4"}
    metrics.partition_revoked(3)
    assert partitions_shown(metrics) == {"4"}
    state_everything(metrics, 3)
    metrics.partition_recovered(3)
    assert partitions_shown(metrics) == {"4"}


def test_worker_state_is_one_hot_and_follows_recovery() -> None:
    """Exactly one state is 1; a running worker with a partition to recover shows `recovering`, and then `running`."""
    metrics = make_metrics()

    def shown() -> list[str]:
        return [state for state in WorkerState if value(metrics, "palier_worker_state", state=state) == 1]

    assert shown() == ["starting"]
    metrics.worker_state(WorkerState.RUNNING)
    assert shown() == ["running"]
    metrics.partition_assigned(0)
    assert shown() == ["recovering"]
    metrics.partition_recovered(0, seconds=4)
    assert shown() == ["running"]
    metrics.worker_state(WorkerState.DRAINING)
    assert shown() == ["draining"]
    assert value(metrics, "palier_recovery_duration_seconds_sum") == 4


def test_a_retained_partition_is_no_recovery() -> None:
    """A partition that stays ours over a rebalance is whole at once and does not flatter the recovery times."""
    metrics = make_metrics()
    metrics.partition_assigned(0)
    metrics.partition_recovered(0)
    assert value(metrics, "palier_recovery_duration_seconds_count") == 0
    assert metrics.health.readiness().remaining == {}


def test_only_the_pack_in_force_is_shown() -> None:
    """The info metric names one pack: two at once would look like two workers that disagree."""
    metrics = make_metrics()
    metrics.pack("default", 1, "sha256:aa")
    metrics.pack("default", 2, "sha256:bb")
    assert value(metrics, "palier_pack_info", name="default", version="1", digest="sha256:aa") is None
    assert value(metrics, "palier_pack_info", name="default", version="2", digest="sha256:bb") == 1


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"])
def test_both_text_formats_say_the_same(accept: str) -> None:
    """Prometheus may ask for either format; names, types, help and the absence of `_created` hold in both."""
    metrics = running(3)
    state_everything(metrics, 3)
    body, content_type = metrics.render(accept)
    assert ("openmetrics" in content_type) == ("openmetrics" in accept)
    text = body.decode()
    assert "_created" not in text
    assert 'palier_touchpoints_total{outcome="scored",type="page.viewed"} 0.0' in text
    assert 'palier_checkpoint_duration_seconds_bucket{le="+Inf"} 1.0' in text


def test_names_follow_the_conventions() -> None:
    """Of ours: prefix, help as a sentence, `_total` on counters only, base units."""
    text = make_metrics().render()[0].decode()
    families = [family for family in text_string_to_metric_families(text) if family.name.startswith("palier_")]
    assert len(families) >= 20
    for family in families:
        assert family.documentation.endswith("."), family.name
        assert family.type in {"counter", "gauge", "histogram"}
        assert not family.name.endswith(("_ms", "_milliseconds", "_kb", "_count", "_sum", "_bucket")), family.name
        assert (f"{family.name}_total" in text) is (family.type == "counter"), family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
