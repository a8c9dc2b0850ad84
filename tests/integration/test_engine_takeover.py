"""How soon another worker has the partitions of one that is gone, and what the one that is gone has said."""

from __future__ import annotations

import re
import signal
import time
from contextlib import contextmanager

import pytest
from confluent_kafka import Producer

from engine_kit.driver import Traffic, Worker, create_topics, wait_until_drained
from engine_kit.judge import judge

pytestmark = pytest.mark.kafka

PARTITIONS = 4
SESSION_S = 20.0
AT_ONCE_S = 6.0  # seconds, most of them for a busy machine; a worker that did not leave is waited for all its session


@pytest.fixture
def make_worker(chain, tmp_path):
    """Starts workers by name; none outlives the test."""
    made = []

    def make(name):
        made.append(Worker(*chain, PARTITIONS, tmp_path / name, SESSION_S))
        return made[-1]

    yield make
    for worker in made:
        worker.kill()


@contextmanager
def traffic_for(chain):
    """A thousand records a second, until the block ends."""
    traffic = Traffic(*chain, PARTITIONS, rate=1_000, seconds=120)
    traffic.start()
    try:
        yield
    finally:
        traffic.finish()


def generation(workers):
    """The generation of the group in which all of these are at work; 0 while they are not."""
    found = set()
    for worker in workers:
        lines = re.findall(r"generation (\d+): partitions| recovered (\d+) ", worker.log.read_text())
        found.add(int(lines[-2][0]) if len(lines) > 1 and lines[-2][0] and lines[-1][1] else 0)
    return found.pop() if len(found) == 1 else 0


def seconds_until_at_work(workers, after=0, limit_s=40):
    """How long it took until all of these were at work in a generation later than `after`."""
    started = time.monotonic()
    while generation(workers) <= after:
        assert time.monotonic() - started < limit_s
        time.sleep(0.02)
    return time.monotonic() - started


def last_words(worker):
    """Its line of farewell."""
    return [line for line in worker.log.read_text().splitlines() if line.startswith("palier: ")][-1]


def test_partitions_are_taken_over_at_once(chain, make_worker, monkeypatch):
    """A fault in the fold, a blocked event loop, SIGTERM: whoever goes leaves the group, and its session is no matter."""
    heir, asked = make_worker("heir"), make_worker("asked")
    monkeypatch.setenv("CHAIN_WATCHDOG", "3")
    monkeypatch.setenv("CHAIN_SICKNESS", "raise")
    faulty = make_worker("faulty")
    monkeypatch.setenv("CHAIN_SICKNESS", "block")
    blocked = make_worker("blocked")
    workers = [heir, faulty, blocked, asked]
    seconds_until_at_work(workers)
    with traffic_for(chain):
        for number, code in ((signal.SIGUSR1, 70), (signal.SIGUSR1, 70), (signal.SIGTERM, 0)):
            seconds_until_at_work(workers)
            before = generation(workers)
            gone = workers.pop(1)
            gone.process.send_signal(number)
            assert gone.process.wait(20) == code, gone.log.read_text()
            took_s = seconds_until_at_work(workers, before)
            print(f"taken over {took_s:.2f} s after the end")
            assert took_s < AT_ONCE_S < SESSION_S
    assert "RuntimeError('sick')" in last_words(faulty)
    assert "the event loop is blocked" in last_words(blocked)
    wait_until_drained(*chain, PARTITIONS)
    assert heir.stop() == 0, heir.log.read_text()
    assert judge(*chain, PARTITIONS).faults == []


def test_a_second_producer_with_our_transactional_id_shuts_us_out(chain, make_worker):
    """Whoever began last owns the partition: the other ends, says so, and leaves alone what is no longer its own."""
    brokers, name = chain
    worker = make_worker("worker")
    seconds_until_at_work([worker])
    with traffic_for(chain):
        time.sleep(1)
        hijacker = Producer({"bootstrap.servers": brokers, "transactional.id": f"{name}-p2", "log_level": 0})
        hijacker.init_transactions(20)
        assert worker.process.wait(20) == 70, worker.log.read_text()
    assert last_words(worker) == (
        "palier: partition 2: fenced by a newer producer with our transactional id: another worker owns it now, or "
        "somebody else uses the id (exit 70)"
    )


def test_an_open_transaction_of_somebody_else_is_told_and_not_waited_out(chain, make_worker, monkeypatch):
    """Nobody else may write the changelog. It is not ours to end; once it has ended, the next start goes on."""
    brokers, name = chain
    monkeypatch.setenv("CHAIN_SETTLE_ATTEMPTS", "10")
    stranger = Producer({"bootstrap.servers": brokers, "transactional.id": f"{name}-stranger", "log_level": 0})
    stranger.init_transactions(20)
    stranger.begin_transaction()
    stranger.produce(f"{name}-chain-changelog", b"?", b"key", partition=1)
    assert stranger.flush(20) == 0
    worker = make_worker("worker")
    assert worker.process.wait(30) == 70, worker.log.read_text()
    line = last_words(worker)
    assert "a transaction that is not ours is open in partition 1" in line
    assert f"{name}-chain-changelog from offset 0" in line
    assert "find-hanging" in line
    stranger.abort_transaction(20)
    worker.start()
    seconds_until_at_work([worker])
    assert worker.stop() == 0, worker.log.read_text()


def test_sigterm_without_a_broker_ends_in_time(make_kafka, tmp_path, monkeypatch):
    """There is nobody to drain to; the limit holds even where the event loop is blocked."""
    broker = make_kafka()
    create_topics(broker.brokers, "alone", PARTITIONS)
    monkeypatch.setenv("CHAIN_DRAIN_LIMIT", "4")
    worker = Worker(broker.brokers, "alone", PARTITIONS, tmp_path / "worker", SESSION_S)
    try:
        seconds_until_at_work([worker])
        broker.kill()
        time.sleep(1)
        worker.process.terminate()
        assert worker.process.wait(10) in (0, 70), worker.log.read_text()
    finally:
        worker.kill()
    assert worker.process.returncode == 0 or "not drained within 4 s" in last_words(worker)
