"""Rule packs over time, on a real broker: a newer one takes over, and two at the same time are told apart."""

from __future__ import annotations

import pytest

from model.naive import milliseconds
from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal
from palier.contracts.tier_change import tier_change_json
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.packs import load_pack, pack_source
from worker_kit.process import Worker
from worker_kit.reading import output_topic, read_all, wait_until_drained
from worker_kit.touchpoints import nasty, publish, touchpoints_topic
from worker_kit.truth import NEVER_S

pytestmark = pytest.mark.kafka

OTHER_NUMBERS = (
    ("{ interest = 19 }", "{ interest = 15 }"),
    ("leave = { intent = 27 }", "leave = { intent = 36 }"),
    ("intent = { half_life_days = 14 }", "intent = { half_life_days = 10 }"),
    ('channels = ["email", ', "channels = ["),
)
LATER = milliseconds("2030-01-01T00:00:00Z")


@pytest.fixture
def packs(tmp_path):
    """Files of packs by name, each version newer than the one before; `other` is another second one."""

    def write(name, version, *changes):
        text = pack_source(None)
        for old, new in ((f"version = {load_pack(None).version}", f"version = {version}"), *changes):
            assert old in text
            text = text.replace(old, new, 1)
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        return file

    return {
        "first": write("first", 1),
        "second": write("second", 2, *OTHER_NUMBERS),
        "other": write("other", 2, ("several signals", "many signals")),
        "third": write("third", 3),
    }


def as_told(file):
    """How a line names a pack."""
    pack = load_pack(file)
    return f"default {pack.version} ({pack.digest[:12]})"


def folded(values, took_over_at, older, newer):
    """Values of a partition's tier changes, the newer pack in force from one of its touchpoints on."""
    states, newest, changes = {}, 0, []
    for offset, value in enumerate(values):
        touchpoint = decode_line(value, LATER)
        assert not isinstance(touchpoint, Refusal)
        pack = newer if offset >= took_over_at else older
        newest = max(newest, touchpoint.occurred_at)
        state = states.setdefault(touchpoint.contact_id, ContactState.new())
        changes += [tier_change_json(change, pack, newest) for change in fold(state, touchpoint, pack).changes]
    return changes


def test_a_newer_pack_takes_over(make_settings, tmp_path, packs):
    """After a restart with a newer pack: every change, byte for byte, is the fold's with that pack from there on."""
    settings = make_settings(clock="event", timer_grace=NEVER_S)
    topic, log = touchpoints_topic(settings), nasty(3, 4_000, 60)
    taken_over_at = [0] * settings.partitions
    for name, part in (("first", log[:2_000]), ("second", log[2_000:])):
        publish(settings, part)
        with Worker(settings, tmp_path / name, PALIER_PACK=str(packs[name])) as worker:
            metas = wait_until_drained(settings, topic, [worker])
            assert worker.stop() == 0, worker.log
            assert worker.log.count("takes over from") == (0 if name == "first" else settings.partitions)
        pack = load_pack(packs[name])
        assert {tuple(meta.summary["pack"]) for meta in metas} == {(pack.name, pack.version, pack.digest)}
        if name == "first":
            taken_over_at = [meta.positions[topic] for meta in metas]
    tier_changes = output_topic(settings, settings.tier_changes_topic)
    lying = read_all(settings, topic, tier_changes)
    told = [[message.value() for message in messages] for messages in lying[tier_changes]]
    older, newer = load_pack(packs["first"]), load_pack(packs["second"])
    for touchpoints, cut, changes in zip(lying[topic], taken_over_at, told, strict=True):
        assert changes == folded([message.value() for message in touchpoints], cut, older, newer)
    by_the_pack = [change for changes in told for change in changes if b'"cause":"pack"' in change]
    assert len(by_the_pack) > 10
    assert all(newer.digest.encode() in change for change in by_the_pack)


def test_two_packs_at_the_same_time(topic_settings, tmp_path, packs):
    """Whoever is given a partition of a newer pack, or of another one of the same version, ends with 2 and names both.

    The others are not disturbed: they go on with what they have, and with what it leaves.
    """
    settings, topic, log = topic_settings, touchpoints_topic(topic_settings), iter(nasty(4, 4_000, 60))

    def publish_some():
        publish(settings, [next(log) for _ in range(500)])

    publish_some()
    with Worker(settings, tmp_path / "second", PALIER_PACK=str(packs["second"])) as second:
        wait_until_drained(settings, topic, [second])
        refused = [Worker(settings, tmp_path / name, PALIER_PACK=str(packs[name])) for name in ("first", "other")]
        with refused[0] as first, refused[1] as other:
            publish_some()
            for name, worker in (("first", first), ("other", other)):
                assert worker.wait(30) == 2, worker.log
                assert_names(worker, packs[name], packs["second"])
        publish_some()
        wait_until_drained(settings, topic, [second])
        with Worker(settings, tmp_path / "third", PALIER_PACK=str(packs["third"])) as third:
            third.wait_until_ready()
            publish_some()
            wait_until_drained(settings, topic, [second, third])
            assert second.process.poll() is None, second.log
            assert third.stop() == 0, third.log
        assert second.wait(20) == 2, second.log
        assert_names(second, packs["second"], packs["third"])


def assert_names(worker, refused, in_force):
    """One line beside information, the last, and it says which pack cannot follow which."""
    lines = worker.log.splitlines()
    assert [line for line in lines if " INFO " not in line] == lines[-1:], lines
    assert f"rule pack {as_told(refused)} is not newer than {as_told(in_force)}, which wrote partition" in lines[-1]
