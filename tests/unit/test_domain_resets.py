"""Step 9: resets."""

from __future__ import annotations

import pytest

from domain_kit.contact import Contact, moment, small_pack, steps
from palier.domain.limits import MINUTE_MS
from palier.domain.outcome import Capped, Late, Scored
from palier.domain.pack import Rule


def test_nothing_gained_until_five_minutes_past_it_counts():
    """To the millisecond, whether it came before or comes after."""
    for earlier in (True, False):
        ada = Contact(small_pack())
        if not earlier:
            ada.does("done", 1)
        ada.does("warm.1", 1, 0, 5)
        ada.does("warm.2", 1, 0, 5, ms=1)
        if earlier:
            ada.does("done", 1)
        assert ada.score("warmth") == pytest.approx(2, abs=1e-6)


def test_a_reset_is_of_its_axes_alone():
    """The other axis keeps its points."""
    ada = Contact(small_pack())
    ada.does("both", 0)
    ada.does("done", 1)
    assert ada.score("warmth") == 0
    assert ada.score("zeal") > 3.8


def test_zero_resets_every_axis():
    """Also those it does not name."""
    ada = Contact(small_pack())
    ada.does("both", 0)
    ada.does("silence", 1)
    assert ada.scores() == {"warmth": 0, "zeal": 0}


def test_an_older_reset_changes_nothing():
    """Not newer than reset_at: nothing happens, not even to what the ring has forgotten."""
    ada = Contact(small_pack())
    ada.does("done", 3)
    for _ in range(20):
        ada.does("warm.1", 4)
    ada.does("done", 2)
    assert ada.score("warmth") == pytest.approx(20)


def test_what_is_newer_than_a_late_reset_remains():
    """Recomputed from the ring, decayed to as_of."""
    ada = Contact(small_pack())
    ada.does("warm.8", 0)
    ada.does("warm.2", 5)
    ada.does("never.heard.of", 15)
    ada.does("done", 3)
    assert ada.score("warmth") == pytest.approx(1)


def test_what_fell_out_of_the_ring_is_forgotten():
    """Of 20 contributions newer than the reset, the latest 16 by arrival remain."""
    ada = Contact(small_pack())
    for _ in range(4):
        ada.does("warm.8", 2)
    for _ in range(16):
        ada.does("warm.1", 2)
    ada.does("done", 1)
    assert ada.score("warmth") == pytest.approx(16)


def test_void_contributions_have_their_places_in_the_ring():
    """They push out others like any contribution."""
    ada = Contact(small_pack())
    ada.does("done", 1)
    ada.does("warm.8", 3)
    for _ in range(15):
        ada.does("warm.1", 0)
    assert ada.score("warmth") == pytest.approx(8)
    ada.does("done", 2)
    assert ada.score("warmth") == pytest.approx(8)
    ada.does("warm.1", 0)
    ada.does("done", 2, ms=1)
    assert ada.score("warmth") == 0


def test_an_axis_is_never_more_than_it_was():
    """What the reset made void was a loss: without it there would be more."""
    ada = Contact(small_pack())
    ada.does("warm.8", 3)
    ada.does("cold.4", 1)
    before = ada.score("warmth")
    ada.does("done", 2)
    assert ada.score("warmth") == before < 8


def test_losses_alone_leave_zero():
    """The sum of what remains may be negative; the axis is not."""
    ada = Contact(small_pack())
    ada.does("warm.8", 1)
    ada.does("cold.4", 3)
    ada.does("done", 2)
    assert ada.score("warmth") == 0


def test_distinct_types_and_days_go_with_what_was_gained():
    """Of two types, the one newer than the reset remains: not enough to enter."""
    rules = dict(small_pack().rules) | {"zeal.done": Rule("zeal.done", resets=("zeal",))}
    ada = Contact(small_pack(rules=rules))
    ada.opts_in()
    ada.does("warm.12", 0)
    ada.does("zeal.6", 0)
    ada.does("zeal.done", 1)
    ada.does("zeal.7", 2)
    ada.does("zeal.7", 2)
    assert ada.held == ("warm",)
    ada.does("zeal.6", 0)
    assert ada.held == ("warm",), "a void contribution adds no type"
    ada.does("zeal.6", 2)
    assert ada.held == ("warm", "zealous")


@pytest.mark.parametrize("bot", [False, True])
def test_a_bot_resets_nothing(bot):
    """Neither by name nor by zero."""
    ada = Contact(small_pack())
    ada.does("warm.8", 0)
    ada.does("done", 1, bot=bot)
    assert (ada.score("warmth") == 0) is not bot


def test_a_reset_holds_however_late_and_capped_or_not():
    """Only its own points fall under lateness and caps."""
    rules = dict(small_pack().rules) | {"buy": Rule("buy", {"zeal": 1}, per_day=1, resets=("warmth",))}
    ada = Contact(small_pack(rules=rules))
    ada.does("warm.8", 0)
    ada.does("warm.8", 20)
    assert isinstance(ada.does("buy", 1), Late)
    assert ada.score("warmth") == pytest.approx(8)
    ada.does("buy", 20, 1)
    ada.does("warm.8", 20, 2)
    assert isinstance(ada.does("buy", 20, 3), Capped)
    assert ada.score("warmth") == 0


def test_the_reset_comes_before_the_touchpoints_own_points():
    """Which it makes void on that axis, being at its own time."""
    ada = Contact(small_pack())
    ada.does("warm.1", 0)
    assert isinstance(ada.does("done.with.8", 1), Scored)
    assert ada.score("warmth") == 0


def test_losing_a_tier_by_a_fulfilled_axis_is_a_conversion():
    """Its reasons are what is not void: none here; its threshold is the one it fell below."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.12", 0)
    (change,) = ada.does("done", 1).changes
    assert (change.cause, change.lost, change.direction) == ("conversion", ("warm",), "down")
    assert change.reasons == ()
    assert change.thresholds == {"warm": {"warmth": 5}}


def test_losing_a_tier_by_zero_is_none():
    """Nothing was fulfilled: a touchpoint, or the gate if it closed as well."""
    rules = dict(small_pack().rules) | {"nothing": Rule("nothing", zero=True)}
    for type_, cause in (("nothing", "touchpoint"), ("silence", "permission")):
        ada = Contact(small_pack(rules=rules))
        ada.opts_in()
        ada.does("warm.12", 0)
        assert steps(ada.does(type_, 1).changes) == [("warm", "unengaged", cause)]


def test_a_conversion_names_a_leave_axis_of_a_lost_tier():
    """A rule that resets warmth and takes away zeal, so that only the zealous tier is lost, converts nothing."""
    rules = dict(small_pack().rules) | {"odd": Rule("odd", {"zeal": -20}, resets=("warmth",))}
    ada = Contact(small_pack(rules=rules))
    ada.opts_in()
    ada.does("warm.1", 0)
    for type_ in ("zeal.6", "zeal.7"):
        ada.does(type_, 0)
    assert ada.held == ("zealous",)
    assert steps(ada.does("odd", 1).changes) == [("zealous", "unengaged", "touchpoint")]


def test_reset_tolerance_is_five_minutes():
    """Two upstream clocks may differ by so much."""
    ada = Contact(small_pack())
    ada.does("done", 1)
    assert ada.state.reset_at[0] == moment(1) + 5 * MINUTE_MS
