"""The walk of a touchpoint through the worker, on a partition without Kafka."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace

import pytest

from model import histories
from model.naive import milliseconds
from model.tables import DAY
from palier.contracts.contact_state import STATE_VERSION
from palier.domain.fold import fold
from palier.errors import ConfigurationError, DataError
from palier.packs import load_pack
from palier_tiers import processor as processor_module
from palier_tiers.budget import FAULTS_IN_A_ROW, DeadLetterBudget
from worker_kit.in_process import Bench
from worker_kit.poison import lawful, touchpoint
from worker_kit.truth import folded

PACK = load_pack(None)
STUB = b"\0"  # what the key of a stub begins with, and no contact id can


def erased(contact_id, day):
    return touchpoint(contact_id, day, type="contact.erased")


def granted(contact_id, day):
    return touchpoint(contact_id, day, type="consent.granted")


def summary_of(*pack):
    return {"pack": list(pack)}


# --- the good way -----------------------------------------------------------------------------------------------------------
def test_a_tier_change_leaves_twice_and_the_state_rests():
    """One touchpoint too many: a TierChange, the contact's current tier, and its state under its id."""
    bench = Bench()
    bench.feed(*lawful("ada"))
    bench.checkpoint()
    (change,) = bench.changes
    assert (change["contact_id"], change["sequence"], change["to"]) == ("ada", 1, "engaged")
    assert bench.current["ada"]["tier"] == "engaged"
    assert bench.states.keys() == {b"ada"}
    assert bench.summary["contacts"] == {"engaged": 1}


def test_random_histories_with_checkpoints_anywhere():
    """Wherever checkpoints fall, states, tier-current, counts and recorded_at are those of one straight fold."""
    for seed in range(5):
        log, chance = histories.touchpoints(seed, 800, contacts=20), random.Random(seed)
        bench = Bench()
        for one in log:
            bench.feed(one)
            now_and_then(bench, chance)
        assert_like(bench, log)


def now_and_then(bench, chance):
    """Begin a checkpoint, or commit the one that has begun; mostly neither."""
    if chance.random() < 0.1:
        bench.commit() if bench.checkpointing else bench.begin()


def assert_like(bench, log):
    """All is as an offline fold of the log leaves it."""
    if bench.checkpointing:
        bench.commit()
    bench.checkpoint()
    truth = folded([json.dumps(one).encode() for one in log], bench.settings, bench.pack)
    assert bench.states == truth.states
    assert Counter(bench.summary["contacts"]) == truth.tiers
    assert {name: one and one["sequence"] for name, one in bench.current.items()} == {
        name: last and last[0] for name, last in truth.current.items()
    }
    assert len(bench.changes) == len(truth.recorded_at) > 10


@pytest.mark.parametrize(("clock", "recorded_at"), [("event", "2025-01-04T12:00:00.000Z"), ("wall", "20")])
def test_recorded_at_follows_the_clock_of_the_settings(clock, recorded_at):
    """Event: the newest occurred_at of the partition, whosesoever. Wall: now."""
    bench = Bench(clock=clock)
    first, second = lawful("ada")
    bench.feed(first, touchpoint("bob", 4), second)
    bench.checkpoint()
    assert bench.changes[0]["recorded_at"].startswith(recorded_at)
    assert (bench.changes[0]["recorded_at"] > "2026") is (clock == "wall")


def test_effects_are_told_once():
    """Each checkpoint hands over what it did, and the next begins from zero."""
    bench = Bench()
    bench.feed(*lawful("ada"), touchpoint("ada", 4, type="podcast.heard"), b"<html>", key=b"ada")
    bench.begin()
    bench.feed(touchpoint("ada", 5))
    bench.commit()
    bench.checkpoint()
    first, second = bench.effects
    assert first.outcomes == {
        ("newsletter.subscribed", "scored"): 1,
        ("webinar.attended", "scored"): 1,
        ("podcast.heard", "unknown"): 1,
        ("", "refused"): 1,
    }
    assert (first.refusals, first.changes) == ({"not-json": 1}, {("unengaged", "engaged", "touchpoint"): 1})
    assert (len(first.timestamps_ms), first.contacts["engaged"]) == (4, 1)
    assert second.outcomes == {("article.read", "scored"): 1}
    assert len(second.timestamps_ms) == 1


def test_verdicts_are_counted_with_what_they_rest_on():
    """A machine by its user agent, by a trap, and in doubt; what nothing speaks against is human, a duplicate is neither."""
    bench = Bench()
    crawler = touchpoint("ada", 2, type="email.unsubscribed", user_agent="Googlebot/2.1")
    trapped = touchpoint("ada", 3, id="trap", properties={"honeypot": True, "method": "HEAD"})
    doubtful = touchpoint("ada", 3, id="head", properties={"method": "HEAD"})
    bench.feed(crawler, trapped, doubtful, touchpoint("ada", 4), touchpoint("ada", 4), b"<html>", key=b"ada")
    bench.checkpoint()
    (effects,) = bench.effects
    assert effects.all_verdicts() == {"human": 1, "suspect": 1, "bot": 2}
    assert effects.evidence == {"crawler": 1, "honeypot": 1, "head-request": 2}
    assert effects.bot_withdrawals == 1
    bench.feed(touchpoint("ada", 5))
    bench.checkpoint()
    assert bench.effects[1].all_verdicts() == {"human": 1}


def test_what_is_taken_back_is_told_and_counted():
    """A webinar revoked: a tier change of cause `reversal`, the current tier, and the counters; what nobody knows stays."""
    bench = Bench()
    bench.feed(*lawful("ada"))
    for number, revoked in enumerate(("ada 3", "ada 3", "whatever")):
        bench.feed(touchpoint("ada", 4 + number, type="touchpoint.revoked", properties={"id": revoked}))
    bench.checkpoint()
    (effects,) = bench.effects
    assert (effects.taken_back, effects.not_reversible) == (1, 2)
    assert effects.changes["engaged", "unengaged", "reversal"] == 1
    assert effects.all_verdicts() == {"human": 5}
    assert [change["cause"] for change in bench.changes] == ["touchpoint", "reversal"]
    assert bench.changes[-1]["thresholds"] == {"engaged": {"interest": 19.0}}
    assert (bench.current["ada"]["tier"], bench.current["ada"]["cause"]) == ("unengaged", "reversal")


# --- refused ----------------------------------------------------------------------------------------------------------------
def test_a_refused_record_does_not_touch_its_neighbours():
    """It goes to the dead letters with its place; what comes before and behind it is folded."""
    bench = Bench(number=3)
    first, second = lawful("ada")
    bench.feed(first, b"<html>", second, key=b"ada", headers=(("trace", b"1"),))
    bench.checkpoint()
    (letter,) = bench.dead_letters
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == ("not-json", "touchpoints", 3, 1)
    assert (letter.key, letter.value, [header.name for header in letter.headers]) == (b"ada", b"<html>", ["trace"])
    assert len(bench.changes) == 1


def test_a_misplaced_record_makes_no_contact():
    """By murmur2 'ada' belongs to another of four partitions: refused, with the cure, and nothing rests."""
    bench = Bench(partitions=4, partitioner="murmur2", number=home_of_ada() ^ 1)
    bench.feed(*lawful("ada"))
    bench.checkpoint()
    assert [letter.reason for letter in bench.dead_letters] == ["wrong-partition"] * 2
    assert f"partition {home_of_ada()} by murmur2" in bench.dead_letters[0].message
    assert "PALIER_PARTITIONER" in bench.dead_letters[0].message
    assert bench.states == {}
    assert bench.summary["contacts"] == {}


def test_who_has_a_state_is_never_misplaced():
    """The check is made only where a state would be made: contacts, and stubs, from before it go on where they are."""
    before = Bench(partitions=4, number=home_of_ada() ^ 1)
    before.feed(*lawful("ada"), *lawful("bob"), erased("bob", 4))
    before.checkpoint()
    after = Bench(partitions=4, number=home_of_ada() ^ 1, partitioner="murmur2")
    after.partition.copy.store.write(before.changelog[-1].items(), None)
    after.feed(touchpoint("ada", 5, type="contact.erased"), granted("bob", 5), *lawful("cyd"))
    after.checkpoint()
    assert [change["contact_id"] for change in after.changes] == ["ada"]
    assert b"bob" in after.states
    assert b"ada" not in after.states


def home_of_ada():
    """As Java's client places it (palier.kafka.partitioning has its own tests)."""
    return processor_module.partition_of(b"ada", 4, "murmur2")


# --- erasure ----------------------------------------------------------------------------------------------------------------
def test_an_erased_contact_leaves_a_stub():
    """Under a digest of its id the sequence and the time; under its id nothing; in tier-current a tombstone."""
    bench = Bench()
    bench.feed(*lawful("ada"))
    bench.checkpoint()
    bench.feed(erased("ada", 4))
    bench.checkpoint()
    (stub,) = bench.states
    assert stub.startswith(STUB)
    assert b"ada" not in stub
    assert bench.changelog[-1] == {stub: bench.changelog[-1][stub], b"ada": None}
    assert bench.current == {"ada": None}
    assert (bench.changes[-1]["cause"], bench.changes[-1]["sequence"]) == ("erasure", 2)
    assert bench.summary["contacts"] == {}


def test_a_tombstone_follows_every_erasure_with_or_without_a_change():
    """Somebody without a tier, or unheard of, is erased: no TierChange, but a tombstone; a repeat says nothing."""
    bench = Bench()
    bench.feed(touchpoint("ada", 1), erased("ada", 2), erased("bob", 2), erased("bob", 3), touchpoint("bob", 1))
    bench.checkpoint()
    assert bench.changes == []
    assert bench.current == {"ada": None, "bob": None}
    assert [record.key for record in bench.committed[processor_module.TIER_CURRENT]] == [b"ada", b"bob"]
    assert all(key.startswith(STUB) for key in bench.states)
    assert bench.summary["contacts"] == {}


@pytest.mark.parametrize(
    "between", [lambda bench: None, Bench.checkpoint, Bench.begin], ids=["", "rested", "in flight"]
)
def test_a_grant_wakes_the_stub(between):
    """Whether the stub rests, is in flight or was just made: the contact starts anew, its sequence goes on."""
    bench = Bench()
    bench.feed(*lawful("ada"), erased("ada", 4), touchpoint("ada", 5))
    between(bench)
    bench.feed(granted("ada", 6), touchpoint("ada", 7, type="webinar.attended"), touchpoint("ada", 8))
    if bench.checkpointing:
        bench.commit()
    bench.checkpoint()
    assert [(change["sequence"], change["to"]) for change in bench.changes] == [
        (1, "engaged"),
        (2, "unengaged"),
        (3, "engaged"),
    ]
    assert bench.states.keys() == {b"ada"}
    assert bench.current["ada"]["sequence"] == 3
    assert bench.summary["contacts"] == {"engaged": 1}


def test_two_applications_have_different_stubs():
    """The digest is salted with the application: a stub's key in one environment tells nothing in another."""
    stubs = set()
    for prefix in ("", "test-"):
        bench = Bench(topic_prefix=prefix)
        bench.feed(erased("ada", 1))
        bench.checkpoint()
        stubs |= bench.states.keys()
    assert len(stubs) == 2


# --- faults of ours ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def faulty_fold(monkeypatch):
    """A fold that spoils the state thoroughly and then raises, for touchpoints whose id says so."""

    def fold_or_raise(state, one, pack):
        outcome = fold(state, one, pack)
        if one.id.startswith("boom"):
            fold(state, replace(one, id="worse", type="consent.granted", occurred_at=one.occurred_at + 10**9), pack)
            raise ZeroDivisionError("a fault of ours")
        return outcome

    monkeypatch.setattr(processor_module, "fold", fold_or_raise)


@pytest.mark.parametrize("seed", range(8))
def test_a_fault_in_the_fold_leaves_no_trace(faulty_fold, seed):
    """Whatever the contact was then (new, resting, touched, demoted, in flight, a stub, woken), it is put back exactly."""
    log, chance, booms = histories.touchpoints(seed, 800, contacts=15), random.Random(seed), 0
    types = ("contact.erased", "consent.granted", "email.complained", "order.completed", "webinar.attended", "strange")
    bench, undisturbed = Bench(dead_letter_budget=1), Bench()
    for number, one in enumerate(log):
        for _ in range(chance.choice((0, 0, 0, 1, 3))):
            victim = chance.choice((one, chance.choice(log[: number + 1]), one | {"contact_id": f"nobody {booms}"}))
            bench.feed(victim | {"id": f"boom {booms}", "type": chance.choice(types), "bot": False})
            booms += 1
            now_and_then(bench, chance)
        if chance.random() < 0.1:  # a timer
            key, until_ms = one["contact_id"].encode(), milliseconds(one["occurred_at"]) + 10 * DAY
            for each in (bench, undisturbed):
                each.processor.expire(each.partition, key, until_ms, each.offset)
        for each in (bench, undisturbed):
            each.feed(one)
            now_and_then(each, chance)
    for each in (bench, undisturbed):
        if each.checkpointing:
            each.commit()
        each.checkpoint()
    assert bench.states == undisturbed.states
    assert bench.changes == undisturbed.changes
    assert bench.current == undisturbed.current
    assert bench.summary == undisturbed.summary
    assert [letter.reason for letter in bench.dead_letters] == ["internal"] * booms
    assert booms > 400


def test_a_fault_in_decoding_is_a_fault_in_the_fold(monkeypatch):
    """One record that our decoder raises at is a dead letter like any other; its neighbours are folded."""
    decode = processor_module.decode_touchpoint

    def decode_or_raise(value, *rest):
        if value == b"boom":
            raise RecursionError
        return decode(value, *rest)

    monkeypatch.setattr(processor_module, "decode_touchpoint", decode_or_raise)
    bench = Bench()
    first, second = lawful("ada")
    bench.feed(first, b"boom", second, key=b"ada")
    bench.checkpoint()
    assert [(letter.reason, letter.message) for letter in bench.dead_letters] == [
        ("internal", "decoding raised RecursionError")
    ]
    assert len(bench.changes) == 1
    with pytest.raises(DataError, match="a bad deploy, not bad data"):
        bench.feed(*[b"boom"] * (FAULTS_IN_A_ROW + 1), key=b"ada")


def test_faults_say_nothing_about_the_contact(faulty_fold):
    """The dead letter names the kind of fault, never what was in the record."""
    bench = Bench()
    bench.feed(touchpoint("ada", id="boom"))
    bench.checkpoint()
    assert bench.dead_letters[0].message == "the fold raised ZeroDivisionError"
    assert bench.summary["contacts"] == {}
    assert bench.states == {}


def test_many_faults_in_a_row_are_a_bad_deploy(faulty_fold):
    """Ten are dead letters; the eleventh stops the worker for an operator. A touchpoint that folds begins a new row."""
    bench = Bench()
    booms = [touchpoint("ada", id=f"boom {number}") for number in range(FAULTS_IN_A_ROW)]
    bench.feed(*booms, touchpoint("bob", 1), *booms)
    bench.feed(b"<html>", key=b"ada")
    with pytest.raises(DataError, match=r"partition 0: 11 records in a row cannot be folded, the last at offset 22"):
        bench.feed(touchpoint("ada", id="boom"))


# --- a torn transaction -------------------------------------------------------------------------------------------------------
def test_what_a_torn_transaction_committed_is_not_folded_again():
    """Its state contains records up to an offset: those are passed over without a trace, later ones are folded."""
    torn = Bench()
    torn.feed(*lawful("ada"))
    torn.checkpoint()
    bench = Bench()
    bench.partition.copy.store.write(torn.changelog[0].items(), None)
    bench.partition.torn = {b"ada": 1}
    bench.feed(*lawful("ada"), touchpoint("ada", 4), *lawful("bob"))
    bench.checkpoint()
    assert [change["contact_id"] for change in bench.changes] == ["bob"]
    assert bench.dead_letters == []
    assert ("article.read", "scored") in bench.effects[0].outcomes
    torn.feed(touchpoint("ada", 4))
    torn.checkpoint()
    assert bench.states[b"ada"] == torn.states[b"ada"]


# --- the rule pack of META ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "written_by",
    [
        ("default", PACK.version + 1, "another digest"),
        ("default", PACK.version, "another digest"),
        ("another", PACK.version, PACK.digest),
        ("another", PACK.version + 1, "another digest"),
    ],
)
def test_a_pack_that_is_not_newer_is_refused(written_by):
    """Older, or the same version with other contents: the worker must not start."""
    with pytest.raises(
        ConfigurationError, match=r"which wrote partition 0: run that one, or raise the pack's version above \d$"
    ) as refused:
        Bench(summary=summary_of(*written_by))
    assert f"rule pack default {PACK.version} " in str(refused.value)
    assert f"{written_by[0]} {written_by[1]} " in str(refused.value)


@pytest.mark.parametrize("written_by", [("default", PACK.version, PACK.digest), ("other", PACK.version - 1, "digest")])
def test_the_same_pack_or_a_newer_one_goes_on(written_by):
    """And stamps itself into META."""
    bench = Bench(summary=summary_of(*written_by) | {"contacts": {"engaged": 7}, "newest_occurred_at": 5})
    bench.checkpoint()
    assert bench.summary["pack"] == ["default", PACK.version, PACK.digest]
    assert bench.summary["contacts"] == {"engaged": 7}
    assert bench.summary["newest_occurred_at"] == 5


# --- the budget of dead letters ---------------------------------------------------------------------------------------------
def test_the_budget_is_judged_once_the_dead_letters_are_safe():
    """Too many are refused: that is told by the commit that holds them, not before it."""
    bench = Bench(dead_letter_budget=0.5)
    bench.feed(*[b"<html>"] * 2_000, key=b"ada")
    bench.begin()
    with pytest.raises(DataError, match=r"2000 of the latest 2000 records .* PALIER_DEAD_LETTER_BUDGET=0\.5"):
        bench.commit()
    assert len(bench.dead_letters) == 2_000


def test_the_budget_is_a_share_of_the_latest():
    """A few records prove nothing; a share at the limit is allowed; old sins are forgotten, new ones are not."""
    budget = DeadLetterBudget(0.5)
    budget.spend(999, 999, 0)
    for _ in range(30):
        budget.spend(1_000, 0, 0)
    budget.spend(4_000, 4_000, 0)
    with pytest.raises(DataError):
        budget.spend(9_000, 9_000, 0)
    at_the_limit, never = DeadLetterBudget(0.5), DeadLetterBudget(1)
    for _ in range(50):
        at_the_limit.spend(1_000, 500, 0)
        never.spend(1_000, 1_000, 0)
    with pytest.raises(DataError):
        DeadLetterBudget(0).spend(1_000, 1, 0)


def test_states_of_a_newer_release_are_refused_before_anything_is_written():
    """By META, for the whole partition: contacts themselves are decoded one by one, long after."""
    written = Bench()
    written.feed(*lawful("ada"))
    written.checkpoint()
    assert written.summary["state_version"] == STATE_VERSION
    with pytest.raises(DataError, match=f"states of version {STATE_VERSION + 1}, .* run the newer release"):
        Bench(summary={**written.summary, "state_version": STATE_VERSION + 1})
    Bench(summary={name: value for name, value in written.summary.items() if name != "state_version"})
