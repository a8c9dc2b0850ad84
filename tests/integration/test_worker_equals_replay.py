"""The worker on real Kafka gives what `palier replay` gives for the same log: every change, state, count and dead letter."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import ExitStack

import pytest

from worker_kit.judge import judge
from worker_kit.process import Worker
from worker_kit.reading import wait_until_drained
from worker_kit.touchpoints import nasty, publish, publish_in_transactions, shuffled, simulated, touchpoints_topic
from worker_kit.truth import NEVER_S

pytestmark = pytest.mark.kafka


def contacts_by_tier(worker):
    """What a worker's metrics say about its partitions."""
    shown = Counter()
    for labels, count in worker.metric("palier_contacts").items():
        shown[re.search('tier="([^"]+)"', labels)[1]] += int(count)
    return shown


@pytest.mark.parametrize(
    ("partitions", "fetch_records", "workers", "touchpoints"),
    [(1, 1, 1, 2_000), (1, 5_000, 2, 10_000), (8, 1, 2, 3_000), (8, 5_000, 1, 10_000)],
)
def test_worker_equals_replay(make_settings, tmp_path, partitions, fetch_records, workers, touchpoints):
    """However a log is cut into partitions, fetches and workers, the outcome is that of one straight run."""
    settings = make_settings(partitions=partitions, fetch_records=fetch_records, clock="event", timer_grace=NEVER_S)
    log = shuffled(
        1, nasty(1, touchpoints // 2, touchpoints // 100), simulated(1, touchpoints // 40, 60)[: touchpoints // 2]
    )
    half = len(log) // 2
    publish(settings, log[:half])
    with ExitStack() as stack:
        running = [stack.enter_context(Worker(settings, tmp_path / f"worker-{number}")) for number in range(workers)]
        for worker in running:
            worker.wait_until_ready()
        publish(settings, log[half:])
        wait_until_drained(settings, touchpoints_topic(settings), running)
        shown = sum(map(contacts_by_tier, running), Counter())
        assert [worker.stop() for worker in running] == [0] * workers, [worker.log for worker in running]
    verdict = judge(settings, tmp_path)
    assert verdict.faults == []
    assert verdict.touchpoints == len(log)
    assert shown == verdict.tiers
    assert verdict.causes.keys() == {"touchpoint", "inactivity", "conversion", "permission", "erasure"}
    assert verdict.refused > 0
    assert verdict.erased > 0


def test_upstream_in_transactions(make_settings, tmp_path):
    """What upstream undid was never there; markers and holes in the log neither stop the worker nor shift its place."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, fetch_records=100)
    log = nasty(2, 2_000)
    publish_in_transactions(settings, log)
    with Worker(settings, tmp_path) as worker:
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        assert worker.stop() == 0, worker.log
    verdict = judge(settings, tmp_path)
    assert verdict.faults == []
    assert verdict.touchpoints == len(log)
    assert verdict.changes > 50
