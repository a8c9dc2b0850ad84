"""Copies that outlive their owner: warm ones on another worker, and those on disk. Both must be exact, and save reading."""

from __future__ import annotations

import re
import time

import pytest

from engine_kit.driver import Traffic, Worker, wait_until_drained
from engine_kit.judge import ends, judge

pytestmark = pytest.mark.kafka

PARTITIONS = 4
STORES = ("memory://", "rocksdb://")


def recoveries(worker):
    """Changelog records read by each recovery of a worker, in order, as its log tells."""
    return [int(records) for records in re.findall(r"recovered (\d+) changelog records", worker.log.read_text())]


def wait_for_a_recovery(worker, so_far, limit_s=40):
    """Records read by each recovery that came after the first `so_far`, once there is one."""
    deadline = time.monotonic() + limit_s
    while len(recoveries(worker)) <= so_far:
        assert time.monotonic() < deadline, worker.log.read_text()
        time.sleep(0.1)
    return recoveries(worker)[so_far:]


@pytest.mark.parametrize("store", STORES)
def test_a_warm_standby_takes_over_without_reading_all_again(chain, tmp_path, monkeypatch, store):
    """Kill -9 of one of two workers, twice: the other goes on with what it has, to the record."""
    brokers, name = chain
    monkeypatch.setenv("CHAIN_STANDBYS", "1")
    monkeypatch.setenv("CHAIN_STORE", store)
    traffic = Traffic(brokers, name, PARTITIONS, rate=2_000, seconds=300)
    workers = [Worker(brokers, name, PARTITIONS, tmp_path / str(number), session_s=2.0) for number in range(2)]
    for worker in workers:
        worker.wait_until_at_work()
    traffic.start()
    time.sleep(3)
    for victim, heir in (workers, reversed(workers)):
        so_far = len(recoveries(heir))
        victim.kill()
        taken_over = wait_for_a_recovery(heir, so_far)
        lying = sum(ends(brokers, f"{name}-chain-changelog", PARTITIONS))  # half of them in the dead one's partitions
        assert sum(taken_over) < lying / 4, "what the dead one had committed was read again"
        victim.start()
        victim.wait_until_at_work()
        time.sleep(2)
    traffic.finish()
    wait_until_drained(brokers, name, PARTITIONS, workers)
    assert [worker.stop() for worker in workers] == [0, 0]
    verdict = judge(brokers, name, PARTITIONS)
    assert verdict.source == traffic.sent
    assert verdict.faults == []


def test_a_store_on_disk_saves_reading_after_any_end(chain, tmp_path, monkeypatch):
    """SIGTERM, then kill -9: each start reads only what the disk does not have, and goes on exactly."""
    brokers, name = chain
    monkeypatch.setenv("CHAIN_STORE", "rocksdb://")
    traffic = Traffic(brokers, name, PARTITIONS, rate=3_000, seconds=300)
    worker = Worker(brokers, name, PARTITIONS, tmp_path, session_s=2.0)
    worker.wait_until_at_work()
    traffic.start()
    time.sleep(3)
    assert worker.stop() == 0, worker.log.read_text()
    worker.start()
    worker.wait_until_at_work()
    time.sleep(1)
    worker.kill()
    worker.start()
    worker.wait_until_at_work()
    traffic.finish()
    wait_until_drained(brokers, name, PARTITIONS, [worker])
    assert worker.stop() == 0, worker.log.read_text()
    first, *later = recoveries(worker)
    assert first == 0
    assert len(later) == 2
    assert max(later) < sum(ends(brokers, f"{name}-chain-changelog", PARTITIONS)) / 4
    verdict = judge(brokers, name, PARTITIONS)
    assert verdict.source == traffic.sent
    assert verdict.faults == []
