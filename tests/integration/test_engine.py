"""The engine on a real broker: nothing lost, nothing doubled, through restarts, kills and rebalances."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from engine_kit.driver import Traffic, Worker, create_topics, wait_until_drained
from engine_kit.judge import aborted_records, judge

pytestmark = pytest.mark.kafka

LEAST_KILLS, MOST_KILLS = 6, 40


def test_a_restart_goes_on_where_meta_stands(chain, tmp_path):
    """A worker that is stopped by SIGTERM ends with 0 and its successor neither skips nor repeats a record."""
    brokers, name = chain
    traffic = Traffic(brokers, name, 4, rate=4_000, seconds=8)
    worker = Worker(brokers, name, 4, tmp_path)
    traffic.start()
    worker.wait_until_at_work()
    time.sleep(2)
    assert worker.stop() == 0, worker.log.read_text()
    worker.start()
    worker.wait_until_at_work()
    traffic.join()
    wait_until_drained(brokers, name, 4)
    assert worker.stop() == 0, worker.log.read_text()
    verdict = judge(brokers, name, 4)
    assert verdict.source == traffic.sent > 20_000
    assert verdict.faults == []


def test_a_producer_is_renewed_before_its_sequence_numbers_are_used_up(chain, tmp_path, monkeypatch):
    """A new producer takes the place of a worn one between two transactions; nobody notices."""
    brokers, name = chain
    monkeypatch.setenv("CHAIN_RENEW_AFTER", "300")
    traffic = Traffic(brokers, name, 4, rate=3_000, seconds=5)
    worker = Worker(brokers, name, 4, tmp_path)
    traffic.start()
    traffic.join()
    wait_until_drained(brokers, name, 4)
    assert worker.stop() == 0, worker.log.read_text()
    assert worker.log.read_text().count("producer renewed") >= 4
    assert judge(brokers, name, 4).faults == []


def test_kill_nine_loses_and_doubles_nothing(chain, tmp_path, monkeypatch):
    """Workers killed at random moments, under load, until six have died and a kill has met an open transaction."""
    brokers, name = chain
    monkeypatch.setenv("CHAIN_CHECKPOINT_INTERVAL", "0.005")  # one transaction right after the other
    chance = random.Random(7)
    traffic = Traffic(brokers, name, 4, rate=3_000, seconds=300)
    workers = [Worker(brokers, name, 4, tmp_path / str(number), session_s=2.0) for number in range(2)]
    for worker in workers:
        worker.wait_until_at_work()
    traffic.start()
    for kills in itertools.count():
        if kills >= LEAST_KILLS and aborted_records(brokers, name, 4) > 0:
            break
        assert kills < MOST_KILLS, "no transaction was interrupted: the kills proved nothing"
        time.sleep(chance.uniform(1.0, 3.0))
        victim = chance.choice(workers)
        victim.keep_running()
        victim.kill()
        victim.start()
    traffic.finish()
    wait_until_drained(brokers, name, 4, workers)
    assert [worker.stop() for worker in workers] == [0, 0]
    verdict = judge(brokers, name, 4)
    assert verdict.source == traffic.sent
    assert verdict.aborted > 0
    assert verdict.faults == []


def test_workers_join_and_leave(chain, tmp_path):
    """A second worker that joins and leaves under load moves partitions without a scratch, and nobody dies of it."""
    brokers, name = chain
    traffic = Traffic(brokers, name, 4, rate=4_000, seconds=300)
    first = Worker(brokers, name, 4, tmp_path / "first")
    first.wait_until_at_work()
    traffic.start()
    for round_number in range(3):
        second = Worker(brokers, name, 4, tmp_path / f"second-{round_number}")
        second.wait_until_at_work()
        time.sleep(1)
        assert second.stop() == 0, second.log.read_text()
        time.sleep(1)
    traffic.finish()
    wait_until_drained(brokers, name, 4)
    assert first.stop() == 0, first.log.read_text()
    verdict = judge(brokers, name, 4)
    assert verdict.source == traffic.sent
    assert verdict.faults == []


def test_a_broker_killed_under_load_loses_and_doubles_nothing(make_kafka, tmp_path):
    """Kill -9 of the broker and a restart, twice, while transactions are under way."""
    kafka = make_kafka()
    name = "chain-broker"
    create_topics(kafka.brokers, name, 4)
    traffic = Traffic(kafka.brokers, name, 4, rate=2_000, seconds=300)
    worker = Worker(kafka.brokers, name, 4, tmp_path / "worker")
    worker.wait_until_at_work()
    traffic.start()
    for _ in range(2):
        time.sleep(3)
        kafka.kill()
        kafka.start()
        worker.keep_running()
    time.sleep(2)
    traffic.finish()
    wait_until_drained(kafka.brokers, name, 4, [worker], limit_s=90)
    assert worker.stop() == 0, worker.log.read_text()
    assert set(worker.exits) <= {70}, worker.log.read_text()
    verdict = judge(kafka.brokers, name, 4)
    assert verdict.source == traffic.sent
    assert verdict.faults == []
