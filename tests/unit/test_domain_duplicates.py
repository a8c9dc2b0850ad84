"""Step 1: duplicates."""

from __future__ import annotations

from domain_kit.contact import Contact, small_pack, snapshot
from palier.domain.outcome import Duplicate, Late, Scored


def test_a_repeat_changes_nothing_at_all():
    """The same source and id, whatever else is in it, is a duplicate and leaves every byte of the state as it was."""
    ada = Contact(small_pack())
    ada.does("warm.1", 0, id="a")
    before = snapshot(ada.state)
    assert isinstance(ada.does("warm.8", 1, id="a"), Duplicate)
    assert snapshot(ada.state) == before


def test_the_same_id_of_another_source_is_another_touchpoint():
    """Ids are unique within their source only, also where source and id run together."""
    ada = Contact(small_pack())
    ada.does("warm.1", id="a", source="shop")
    assert isinstance(ada.does("warm.1", id="a", source="till"), Scored)
    assert isinstance(ada.does("warm.1", id="pa", source="sho"), Scored)


def test_everything_that_passes_the_clock_is_remembered():
    """Unknown types, bots and what has no weights: their repeats are duplicates too."""
    ada = Contact(small_pack())
    for type_, bot in (("never.heard.of", False), ("warm.1", True), ("hello", False)):
        assert not isinstance(ada.does(type_, id=type_, bot=bot), Duplicate)
        assert isinstance(ada.does(type_, id=type_, bot=bot), Duplicate)


def test_ids_are_forgotten_when_their_repeats_would_be_late():
    """To the millisecond: exactly seven days old is remembered, one millisecond more is forgotten and late."""
    ada = Contact(small_pack())
    ada.does("warm.1", 0, ms=0, id="a")
    ada.does("warm.1", 0, ms=1, id="b")
    ada.does("warm.1", 7, ms=1, id="c")
    assert isinstance(ada.does("warm.1", 0, ms=0, id="a"), Late)
    assert isinstance(ada.does("warm.1", 0, ms=1, id="b"), Duplicate)


def test_a_late_touchpoint_is_not_remembered():
    """Its repeat is late again, not a duplicate."""
    ada = Contact(small_pack())
    ada.does("warm.1", 10)
    assert isinstance(ada.does("warm.1", 1, id="a"), Late)
    assert isinstance(ada.does("warm.1", 1, id="a"), Late)


def test_the_first_arrived_beyond_128_is_forgotten():
    """By arrival, not by time; a duplicate does not refresh its place."""
    ada = Contact(small_pack())
    for number in range(128):
        ada.does("warm.1", 5, -number, id=f"n{number}")
    assert isinstance(ada.does("warm.1", 5, id="n0"), Duplicate)
    ada.does("warm.1", 5, id="one more")
    assert isinstance(ada.does("warm.1", 5, id="n1"), Duplicate)
    assert isinstance(ada.does("warm.1", 5, id="n0"), Scored)


def test_expired_ids_take_none_of_the_128_places():
    """An expired id behind a fresh one (arrived later, but older) neither answers nor counts."""
    ada = Contact(small_pack())
    ada.does("warm.1", 6, id="fresh")
    for number in range(100):
        ada.does("warm.1", 0, id=f"old{number}")
    for number in range(127):
        ada.does("warm.1", 8, id=f"new{number}")
    assert isinstance(ada.does("warm.1", 6, id="fresh"), Duplicate)
    assert isinstance(ada.does("warm.1", 0, id="old1"), Late)
    ada.does("warm.1", 8, id="the 129th")
    assert isinstance(ada.does("warm.1", 8, id="fresh"), Scored)


def test_a_long_silence_forgets_every_id():
    """After 50 days (when the low 32 bits of a time have gone round) an old id is an old id, not a fresh one."""
    for days in (8, 24, 25, 49, 50, 57, 100, 400):
        ada = Contact(small_pack())
        ada.does("warm.1", 0, id="a")
        ada.does("warm.1", days, id="b")
        assert isinstance(ada.does("warm.1", days, 1, id="a"), Scored), days


def test_a_demotion_noticed_by_a_timer_forgets_no_id():
    """The list is cleared by touchpoints alone, so a timer gives what no timer gives."""
    ada = Contact(small_pack())
    ada.opts_in(0)
    ada.does("warm.12", 0, id="a")
    assert len(ada.waits(30)) == 1
    assert isinstance(ada.does("warm.12", 0, id="a"), Duplicate)
