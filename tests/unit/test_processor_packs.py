"""A newer pack takes a partition over: stamps, refusals, timers, faults, on a partition without Kafka."""

from __future__ import annotations

import logging
from dataclasses import replace

from model.naive import milliseconds
from palier.packs import load_pack
from palier_tiers import processor as processor_module
from palier_tiers.processor import TIER_CURRENT
from worker_kit.in_process import Bench
from worker_kit.poison import lawful, touchpoint

OLD = replace(load_pack(None), version=1)
ENGAGED, BUY, INFLUENCE = OLD.tiers
HARDER = replace(
    OLD,
    version=2,
    digest="2" * 64,
    tiers=(replace(ENGAGED, enter={"interest": 60}, leave={"interest": 50}), BUY, INFLUENCE),
)
NEWEST = replace(OLD, version=3, digest="3" * 64)
DAY_3 = milliseconds("2025-01-03T12:00:00Z")


def taken_over(*contacts, pack=HARDER):
    """A partition in which these contacts became engaged by the old pack, opened by a newer one."""
    before = Bench(pack=OLD)
    for contact in contacts:
        before.feed(*lawful(contact))
    before.checkpoint()
    after = Bench(summary=before.summary, pack=pack)
    resting = before.changelog[-1]
    after.partition.copy.store.write(resting.items(), None)
    after.offset = before.offset
    return after


def test_the_first_touchpoint_tells_what_the_pack_changes():
    """One more tier change on the contact's chain, stamped by the pack that decided; the count of contacts follows."""
    bench = taken_over("ada", "bob")
    bench.feed(touchpoint("ada", 4))
    bench.checkpoint()
    (change,) = bench.changes
    assert (change["sequence"], change["cause"], change["lost"]) == (2, "pack", ["engaged"])
    assert (change["occurred_at"], change["touchpoint_id"]) == ("2025-01-03T12:00:00.000Z", None)
    assert change["pack"] == {"name": "default", "version": 2, "digest": "2" * 64}
    assert change["thresholds"] == {"engaged": {"interest": 50}}
    assert bench.current["ada"]["pack_version"] == 2
    assert (bench.current["ada"]["cause"], bench.current["ada"]["tier"]) == ("pack", "unengaged")
    assert bench.summary["contacts"] == {"engaged": 1, "unengaged": 1}
    assert bench.effects[0].changes == {("engaged", "unengaged", "pack"): 1}


def test_the_pack_is_stamped_with_the_first_checkpoint():
    """From then on, and not before, an older pack is refused."""
    bench = taken_over("ada")
    bench.feed(touchpoint("ada", 4))
    bench.begin()
    bench.commit()
    assert bench.summary["pack"] == ["default", 2, "2" * 64]


def test_taking_over_is_told(caplog):
    """One line for each partition, with both packs; none if the pack is the same."""
    with caplog.at_level(logging.INFO, processor_module.__name__):
        taken_over("ada", pack=OLD)
        assert caplog.messages == []
        taken_over("ada")
    (line,) = caplog.messages
    assert "rule pack default 2 (222222222222) takes over from default 1 (" in line


def test_a_timer_that_fires_tells_what_the_pack_changes():
    """By the clock of the partition; what is not due is put off, and rests as it was."""
    bench = taken_over("ada")
    assert bench.processor.expire(bench.partition, b"ada", DAY_3 - 1, 1) == DAY_3
    assert not bench.partition.live
    assert bench.processor.expire(bench.partition, b"ada", DAY_3, 1) is None
    bench.checkpoint()
    assert [(change["cause"], change["occurred_at"]) for change in bench.changes] == [
        ("pack", "2025-01-03T12:00:00.000Z")
    ]


def test_a_duplicate_is_not_saved():
    """It changes nothing, so nothing goes into the changelog, and the contact has yet to meet the pack."""
    bench = taken_over("ada")
    bench.feed(lawful("ada")[1])
    bench.checkpoint()
    assert (bench.changes, bench.changelog[-1]) == ([], {})
    bench.feed(touchpoint("ada", 4))
    bench.checkpoint()
    assert [change["cause"] for change in bench.changes] == ["pack"]


def test_an_erasure_leaves_a_tombstone_behind_the_packs_change():
    """Both changes are told, and of the contact's current tier nothing stays."""
    bench = taken_over("ada", pack=replace(OLD, version=2, tiers=(replace(ENGAGED, name="warm"), BUY, INFLUENCE)))
    bench.feed(touchpoint("ada", 4, type="contact.erased"))
    bench.checkpoint()
    assert [(change["cause"], change["lost"]) for change in bench.changes] == [
        ("pack", ["engaged"]),
        ("erasure", ["warm"]),
    ]
    assert [record.value for record in bench.committed[TIER_CURRENT]] == [None]
    assert bench.summary["contacts"] == {}


def test_a_fault_restores_what_the_newer_pack_had_made_of_the_contact(monkeypatch):
    """Folded again since the last checkpoint, by the pack in force: nothing is told twice, the sequence has no gap."""
    bench, really_fold = taken_over("ada"), processor_module.fold

    def fold_or_raise(state, one, pack):
        outcome = really_fold(state, one, pack)
        if one.id == "fault":
            raise ZeroDivisionError("a fault of ours")
        return outcome

    monkeypatch.setattr(processor_module, "fold", fold_or_raise)
    bench.feed(touchpoint("ada", 4, id="fault"))  # the pack's change is undone with it
    bench.feed(touchpoint("ada", 5), touchpoint("ada", 6, id="fault"), touchpoint("ada", 6, type="contact.erased"))
    bench.checkpoint()
    assert [(change["sequence"], change["cause"]) for change in bench.changes] == [(2, "pack")]
    assert len(bench.dead_letters) == 2


def test_the_same_tiers_again_by_the_pack_after_it():
    """Two packs later: from what the one in between said, with its own stamp."""
    bench = taken_over("ada")
    bench.feed(touchpoint("ada", 4))
    bench.checkpoint()
    last = Bench(summary=bench.summary, pack=NEWEST)
    last.partition.copy.store.write(bench.changelog[-1].items(), None)
    last.feed(touchpoint("ada", 5))
    last.checkpoint()
    (change,) = last.changes
    assert (change["sequence"], change["cause"], change["gained"]) == (3, "pack", ["engaged"])
    assert change["pack"]["version"] == 3
