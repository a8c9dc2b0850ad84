"""Bad input on real Kafka: every bad record ends in the dead-letter topic as it came, and nobody else notices."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import Counter
from itertools import chain

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from palier.contracts.dead_letter import CUT_VALUE_BYTES, MAX_KEY_BYTES, DeadLetter
from palier.kafka.partitioning import partition_of
from worker_kit.judge import chain_faults, judge, state_faults
from worker_kit.poison import MIB, lawful, poisons, touchpoint
from worker_kit.process import Worker
from worker_kit.reading import changelog_topic, output_topic, read_all, wait_until_drained
from worker_kit.topics import set_on_topic
from worker_kit.touchpoints import producer, publish, simulated, touchpoints_topic
from worker_kit.truth import NEVER_S, folded, replayed

pytestmark = pytest.mark.kafka

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def encoded(touchpoints):
    """As they are published."""
    return [(one["contact_id"].encode(), json.dumps(one).encode()) for one in touchpoints]


def dead_letters(settings):
    """Every dead letter, decoded, by the place of its original."""
    topic = output_topic(settings, settings.dead_letter_topic)
    letters = [
        DeadLetter.from_record(message.key(), message.value(), message.headers())
        for message in chain(*read_all(settings, topic)[topic])
    ]
    by_place = {(letter.partition, letter.offset): letter for letter in letters}
    assert len(by_place) == len(letters), "a record has two dead letters"
    return by_place


def engaged(settings):
    """Contacts with a tier change, all of which must be the one that `lawful` leads to."""
    topic = output_topic(settings, settings.tier_changes_topic)
    changes = [json.loads(message.value()) for message in chain(*read_all(settings, topic)[topic])]
    assert {(change["sequence"], change["to"], change["touchpoint_id"][-1]) for change in changes} == {
        (1, "engaged", "3")
    }
    found = Counter(change["contact_id"] for change in changes)
    assert found.total() == len(found)
    return found.keys()


def drain(settings, worker):
    """Wait until all is read. The worker neither ended meanwhile nor showed anybody a traceback."""
    wait_until_drained(settings, touchpoints_topic(settings), [worker])
    assert "Traceback" not in worker.log
    assert "palier: " not in worker.log


def test_every_kind_of_bad_record(make_settings, tmp_path):
    """Refused with its reason, kept as it came, between two touchpoints of a contact who takes no harm; in all codecs."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, dead_letter_budget=1)
    topic, sent, contacts = touchpoints_topic(settings), {}, set()
    set_on_topic(settings, topic, "max.message.bytes", str(16 * MIB))
    with Worker(settings, tmp_path) as worker:
        for codec in CODECS:
            sender = producer(settings, **{"compression.type": codec})
            for number, name in enumerate(poisons("")):
                contact_id = f"{codec} {number}"
                contacts.add(contact_id)
                (key, first), (_, second) = encoded(lawful(contact_id))
                home = partition_of(key, settings.partitions, "murmur2")
                poison = poisons(contact_id)[name]
                sender.produce(topic, first, key)
                sender.produce(
                    topic, poison.value, poison.key, home, remember(sent, name, poison), headers=list(poison.headers)
                )
                sender.produce(topic, second, key)
            assert sender.flush(60) == 0
        drain(settings, worker)
        refused = worker.metric("palier_dead_letters_total")
    letters = dead_letters(settings)
    assert letters.keys() == sent.keys()
    for place, (name, poison) in sent.items():
        assert_kept(name, letters[place], poison)
    assert engaged(settings) == contacts
    reasons = Counter(f'reason="{poison.reason}"' for _, poison in sent.values())
    assert {labels: count for labels, count in refused.items() if count} == reasons


def remember(sent, name, poison):
    """A delivery report that notes where a record has come to lie."""

    def delivered(error, message):
        assert error is None, f"{name}: {error}"
        sent[message.partition(), message.offset()] = name, poison

    return delivered


def assert_kept(name, letter, poison):
    """The dead letter has the reason and the original, whole up to the limits of the contract."""
    value, key = poison.value, poison.key
    assert letter.reason == poison.reason, f"{name}: {letter.message}"
    assert letter.message, name
    if value is not None and len(value) > MIB:
        assert (letter.value, letter.length) == (value[:CUT_VALUE_BYTES], len(value)), name
        assert letter.sha256 == hashlib.sha256(value).hexdigest(), name
    else:
        assert (letter.value, letter.sha256) == (value, None), name
    if key is not None and len(key) > MAX_KEY_BYTES:
        assert (letter.key, letter.key_length) == (key[:MAX_KEY_BYTES], len(key)), name
    else:
        assert letter.key == key, name
    headers = [(header.name, header.value) for header in letter.headers]
    assert headers == list(poison.headers)[: len(headers)], name
    assert len(headers) + letter.headers_left_out == len(poison.headers), name
    assert letter.headers_left_out == (2 if name == "300 KB of headers" else 0)


def test_a_header_whose_name_is_no_text(topic_settings, tmp_path):
    """Brokers take any bytes as the name of a header. One such record must not stop its partition for ever."""
    first, second = encoded(lawful("ada"))
    publish(topic_settings, [first])
    home = partition_of(b"ada", topic_settings.partitions, "murmur2")
    asyncio.run(send_with_header_name(topic_settings, home, b"ada", b"caf\xe9"))
    publish(topic_settings, [second])
    with Worker(topic_settings, tmp_path) as worker:
        drain(topic_settings, worker)
    assert engaged(topic_settings) == {"ada"}


async def send_with_header_name(settings, partition, key, name):
    """A record of a client that does not care for UTF-8: a batch of aiokafka's with the name changed inside."""
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers) as sender:
        batch = sender.create_batch()
        batch.append(timestamp=None, key=key, value=b"<html>", headers=[("n" * len(name), b"")])
        changed = bytearray(batch._build().replace(b"n" * len(name), name))
        checksum, covered = slice(17, 21), slice(21, None)  # of a record batch of version 2
        changed[checksum] = calc_crc32c(bytes(changed[covered])).to_bytes(4, "big")
        batch._buffer = changed
        await (await sender.send_batch(batch, touchpoints_topic(settings), partition=partition))


def test_a_type_that_nobody_knows_yet_is_no_bad_record(topic_settings, tmp_path):
    """Upstream teams may add types first: it is counted as unknown, and refused nowhere."""
    known = lawful("ada")
    publish(topic_settings, encoded([known[0], touchpoint("ada", type="podcast.heard"), known[1]]))
    with Worker(topic_settings, tmp_path) as worker:
        drain(topic_settings, worker)
        touchpoints = worker.metric("palier_touchpoints_total")
    assert touchpoints['outcome="unknown",type="other"'] == 1
    assert dead_letters(topic_settings) == {}
    assert engaged(topic_settings) == {"ada"}


def test_a_burst_of_bad_records_passes_at_speed(make_settings, tmp_path):
    """Twenty thousand of them in front of a lawful contact cost seconds, not minutes."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, dead_letter_budget=1)
    kinds = [
        poison.value
        for poison in poisons("ada").values()
        if poison.key == b"ada" and not poison.headers and len(poison.value or b"") < 1_000
    ]
    burst = [(b"ada", kinds[number % len(kinds)]) for number in range(20_000)]
    publish(settings, [*burst, *encoded(lawful("ada"))])
    with Worker(settings, tmp_path) as worker:
        worker.wait_until_ready()
        started = time.monotonic()
        drain(settings, worker)
        seconds = time.monotonic() - started
    print(f"{len(burst)} bad records in {seconds:.1f} s")
    assert seconds < 30
    assert len(dead_letters(settings)) == len(burst)
    assert engaged(settings) == {"ada"}


def test_too_many_bad_records_stop_the_worker(topic_settings, tmp_path):
    """Above PALIER_DEAD_LETTER_BUDGET the deploy is bad, not the data: 65, one line, and what was refused is kept."""
    publish(topic_settings, [(b"ada", b"<html>")] * 3_000)
    with Worker(topic_settings, tmp_path) as worker:
        assert worker.wait(20) == 65, worker.log
    lines = [line for line in worker.log.splitlines() if "INFO" not in line]
    assert len(lines) == 1, worker.log
    assert lines[0].startswith("palier: partition ")
    assert "PALIER_DEAD_LETTER_BUDGET=0.5" in lines[0]
    assert "dead-letter topic" in lines[0]
    letters = dead_letters(topic_settings)
    assert [offset for _, offset in sorted(letters)] == list(range(len(letters)))
    assert len(letters) >= 1_000


# --- upstream places keys differently ---------------------------------------------------------------------------------------
LIBRDKAFKAS_OWN = {"partitioner": "consistent_random"}


def test_upstream_with_another_partitioner(make_settings, tmp_path):
    """Refused with the cure, where a contact would otherwise have two states; who is at home by chance is taken."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, dead_letter_budget=1)
    log = simulated(1, contacts=100, days=90, malformed=0)
    publish(settings, log[::2])
    publish(settings, log[1::2], **LIBRDKAFKAS_OWN)
    with Worker(settings, tmp_path) as worker:
        drain(settings, worker)
    changes, changelog = output_topic(settings, settings.tier_changes_topic), changelog_topic(settings)
    lying = read_all(settings, touchpoints_topic(settings), changes, changelog)
    source = next(iter(lying.values()))
    homes = {key: partition_of(key, settings.partitions, "murmur2") for key, _ in log}
    taken = [[one for one in messages if one.partition() == homes[one.key()]] for messages in source]
    foreign = {(one.partition(), one.offset()) for one in chain(*source)} - {
        (one.partition(), one.offset()) for one in chain(*taken)
    }
    letters = dead_letters(settings)
    assert letters.keys() == foreign
    assert len(foreign) > len(log) // 4
    assert {letter.reason for letter in letters.values()} == {"wrong-partition"}
    assert all(
        "PALIER_PARTITIONER" in letter.message and "murmur2_random" in letter.message for letter in letters.values()
    )
    chains, _ = replayed([one.value() for one in chain(*taken)], tmp_path)
    truth = [folded([one.value() for one in messages], settings) for messages in taken]
    assert list(chain_faults(chains, chain(*lying[changes]))) == []
    assert list(state_faults(lying[changelog], truth)) == []
    assert len(chains) > 10


def test_the_partitioner_of_upstream_can_be_said(make_settings, tmp_path):
    """PALIER_PARTITIONER=crc32 takes everything that librdkafka's default places."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, partitioner="crc32")
    publish(settings, simulated(2, contacts=40, days=90, malformed=0), **LIBRDKAFKAS_OWN)
    with Worker(settings, tmp_path) as worker:
        drain(settings, worker)
    verdict = judge(settings, tmp_path)
    assert verdict.faults == []
    assert verdict.refused == 0
    assert verdict.changes > 40
