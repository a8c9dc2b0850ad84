"""Reads everything back with another client (librdkafka, read_committed) and compares with an offline fold."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from engine_kit.chain import OUTPUT, STATE, step
from palier.contracts.records import BATCH_HEADER
from palier.engine.meta import META_KEY, Envelope, decode_meta
from palier.errors import DataError

NOT_YET = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE}


def read_all(brokers, topic, partitions, isolation="read_committed", limit_s=60):
    """All records of a topic up to its end, by partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"judge-{time.time_ns()}",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    records, finished, deadline = [[] for _ in range(partitions)], set(), time.monotonic() + limit_s
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    while len(finished) < partitions:
        for message in consumer.consume(20_000, 0.5):
            if message.error():
                assert message.error().code() == -191, message.error()
                finished.add(message.partition())
            else:
                records[message.partition()].append(message)
        assert time.monotonic() < deadline, f"{topic}: its end cannot be reached, a transaction hangs"
    consumer.close()
    return records


def ends(brokers, topic, partitions, limit_s=30):
    """Where each partition of a topic ends. A partition that was just made has no leader for a moment: asked again."""
    consumer, found, deadline = (
        Consumer({"bootstrap.servers": brokers, "group.id": "judge"}),
        [],
        time.monotonic() + limit_s,
    )
    while len(found) < partitions:
        try:
            found.append(consumer.get_watermark_offsets(TopicPartition(topic, len(found)), 10)[1])
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    consumer.close()
    return found


def aborted_records(brokers, name, partitions):
    """How many records of changelog and outputs no transaction committed: those that kills and fencing undid.

    What is not decided yet, because its transaction is still open, does not count.
    """
    count = 0
    for topic in (f"{name}-chain-changelog", f"{name}-out"):
        everything = read_all(brokers, topic, partitions, "read_uncommitted")
        for written, committed in zip(everything, read_all(brokers, topic, partitions), strict=True):
            offsets = {message.offset() for message in committed}
            decided = max(offsets, default=-1)
            count += sum(message.offset() < decided and message.offset() not in offsets for message in written)
    return count


@dataclass
class Verdict:
    """What the judge saw; `faults` is empty when everything is exact."""

    source: int = 0
    outputs: int = 0
    transactions: int = 0
    aborted: int = 0
    faults: list[str] = field(default_factory=list)


def judge(brokers, name, partitions):
    """Compare outputs, state, META and the shape of every transaction with an offline fold of the source."""
    source_topic, changelog_topic, output_topic = f"{name}-source", f"{name}-chain-changelog", f"{name}-out"
    source, changelog, outputs = (
        read_all(brokers, topic, partitions) for topic in (source_topic, changelog_topic, output_topic)
    )
    verdict = Verdict()
    for number in range(partitions):
        expected_state, expected_outputs = fold_offline(source[number])
        got = [(message.key(), message.value()) for message in outputs[number]]
        if got != expected_outputs:
            verdict.faults.append(
                f"partition {number}: {len(got)} outputs, {len(set(got))} of them distinct, "
                f"{len(expected_outputs)} expected"
            )
        verdict.faults += check_changelog(number, changelog[number], outputs[number], expected_state, verdict)
        verdict.source += len(source[number])
        verdict.outputs += len(got)
    verdict.aborted = aborted_records(brokers, name, partitions)
    return verdict


def fold_offline(messages):
    """State by key and outputs in order, as one straight run would give them."""
    state, outputs = {}, []
    for message in messages:
        state[message.key()], output = step(state.get(message.key(), (0, 0, 0)), message.offset())
        if output is not None:
            outputs.append((message.key(), output))
    return state, outputs


def check_changelog(number, messages, outputs, expected_state, verdict):
    """Every transaction whole and in order; the last states are the expected ones."""
    faults, states, batch, attempt, records = [], {}, 0, 0, 0
    outputs_of: dict[int, int] = {}
    for message in outputs:
        header = int(dict(message.headers())[BATCH_HEADER])
        outputs_of[header] = outputs_of.get(header, 0) + 1
    for message in messages:
        if message.key() != META_KEY:
            records += 1
            states[message.key()] = STATE.unpack(message.value()[Envelope.SIZE :])
            continue
        meta = decode_meta(message.value())
        if meta.batch_number == batch and meta.attempt > attempt and not records:
            attempt = meta.attempt  # it was written again for the sake of outputs that had been undone
            continue
        attempt = meta.attempt
        verdict.transactions += 1
        if meta.batch_number != batch + 1:
            faults.append(f"partition {number}: batch {meta.batch_number} follows {batch}")
        if meta.records.get("changelog") != records:
            faults.append(f"partition {number}, batch {meta.batch_number}: torn changelog")
        if meta.records.get("out", 0) != outputs_of.pop(meta.batch_number, 0):
            faults.append(f"partition {number}, batch {meta.batch_number}: torn outputs")
        batch, records = meta.batch_number, 0
    if records or outputs_of:
        faults.append(f"partition {number}: records without META: {records} of changelog, outputs of {outputs_of}")
    if states != expected_state:
        faults.append(f"partition {number}: the changelog's last states differ from the fold")
    return faults


def positions(brokers, name, partitions):
    """META's source position of each partition."""
    return [
        next((at for at in map(partial(source_position, name), reversed(messages)) if at is not None), 0)
        for messages in read_all(brokers, f"{name}-chain-changelog", partitions)
    ]


def source_position(name, message):
    """META's source position; None if it is no META, or none that can be read."""
    if message.key() != META_KEY:
        return None
    try:
        return decode_meta(message.value() or b"").positions.get(f"{name}-source")
    except DataError:
        return None


__all__ = ["OUTPUT", "Verdict", "aborted_records", "ends", "judge", "positions", "read_all"]
