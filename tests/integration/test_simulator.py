"""The simulator against a real Kafka: every record in its place, once, in order; trouble told in one line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest

from palier.contracts.decoding import decode_touchpoint
from palier.contracts.refusal import Refusal, RefusalReason
from palier.kafka.cluster import connect
from palier.kafka.partitioning import partition_of
from palier.kafka.reading import read_topic
from palier.settings import Settings
from palier_simulator.arguments import parse
from palier_simulator.malformed import FAULTS, with_malformed
from palier_simulator.world import Profile, World

COMMAND = [sys.executable, "-m", "palier_simulator"]
SPAN = ["--contacts", "60", "--days", "90", "--end", "2026-03-01", "--malformed", "0.1", "--seed", "3"]


def environment(settings) -> dict[str, str]:
    return {
        **os.environ,
        "PALIER_BROKERS": settings.brokers,
        "PALIER_TOPIC_PREFIX": settings.topic_prefix,
        "PALIER_PARTITIONER": settings.partitioner,
    }


def simulate(settings, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(settings), capture_output=True, text=True, timeout=60, check=False
    )


def records_of(settings):
    """Every record of the touchpoints topic."""

    async def read():
        topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        return [record async for record in read_topic(settings, topic)]

    return asyncio.run(read())


def expected_arrivals():
    options = parse(SPAN, int(time.time() * 1_000))
    world = World(Profile(options.contacts, options.seed, options.start_ms, options.end_ms))
    return list(with_malformed(world.history(), options.malformed, options.seed, FAULTS))


@pytest.fixture
def sent(topic_settings):
    ended = simulate(topic_settings, *SPAN)
    assert ended.returncode == 0, ended.stderr
    return records_of(topic_settings)


def test_every_record_is_in_its_place_and_in_order(topic_settings, sent):
    """Kafka holds exactly the generator's records: keyed, placed by murmur2 (or misplaced on purpose), in order."""
    partitions = topic_settings.partitions
    expected = defaultdict(list)
    for arrival in expected_arrivals():
        place = (partition_of(arrival.key, partitions, "murmur2") + arrival.wrong_partition) % partitions
        expected[place].append((arrival.key, arrival.value))
    found = defaultdict(list)
    for record in sent:
        found[record.partition].append((record.key, record.value))
    assert found == expected
    assert len(found) == partitions


def test_the_platform_refuses_what_it_should(sent):
    """Decoded as the worker does, each record is accepted or refused as the generator meant it."""
    intended = Counter(arrival.refusal for arrival in expected_arrivals())
    found: Counter[RefusalReason | None] = Counter()
    for record in sent:
        result = decode_touchpoint(record.value, record.key, record.timestamp, record.headers)
        found[result.reason if isinstance(result, Refusal) else None] += 1
    # What lies in a wrong partition decodes; only a worker that misses its state refuses it.
    intended[None] += intended.pop(RefusalReason.WRONG_PARTITION)
    assert found == intended


def test_kafka_timestamps_are_not_simulated(sent):
    """Records of last winter carry the time of sending."""
    now = datetime.now(UTC).timestamp() * 1_000
    assert all(now - 120_000 < record.timestamp <= now + 1_000 for record in sent)


def test_the_partitioner_of_the_settings_places_keys(make_settings):
    """With PALIER_PARTITIONER=crc32 the simulator is an upstream that uses librdkafka's default."""
    settings = make_settings(partitioner="crc32")
    assert simulate(settings, *SPAN, "--malformed", "0").returncode == 0
    sent = records_of(settings)
    assert {record.partition for record in sent} == {0, 1, 2, 3}
    assert all(record.partition == partition_of(record.key, 4, "crc32") for record in sent)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_loses_nothing_it_counted(topic_settings, number, code):
    """Stopped in the middle, it has delivered every record it says it sent."""
    process = subprocess.Popen(
        [*COMMAND, "--rate", "800"], env=environment(topic_settings), stderr=subprocess.PIPE, text=True
    )
    assert "contacts" in process.stderr.readline()  # it has begun
    time.sleep(0.7)
    process.send_signal(number)
    assert process.wait(timeout=20) == code
    last = process.stderr.read().splitlines()[-1]
    process.stderr.close()
    assert f"stopped: {len(records_of(topic_settings)):,} records" in last


def test_goes_on_in_real_time(topic_settings):
    """--then-live: after the history records go on trickling in, none of them from the future."""
    process = subprocess.Popen(
        [*COMMAND, "--contacts", "50", "--days", "5", "--malformed", "0", "--then-live", "--live-rate", "200"],
        env=environment(topic_settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "contacts" in process.stderr.readline()
    assert "in real time" in process.stderr.readline()
    time.sleep(1.5)
    process.terminate()
    assert process.wait(timeout=20) == 0
    process.stderr.close()
    records = records_of(topic_settings)
    touchpoints = [decode_touchpoint(record.value, record.key, record.timestamp, []) for record in records]
    newest = max(touchpoint.occurred_at for touchpoint in touchpoints)
    assert time.time() * 1_000 - newest < 60_000
    assert all(
        touchpoint.occurred_at <= record.timestamp for record, touchpoint in zip(records, touchpoints, strict=True)
    )


def test_a_missing_topic_is_told_and_not_made(topic_settings):
    """Without the topic it ends with 2 and names the cure."""
    missing = topic_settings.model_copy(update={"topic_prefix": f"{topic_settings.topic_prefix}missing-"})
    for _ in range(2):  # asking must not have made it
        ended = simulate(missing, *SPAN)
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1
        assert "palier topics --apply" in ended.stderr


def test_a_broker_that_dies_is_told_in_one_line(make_kafka):
    """A broker that goes away for good ends the run with 69, quickly once it is told to stop, without a traceback."""
    broker = make_kafka()

    async def make_topic():
        async with connect(Settings(brokers=broker.brokers)) as cluster:
            await cluster.create("touchpoints", 4, 1, {})

    asyncio.run(make_topic())
    process = subprocess.Popen(
        [*COMMAND, "--rate", "500"],
        env={**os.environ, "PALIER_BROKERS": broker.brokers},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "contacts" in process.stderr.readline()
    time.sleep(0.5)
    broker.kill()
    time.sleep(0.5)
    process.terminate()
    assert process.wait(timeout=15) == 69
    errors = process.stderr.read().splitlines()
    process.stderr.close()
    assert "not acknowledged" in errors[-1]
    assert not any("Traceback" in line for line in errors)
