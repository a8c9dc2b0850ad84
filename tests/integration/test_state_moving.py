"""`palier state`: what one worker made of the first part of a history is moved, and another goes on with the rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from itertools import chain

import pytest
from confluent_kafka import Consumer, TopicPartition

from palier.engine.meta import META_KEY
from palier.errors import ExitCode
from palier.kafka.partitioning import partition_of
from worker_kit.judge import Verdict, chain_faults, count_changes, current_faults, event_faults, state_faults
from worker_kit.poison import lawful, touchpoint
from worker_kit.process import Worker, environment, run_to_its_end
from worker_kit.reading import changelog_topic, ends, last_meta, output_topic, read_all, wait_until_drained
from worker_kit.topics import delete_topic
from worker_kit.touchpoints import nasty, producer, publish, shuffled, simulated, touchpoints_topic
from worker_kit.truth import NEVER_S, folded, replayed

pytestmark = pytest.mark.kafka

CHAIN = {"clock": "event", "timer_grace": NEVER_S}


def state(settings, *arguments, **more):
    """`palier state` with these settings: (exit code, lines on stdout, lines on stderr that are no progress)."""
    done = subprocess.run(
        [sys.executable, "-m", "palier_cli", "state", *map(str, arguments)],
        env=environment(settings, PALIER_STARTUP_TIMEOUT="20", **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if not re.fullmatch(r"\w+: \d+ %", line)]
    return done.returncode, done.stdout.splitlines(), told


def make_topics(settings):
    """What is missing, as an operator does it."""
    command = [sys.executable, "-m", "palier_cli", "topics", "--apply"]
    ended = subprocess.run(command, env=environment(settings), capture_output=True, check=False)
    assert ended.returncode == ExitCode.DONE


def moved(settings, *arguments):
    """The same, expected to succeed; what it says."""
    code, out, told = state(settings, *arguments)
    assert code == ExitCode.DONE, told
    return out, told


def refused(settings, code, *arguments, parts):
    """The same, expected to end with this code and one line that has all these parts."""
    found, _, told = state(settings, *arguments)
    assert (found, len(told)) == (code, 1), "\n".join(told)
    assert told[0].startswith("palier: ")
    assert [part for part in parts if part not in told[0]] == [], told[0]


def fold_all(settings, folder):
    """One worker, until everything is folded."""
    with Worker(settings, folder) as worker:
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        assert worker.stop() == 0, worker.log


def history(seed):
    """Contacts that go where a fold breaks, erasure and waking among it, and lifelike ones; nothing to be refused."""
    return shuffled(seed, nasty(seed, 4_000, 80), simulated(seed, 80, 60, malformed=0)[:4_000])


class Read:
    """All that lies in the topics of an application, by partition."""

    def __init__(self, settings):
        names = settings.tier_changes_topic, settings.tier_current_topic, settings.dead_letter_topic
        topics = [
            touchpoints_topic(settings),
            changelog_topic(settings),
            *(output_topic(settings, name) for name in names),
        ]
        self.source, self.changelog, self.changes, self.current, self.refused = read_all(settings, *topics).values()


def assert_goes_on(heir, lying, chains, by_partition, salt):
    """States, counts and current tiers of the heir are those of one straight fold.

    `by_partition`: the touchpoints of each of the heir's partitions, those from before the move first. `salt`: settings
    of the application that the state began with.
    """
    truth = [folded(values, salt) for values in by_partition]
    assert list(state_faults(lying.changelog, truth)) == []
    for one, messages in zip(truth, lying.current, strict=True):  # tombstones of before the move stayed where they were
        told = {message.key().decode() for message in messages}
        one.current = {name: last for name, last in one.current.items() if last or name in told}
    assert list(current_faults(lying.current, chains, truth)) == []
    metas = [last_meta(messages) for messages in lying.changelog]
    assert [Counter(meta.summary["contacts"]) for meta in metas] == [one.tiers for one in truth]
    assert sum(key.startswith(b"\0erased:") for one in truth for key in one.states) > 3
    assert not any(chain(*lying.refused))
    assert heir.application != salt.application


# --- to another number of partitions ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_from_4_to_12_partitions_each_contact_goes_on_as_if_nothing_had_happened(make_settings, tmp_path, partitioner):
    """Its chain is that of one uninterrupted replay: also of erased ones that come again, and of woken ones."""
    placed = {} if partitioner == "murmur2" else {"partitioner": "consistent_random"}
    former = make_settings(partitioner=partitioner, **CHAIN)
    heir = make_settings(partitioner=partitioner, partitions=12, app_id="heir", **CHAIN)
    log, file = history(3), tmp_path / "contacts.palier"
    publish(former, log[: len(log) // 2], **placed)
    fold_all(former, tmp_path / "former")
    before = ends(former, changelog_topic(former))
    told, _ = moved(former, "export", file)
    assert ends(former, changelog_topic(former)) == before, "an export changes nothing"
    counted = re.search(r"(\d+) contacts, (\d+) erased ones, (\d+) current tiers", told[0])
    assert moved(heir, "import", file)[0][0].endswith(counted[0])

    publish(heir, log[len(log) // 2 :], **placed)
    fold_all(heir, tmp_path / "heir")
    first, then = Read(former), Read(heir)
    chains, _ = replayed([message.value() for message in chain(*first.source, *then.source)], tmp_path)
    verdict = Verdict()
    count_changes(verdict, chains, chain(*first.changes, *then.changes))
    assert verdict.faults == []
    assert list(chain_faults(chains, chain(*first.changes, *then.changes))) == []
    assert list(event_faults(heir, chain(*then.changes))) == []
    assert min(sum(map(len, side.changes)) for side in (first, then)) > 100
    by_partition = [[] for _ in range(12)]
    for message in chain(*first.source):
        by_partition[partition_of(message.key(), 12, partitioner)].append(message.value())
    for number, messages in enumerate(then.source):
        by_partition[number] += [message.value() for message in messages]
    assert_goes_on(heir, then, chains, by_partition, salt=former)


def test_twice_moved_and_back(make_settings, tmp_path):
    """4 to 12 to 4 partitions without a touchpoint between: the very states, under the first salt; counts and digest stay."""
    former = make_settings(**CHAIN)
    publish(former, history(4))
    fold_all(former, tmp_path)
    told, _ = moved(former, "export", tmp_path / "first")
    digests, settings = {told[1].rsplit(" ", 1)[-1]}, former
    for number, partitions in enumerate((12, 4)):
        heir = make_settings(partitions=partitions, app_id=f"heir-{number}", **CHAIN)
        exported = tmp_path / ("first" if number == 0 else "second")
        if number:
            moved(settings, "export", exported)
        told, _ = moved(heir, "import", exported)
        digests.add(re.search("digest ([0-9a-f]{32})", told[1])[1])
        settings = heir
    assert len(digests) == 1
    origin, copy = Read(former), Read(settings)
    chains, _ = replayed([message.value() for message in chain(*origin.source)], tmp_path)
    values = [[message.value() for message in messages] for messages in origin.source]
    assert_goes_on(settings, copy, chains, values, salt=former)


def test_timers_move_along(make_settings, tmp_path):
    """Contacts that stay silent after the move lose their tiers when they would have: as `palier replay --until` says."""
    event = {"clock": "event", "timer_grace": 3_600}
    former, heir = make_settings(**event), make_settings(partitions=12, app_id="heir", **event)
    names = [f"silent-{number}" for number in range(40)]
    publish_json(former, *chain(*map(lawful, names)))
    fold_all(former, tmp_path / "former")
    moved(former, "export", tmp_path / "file")
    moved(heir, "import", tmp_path / "file")
    until, closing = "2025-06-01T00:00:00Z", {"occurred_at": "2025-06-01T01:00:01Z", "type": "page.viewed"}
    homes = {
        partition_of(name.encode(), 12, "murmur2"): name for name in (f"closing-{number}" for number in range(200))
    }
    closers = [touchpoint(homes[number], **closing) for number in range(12)]
    publish_json(heir, *closers)
    with Worker(heir, tmp_path / "heir") as worker:
        deadline = time.monotonic() + 60
        topic = output_topic(heir, heir.tier_changes_topic)
        while sum(map(len, read_all(heir, topic)[topic])) < len(names):
            assert time.monotonic() < deadline, worker.log
            time.sleep(0.2)
        assert worker.stop() == 0, worker.log
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(message.value() + b"\n" for message in chain(*Read(former).source)))
    replay = [sys.executable, "-m", "palier_cli", "replay", str(log), "--until", until]
    chains = {}
    for change in map(json.loads, subprocess.run(replay, capture_output=True, check=True).stdout.splitlines()):
        chains.setdefault(change["contact_id"], []).append(change)
    assert {name: [change["cause"] for change in changes] for name, changes in chains.items()} == {
        name: ["touchpoint", "inactivity"] for name in names
    }
    assert list(chain_faults(chains, chain(*Read(former).changes, *Read(heir).changes))) == []


# --- a backup, and back -----------------------------------------------------------------------------------------------------
def test_a_backup_is_restored_onto_the_same_touchpoints(make_settings, tmp_path):
    """State and changelog are gone, half of the touchpoints unread: the heir goes on where the backup stood."""
    former = make_settings(**CHAIN)
    heir = former.model_copy(update={"app_id": "heir"})
    log, file = history(5), tmp_path / "backup"
    publish(former, log[: len(log) // 2])
    fold_all(former, tmp_path / "former")
    publish(former, log[len(log) // 2 :])
    refused(former, ExitCode.WRONG_USE, "export", file, parts=["are not folded yet", "--undrained"])
    assert not list(tmp_path.glob("backup*")), "a refused export leaves nothing behind"
    moved(former, "export", file, "--undrained")
    delete_topic(former, changelog_topic(former))
    make_topics(heir)
    try:
        told, _ = moved(heir, "import", file)
        assert "goes on" in told[2]
        assert "where the former application stood" in told[2]
        fold_all(heir, tmp_path / "heir")
        lying = Read(heir)
    finally:
        delete_topic(heir, changelog_topic(heir))
        delete_topic(heir, f"{heir.application}-transfers")
    values = [[message.value() for message in messages] for messages in lying.source]
    chains, _ = replayed(list(chain(*values)), tmp_path)
    assert list(chain_faults(chains, chain(*lying.changes))) == []
    assert_goes_on(heir, lying, chains, values, salt=former)
    elsewhere = make_settings(app_id="elsewhere")
    refused(
        elsewhere,
        ExitCode.WRONG_USE,
        "import",
        file,
        parts=["before all touchpoints were folded", touchpoints_topic(former)],
    )


# --- what is refused --------------------------------------------------------------------------------------------------------
@pytest.fixture
def exported(make_settings, tmp_path):
    """Settings of an application with two contacts, one of them erased, and the file they were exported to."""
    settings = make_settings(**CHAIN)
    publish_json(settings, *lawful("ada"), touchpoint("bob", 1, type="contact.erased"))
    fold_all(settings, tmp_path / "exported")
    moved(settings, "export", tmp_path / "file")
    return settings, tmp_path / "file"


def wait_until_committed(settings, topic, limit_s=20):
    """Until the group's own offsets, which nothing but tools and this check relies on, are there."""
    asker = Consumer({"bootstrap.servers": settings.brokers, "group.id": settings.application})
    deadline = time.monotonic() + limit_s
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]
    while not any(place.offset > 0 for place in asker.committed(places, 10)):
        assert time.monotonic() < deadline, "the group has committed nothing"
        time.sleep(0.1)
    asker.close()


def publish_json(settings, *touchpoints):
    publish(settings, [(one["contact_id"].encode(), json.dumps(one).encode()) for one in touchpoints])


def test_nothing_is_moved_while_a_worker_is_at_work(exported, make_settings, tmp_path):
    """Neither out of its state nor into it."""
    settings, file = exported
    heir = make_settings(app_id="heir", **CHAIN)
    with Worker(settings, tmp_path / "former") as former, Worker(heir, tmp_path / "heir") as late:
        former.wait_until_ready()
        late.wait_until_ready()
        refused(
            settings,
            ExitCode.WRONG_USE,
            "export",
            tmp_path / "other",
            parts=[f"1 worker of {settings.application} at work"],
        )
        refused(heir, ExitCode.WRONG_USE, "import", file, parts=[f"1 worker of {heir.application} at work"])
        late.stop()
        in_place = settings.model_copy(update={"app_id": "heir"})
        refused(in_place, ExitCode.WRONG_USE, "import", file, parts=["topic"])  # its changelog is not made yet
        former.stop()
    assert ends(heir, changelog_topic(heir)) == [0] * 4


def test_state_is_never_written_over(exported, make_settings):
    """A changelog with any record is somebody's, and so is a file; the same application is not its own heir."""
    settings, file = exported
    heir = make_settings(app_id="heir")
    moved(heir, "import", file)
    refused(heir, ExitCode.WRONG_USE, "import", file, parts=[changelog_topic(heir), "has records already"])
    refused(settings, ExitCode.WRONG_USE, "import", file, parts=["under another PALIER_APP_ID"])
    refused(settings, ExitCode.WRONG_USE, "export", file, parts=[str(file), "there already"])


def test_a_damaged_or_cut_file_touches_nothing(exported, make_settings, tmp_path):
    """Exit code 65, and the changelog is as empty as before."""
    _, file = exported
    heir, data, damaged = make_settings(app_id="heir"), file.read_bytes(), tmp_path / "damaged"
    for spoilt, said in (
        (data[:-1], "cut off at byte"),
        (data[:100] + bytes([data[100] ^ 1]) + data[101:], "damaged between byte"),
        (data + b"x", "something follows its end"),
        (b"{}", "no state file"),
    ):
        damaged.write_bytes(spoilt)
        refused(heir, ExitCode.DATA, "import", damaged, parts=[str(damaged), said])
    refused(heir, ExitCode.WRONG_USE, "import", tmp_path / "nowhere", parts=["nowhere", "No such file"])
    assert ends(heir, changelog_topic(heir)) == [0] * 4


def test_an_open_transaction_and_a_lost_changelog_are_no_state(exported, tmp_path):
    """What is not committed may still be; what is gone is not exported as if there had been nothing."""
    settings, _ = exported
    sender = producer(settings, **{"transactional.id": f"{settings.topic_prefix}hanging"})
    sender.init_transactions()
    sender.begin_transaction()
    sender.produce(touchpoints_topic(settings), b"{}", b"ada")
    sender.flush()
    refused(
        settings, ExitCode.WRONG_USE, "export", tmp_path / "other", parts=["a transaction is open in", "touchpoints"]
    )
    sender.abort_transaction()
    with Worker(settings, tmp_path / "former") as worker:  # reads over the marker
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        wait_until_committed(settings, touchpoints_topic(settings))
        assert worker.stop() == 0, worker.log
    delete_topic(settings, changelog_topic(settings))
    make_topics(settings)
    refused(settings, ExitCode.DATA, "export", tmp_path / "other", parts=["is empty, but the group has already read"])


def test_touchpoints_that_came_after_the_export_are_told(exported, make_settings):
    """Upstream that still publishes where nobody reads any more: those touchpoints would be missed in silence."""
    settings, file = exported
    publish_json(settings, touchpoint("ada", 9))
    _, told = moved(make_settings(app_id="heir"), "import", file)
    assert len(told) == 1
    assert "has grown by 1 since the export" in told[0]


def test_a_broken_off_import_is_never_taken_for_state(exported, make_settings, tmp_path):
    """Killed anywhere before its last step it leaves no META; no worker starts, no export takes it, no import goes on."""
    _, file = exported
    heir = make_settings(app_id="heir", **CHAIN)
    process = subprocess.run(
        [sys.executable, "-c", BREAK_OFF],
        env=environment(heir, FILE=str(file)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1, process.stderr
    assert process.stderr.endswith("broken off\n")
    assert sum(ends(heir, changelog_topic(heir))) > 4
    refused(heir, ExitCode.DATA, "export", tmp_path / "other", parts=["no META"])
    refused(heir, ExitCode.WRONG_USE, "import", file, parts=["broken off"])
    code, lines = run_to_its_end(environment(heir))
    assert code == ExitCode.DATA, lines
    assert "no META" in lines[-1]


BREAK_OFF = """
import asyncio, os, pathlib
from palier.moving import importing
from palier.moving.state_file import open_state_file
from palier.settings import load_settings

def broken_off(*_):
    raise SystemExit("broken off")

importing.new_metas = broken_off
file = open_state_file(pathlib.Path(os.environ["FILE"]))
asyncio.run(importing.import_state(load_settings(), file, lambda *_: None))
"""


def test_another_partitioner_is_taken_where_nobody_was_erased(make_settings, tmp_path):
    """Ids tell where contacts belong; of an erased one only a number is left, by the producer of its time."""
    former, file = make_settings(**CHAIN), tmp_path / "file"
    publish_json(former, *lawful("ada"), *lawful("bob"))
    fold_all(former, tmp_path / "former")
    moved(former, "export", file)
    heir = make_settings(app_id="heir", partitioner="crc32", partitions=3)
    moved(heir, "import", file)
    lying = Read(heir)
    homes = {message.key(): message.partition() for message in chain(*lying.changelog) if message.key() != META_KEY}
    assert homes == {key: partition_of(key, 3, "crc32") for key in (b"ada", b"bob")}
    publish_json(former, touchpoint("bob", 9, type="contact.erased"))
    fold_all(former, tmp_path / "former")
    moved(former, "export", tmp_path / "another")
    for partitioner in ("crc32", "none"):
        refused(
            make_settings(app_id="heir", partitioner=partitioner, partitions=3),
            ExitCode.WRONG_USE, "import", tmp_path / "another", parts=[f"PALIER_PARTITIONER={partitioner}"],
        )  # fmt: skip
