"""Damaged or shortened logs: the worker says where and stops with 65; it never starts empty or on wrong state."""

from __future__ import annotations

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from engine_kit.driver import Traffic, Worker, create_topics, delete_topics, wait_until_drained
from engine_kit.judge import ends
from palier.engine.meta import META_KEY, Envelope

pytestmark = pytest.mark.kafka

PARTITIONS = 2


@pytest.fixture
def worked(kafka, tmp_path):
    """(brokers, name, worker) of a chain that has worked for a while and is stopped."""
    name = f"damage-{uuid.uuid4().hex[:8]}"
    create_topics(kafka.brokers, name, PARTITIONS)
    worker = Worker(kafka.brokers, name, PARTITIONS, tmp_path)
    traffic = Traffic(kafka.brokers, name, PARTITIONS, rate=500, seconds=2)
    traffic.start()
    traffic.join()
    wait_until_drained(kafka.brokers, name, PARTITIONS)
    time.sleep(1.5)  # the group's offsets are stored once a second
    assert worker.stop() == 0, worker.log.read_text()
    yield kafka.brokers, name, worker
    worker.process.kill()
    delete_topics(kafka.brokers, name)


def delete(brokers, topics):
    """Delete topics and wait until brokers know it."""
    admin = AdminClient({"bootstrap.servers": brokers})
    for future in admin.delete_topics(topics).values():
        future.result()
    time.sleep(1)


def damage_changelog(brokers, name, key, value):
    """One more record at the end of partition 0, by somebody else."""
    producer = Producer({"bootstrap.servers": brokers})
    producer.produce(f"{name}-chain-changelog", value, key, partition=0)
    assert producer.flush(10) == 0


def ends_with(worker, brokers, name):
    """(exit code, last line, whether nothing was written) of a new start."""
    topics = [f"{name}-source", f"{name}-out", f"{name}-chain-changelog"]
    before = [ends(brokers, topic, PARTITIONS) for topic in topics]
    worker.start()
    code = worker.process.wait(30)
    lines = [line for line in worker.log.read_text().splitlines() if line.startswith("palier: ")]
    return code, lines[-1], [ends(brokers, topic, PARTITIONS) for topic in topics] == before


def test_a_changelog_that_was_made_anew(worked):
    """The group has read, the state is gone: an operator restores it, or chooses to begin anew."""
    brokers, name, worker = worked
    delete(brokers, [f"{name}-chain-changelog", f"{name}-out"])
    admin = AdminClient({"bootstrap.servers": brokers})
    made = admin.create_topics([NewTopic(f"{name}-{topic}", PARTITIONS, 1) for topic in ("chain-changelog", "out")])
    for future in made.values():
        future.result()
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-chain-changelog, partition" in line
    assert "state was lost" in line


def test_a_source_that_was_shortened_beyond_our_position(worked):
    """Records that nobody folded are gone: told, not skipped."""
    brokers, name, worker = worked
    traffic = Traffic(brokers, name, PARTITIONS, rate=500, seconds=1)
    traffic.start()
    traffic.join()
    high = ends(brokers, f"{name}-source", PARTITIONS)
    admin = AdminClient({"bootstrap.servers": brokers})
    for future in admin.delete_records(
        [TopicPartition(f"{name}-source", number, high[number]) for number in range(PARTITIONS)]
    ).values():
        future.result()
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-source, partition" in line
    assert "shortened" in line


def test_the_groups_offsets_follow_meta(worked):
    """Nobody decides by them, but lag tools read them, and they tell lost state from a new application."""
    brokers, name, _ = worked
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": name})
    stored = consumer.committed([TopicPartition(f"{name}-source", number) for number in range(PARTITIONS)], 10)
    consumer.close()
    assert [partition.offset for partition in stored] == ends(brokers, f"{name}-source", PARTITIONS)


FOREIGN = {
    "a record without a key": (None, b"x" * 40, "it has no key"),
    "a state of a newer version": (b"key-1", bytes((9,)) + b"x" * 40, "state of version 9"),
    "a META that cannot be read": (META_KEY, b"\xc1", "META cannot be read"),
    "a META that was deleted": (META_KEY, None, "META was deleted"),
    "a state shorter than its envelope": (b"key-1", bytes((Envelope.VERSION,)), "shorter than its envelope"),
}


@pytest.mark.parametrize("damage", FOREIGN)
def test_a_record_that_is_not_ours(worked, damage):
    """Whatever somebody else wrote into the changelog: never skipped, never applied."""
    brokers, name, worker = worked
    key, value, told = FOREIGN[damage]
    damage_changelog(brokers, name, key, value)
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert told in line
    assert "partition 0" in line
