"""Damaged or shortened logs: the worker says where and stops with 65; it never starts empty or on wrong state."""

from __future__ import annotations

import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from engine_kit.chain import OUTPUT
from engine_kit.driver import Traffic, Worker, create_topics, delete_topics, wait_until_drained
from engine_kit.judge import ends, judge, read_all
from engine_kit.judge import positions as judged_positions
from palier.engine.meta import META_KEY, Envelope, Meta, decode_meta, encode_meta

pytestmark = pytest.mark.kafka

PARTITIONS = 2


@pytest.fixture
def worked(kafka, tmp_path):
    """(brokers, name, worker) of a chain that has worked for a while and is stopped."""
    name = f"damage-{uuid.uuid4().hex[:8]}"
    create_topics(kafka.brokers, name, PARTITIONS)
    worker = Worker(kafka.brokers, name, PARTITIONS, tmp_path)
    publish(kafka.brokers, name)
    wait_until_drained(kafka.brokers, name, PARTITIONS)
    assert worker.stop() == 0, worker.log.read_text()
    yield kafka.brokers, name, worker
    worker.kill()
    delete_topics(kafka.brokers, name)


def publish(brokers, name, seconds=0.2):
    """A burst of records; returns how many."""
    traffic = Traffic(brokers, name, PARTITIONS, rate=5_000, seconds=seconds)
    traffic.start()
    traffic.join()
    return traffic.sent


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


def goes_on_with_consent(worker, brokers, name, monkeypatch):
    """Start with --accept-data-loss, publish more, wait until META stands at the end; returns what the log says of losses."""
    monkeypatch.setenv("CHAIN_ACCEPT_DATA_LOSS", "yes")
    at = len(worker.log.read_text())
    worker.start()
    worker.wait_until_at_work()
    publish(brokers, name)
    wait_until_drained(brokers, name, PARTITIONS)
    assert worker.stop() == 0, worker.log.read_text()
    return [line for line in worker.log.read_text()[at:].splitlines() if "data loss accepted" in line]


def make_anew(brokers, *topics):
    """Delete topics and make them again, empty."""
    delete(brokers, list(topics))
    admin = AdminClient({"bootstrap.servers": brokers})
    for future in admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics]).values():
        future.result()


def shorten(brokers, topic, offsets):
    """Delete all records before these offsets, by partition."""
    admin = AdminClient({"bootstrap.servers": brokers})
    places = [TopicPartition(topic, number, offset) for number, offset in enumerate(offsets)]
    for future in admin.delete_records(places).values():
        future.result()


# --- what can happen to the changelog -----------------------------------------------------------------------------------
def test_a_changelog_that_was_made_anew(worked, monkeypatch):
    """The group has read, the state is gone. With consent it begins with empty contacts, and tells nothing twice."""
    brokers, name, worker = worked
    make_anew(brokers, f"{name}-chain-changelog", f"{name}-out")
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-chain-changelog, partition" in line
    assert "state was lost" in line
    assert "--accept-data-loss" in line
    read_before = ends(brokers, f"{name}-source", PARTITIONS)
    losses = goes_on_with_consent(worker, brokers, name, monkeypatch)
    assert len(losses) == PARTITIONS
    outputs = [message for messages in read_all(brokers, f"{name}-out", PARTITIONS) for message in messages]
    assert outputs
    assert all(OUTPUT.unpack(message.value())[3] >= read_before[message.partition()] for message in outputs)


def test_a_changelog_that_lost_its_beginning(worked, monkeypatch):
    """Deleted records may have been the only ones of a contact."""
    brokers, name, worker = worked
    shorten(brokers, f"{name}-chain-changelog", [5, 0])
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-chain-changelog, partition 0, offset 0" in line
    assert "5 records from here on were deleted" in line
    losses = goes_on_with_consent(worker, brokers, name, monkeypatch)
    assert "records: 5)" in losses[0]


def test_a_changelog_that_lost_all_its_records(worked, monkeypatch):
    """Shortened up to its end: not even META is left."""
    brokers, name, worker = worked
    shorten(brokers, f"{name}-chain-changelog", ends(brokers, f"{name}-chain-changelog", PARTITIONS))
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-chain-changelog, partition" in line
    assert goes_on_with_consent(worker, brokers, name, monkeypatch)


def test_states_without_meta(worked, monkeypatch):
    """Only the end of each transaction says where to go on, and there is none: what is left is no state."""
    brokers, name, worker = worked
    states = [
        (message.key(), message.value(), number)
        for number, messages in enumerate(read_all(brokers, f"{name}-chain-changelog", PARTITIONS))
        for message in messages
        if message.key() != META_KEY
    ]
    make_anew(brokers, f"{name}-chain-changelog")
    producer = Producer({"bootstrap.servers": brokers})
    for key, value, number in states:
        producer.produce(f"{name}-chain-changelog", value, key, partition=number)
    assert producer.flush(10) == 0
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert "records but no META" in line
    assert goes_on_with_consent(worker, brokers, name, monkeypatch)


def test_the_last_transaction_has_a_hole(worked):
    """META counts the records that were committed with it."""
    brokers, name, worker = worked
    metas = [m for m in read_all(brokers, f"{name}-chain-changelog", PARTITIONS)[0] if m.key() == META_KEY]
    last = decode_meta(metas[-1].value())
    more = Meta(
        batch_number=last.batch_number + 1, positions=last.positions, records={"changelog": 3}, summary=last.summary
    )
    damage_changelog(brokers, name, META_KEY, encode_meta(more))
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert "3 records of the last transaction are gone" in line


# --- what can happen to the source ----------------------------------------------------------------------------------------
def test_a_source_that_was_shortened_beyond_our_position(worked, monkeypatch):
    """Records that nobody folded are gone: told and counted, not skipped."""
    brokers, name, worker = worked
    before = ends(brokers, f"{name}-source", PARTITIONS)
    publish(brokers, name)
    high = ends(brokers, f"{name}-source", PARTITIONS)
    shorten(brokers, f"{name}-source", high)
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-source, partition" in line
    assert "shortened" in line
    losses = goes_on_with_consent(worker, brokers, name, monkeypatch)
    assert [f"records: {high[number] - before[number]})" in losses[number] for number in range(PARTITIONS)] == [
        True
    ] * 2


def test_a_source_that_was_made_anew(worked, monkeypatch):
    """Its offsets begin at 0 again, below where we stand: what comes now is new."""
    brokers, name, worker = worked
    make_anew(brokers, f"{name}-source")
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert f"{name}-source, partition" in line
    assert "made anew" in line
    assert len(goes_on_with_consent(worker, brokers, name, monkeypatch)) == PARTITIONS
    assert judged_positions(brokers, name, PARTITIONS) == ends(brokers, f"{name}-source", PARTITIONS)


# --- what can happen to the group's offsets -------------------------------------------------------------------------------
@pytest.mark.parametrize("moved", ["to the beginning", "ahead", "deleted"])
def test_the_groups_offsets_decide_nothing(worked, moved):
    """Reset, ahead of the topic or deleted: META wins, and nothing is lost or told twice."""
    brokers, name, worker = worked
    admin = AdminClient({"bootstrap.servers": brokers})
    if moved == "deleted":
        for future in admin.delete_consumer_groups([name]).values():
            future.result()
    else:
        offset = 0 if moved == "to the beginning" else 1_000_000
        consumer = Consumer({"bootstrap.servers": brokers, "group.id": name, "enable.auto.commit": False})
        consumer.commit(
            offsets=[TopicPartition(f"{name}-source", number, offset) for number in range(PARTITIONS)],
            asynchronous=False,
        )
        consumer.close()
    worker.start()
    publish(brokers, name)
    wait_until_drained(brokers, name, PARTITIONS)
    assert worker.stop() == 0, worker.log.read_text()
    assert judge(brokers, name, PARTITIONS).faults == []


def test_the_groups_offsets_follow_meta(worked):
    """Nobody decides by them, but lag tools read them, and they tell lost state from a new application."""
    brokers, name, _ = worked
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": name})
    stored = consumer.committed([TopicPartition(f"{name}-source", number) for number in range(PARTITIONS)], 10)
    consumer.close()
    assert [partition.offset for partition in stored] == ends(brokers, f"{name}-source", PARTITIONS)


FOREIGN = {
    "no key": (None, b"x" * 40, "it has no key"),
    "a key of somebody else": (b"order-1", b'{"order": 1, "total": 12}', "state of version 123"),
    "a state of a newer version": (b"key-1", bytes((9,)) + b"x" * 40, "state of version 9"),
    "a META that cannot be read": (META_KEY, b"\xc1", "META cannot be read"),
    "a META that was deleted": (META_KEY, None, "META cannot be read"),
    "a META of a newer version": (META_KEY, encode_meta(Meta(version=2, batch_number=10**6)), "META of version 2"),
    "a second META": (META_KEY, encode_meta(Meta(batch_number=1)), "META of batch 1 follows that of batch"),
    "a state shorter than its envelope": (b"key-1", bytes((Envelope.VERSION,)), "shorter than its envelope"),
}


@pytest.mark.parametrize("damage", FOREIGN)
def test_a_record_that_is_not_ours(worked, damage, monkeypatch):
    """Whatever somebody else wrote into the changelog: never applied, and skipped only with consent."""
    brokers, name, worker = worked
    at = ends(brokers, f"{name}-chain-changelog", PARTITIONS)[0]
    key, value, told = FOREIGN[damage]
    damage_changelog(brokers, name, key, value)
    code, line, untouched = ends_with(worker, brokers, name)
    assert (code, untouched) == (65, True), line
    assert told in line
    assert f"{name}-chain-changelog, partition 0, offset {at}:" in line
    assert "--accept-data-loss" in line
    assert len(goes_on_with_consent(worker, brokers, name, monkeypatch)) == 1


def test_a_flipped_byte_in_a_contacts_state(worked, monkeypatch):
    """A whole envelope around nonsense: found when the contact is looked at."""
    brokers, name, worker = worked
    key = read_all(brokers, f"{name}-source", PARTITIONS)[0][0].key()
    offset = ends(brokers, f"{name}-source", PARTITIONS)[0]
    damage_changelog(brokers, name, key, Envelope.pack(Envelope.VERSION, 1, offset - 1, 0) + b"nonsense")
    worker.start()
    publish(brokers, name)
    assert worker.process.wait(30) == 65
    line = worker.log.read_text().splitlines()[-1]
    assert f"{name}-chain-changelog, partition 0: a contact's state cannot be read" in line
    assert len(goes_on_with_consent(worker, brokers, name, monkeypatch)) == 1


def test_a_flipped_byte_on_the_brokers_disk(make_kafka, tmp_path):
    """Kafka's checksum of a batch fails: nothing beyond it can be trusted, and no consent can read it."""
    kafka = make_kafka()
    name = "damage-disk"
    create_topics(kafka.brokers, name, PARTITIONS)
    worker = Worker(kafka.brokers, name, PARTITIONS, tmp_path / "worker")
    publish(kafka.brokers, name)
    wait_until_drained(kafka.brokers, name, PARTITIONS)
    assert worker.stop() == 0, worker.log.read_text()
    kafka.stop()
    (segment,) = tmp_path.glob(f"kafka-0/**/{name}-chain-changelog-0/00000000000000000000.log")
    data = bytearray(segment.read_bytes())
    data[200] ^= 0xFF
    segment.write_bytes(data)
    kafka.start()
    worker.start()
    assert worker.process.wait(30) == 65, worker.log.read_text()
    line = worker.log.read_text().splitlines()[-1]
    assert f"{name}-chain-changelog, partition 0, at or after offset 0: a batch fails its checksum" in line
