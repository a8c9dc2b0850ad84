"""Steps 2 and 4: erasure, the stub, and waking."""

from __future__ import annotations

import pytest

from domain_kit.contact import Contact, moment, small_pack, snapshot, steps
from palier.domain.outcome import Duplicate, Erased, Noted, Scored


def engaged() -> Contact:
    """Warm and opted in, as of day 3."""
    ada = Contact(small_pack())
    ada.opts_in(0)
    ada.does("warm.12", 3)
    assert ada.held == ("warm",)
    return ada


def test_erasure_loses_every_tier_and_keeps_a_stub():
    """A TierChange with cause erasure, numbered on, telling nothing of what was known; then sequence and time only."""
    ada = engaged()
    outcome = ada.does("forget", 4, id="f")
    assert isinstance(outcome, Noted)
    (change,) = outcome.changes
    assert (change.from_tier, change.to_tier, change.direction, change.cause) == (
        "warm",
        "unengaged",
        "down",
        "erasure",
    )
    assert (change.sequence, change.gained, change.lost) == (2, (), ("warm",))
    assert (change.touchpoint_id, change.touchpoint_source) == ("f", "test")
    assert change.occurred_at == change.since == moment(4)
    assert not change.held
    assert not change.channels
    assert not change.scores
    assert not change.thresholds
    assert not change.reasons
    assert ada.state.is_erased
    assert ada.state.to_fields() == (2, moment(4))


def test_an_erasure_that_arrives_late_takes_effect_at_as_of():
    """What was known until day 3 is gone, so nothing until day 3 may come back."""
    ada = engaged()
    assert ada.does("forget", 1).changes[0].occurred_at == moment(3)
    assert isinstance(ada.does("hello", 3), Erased)


def test_an_erasure_of_nobody_makes_a_stub_without_a_change():
    """Nobody's erasure is kept all the same, and older touchpoints are erased."""
    ada = Contact(small_pack())
    outcome = ada.does("forget", 4)
    assert isinstance(outcome, Noted)
    assert outcome.changes == ()
    assert ada.state.is_erased
    assert isinstance(ada.does("hello", 4), Erased)


def test_behind_a_closed_gate_an_erasure_makes_no_change():
    """Nothing was held."""
    ada = Contact(small_pack())
    ada.does("warm.12", 3)
    assert ada.does("forget", 4).changes == ()


def test_demotions_due_come_before_the_erasure():
    """The tier was lost by silence weeks ago; the erasure has nothing left to take."""
    ada = engaged()
    outcome = ada.does("forget", 60)
    assert steps(outcome.changes) == [("warm", "unengaged", "inactivity")]


def test_an_erased_contact_stays_erased_whatever_she_does():
    """Only a human grant wakes; nothing else changes the stub."""
    ada = engaged()
    ada.does("forget", 4)
    before = snapshot(ada.state)
    for type_, members in (("warm.12", {}), ("never.heard.of", {}), ("hello", {"bot": True}), ("done", {})):
        assert isinstance(ada.does(type_, 5, **members), Erased)
        assert snapshot(ada.state) == before


@pytest.mark.parametrize("bot", [False, True])
@pytest.mark.parametrize("type_", ["forget", "goodbye", "silence"])
def test_saying_no_again_moves_the_erasure_forward(type_, bot):
    """A newer erasure or withdrawal, a bot's too, raises erased_at; an older one does not lower it."""
    ada = engaged()
    ada.does("forget", 4)
    assert isinstance(ada.does(type_, 6, bot=bot), Erased)
    assert isinstance(ada.does(type_, 5, bot=bot), Erased)
    assert ada.state.erased_at == moment(6)
    assert isinstance(ada.does("hello", 6), Erased)


def test_a_human_grant_wakes_and_begins_anew():
    """Scores from 0, no id remembered, the sequence goes on, and the erasure is kept for good."""
    ada = engaged()
    ada.does("forget", 4, id="f")
    assert isinstance(ada.does("hello", 5), Noted)
    assert not ada.state.is_erased
    assert ada.scores() == {"warmth": 0, "zeal": 0}
    assert isinstance(ada.does("warm.12", 3), Erased), "before the erasure is before the erasure, also when awake"
    outcome = ada.does("warm.12", 5)
    assert isinstance(outcome, Scored)
    assert outcome.changes[0].sequence == 3
    assert ada.state.erased_at == moment(4)


def test_what_was_erased_is_not_a_duplicate():
    """The list of ids goes with the rest: a redelivered touchpoint is erased by its time."""
    ada = engaged()
    ada.does("warm.1", 3, id="a")
    ada.does("forget", 4)
    assert isinstance(ada.does("warm.1", 3, id="a"), Erased)
    ada.does("hello", 5)
    assert isinstance(ada.does("warm.1", 6, id="a"), Scored)
    assert isinstance(ada.does("warm.1", 6, id="a"), Duplicate)


def test_an_erased_touchpoint_is_not_remembered():
    """A grant refused as too old may come again with a newer time."""
    ada = engaged()
    ada.does("forget", 4)
    assert isinstance(ada.does("hello", 4, id="h"), Erased)
    assert isinstance(ada.does("hello", 5, id="h"), Noted)
