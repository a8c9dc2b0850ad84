"""Step 3: demotion needs no event."""

from __future__ import annotations

from math import ceil, log2

import pytest

from domain_kit.contact import Contact, moment, small_pack, snapshot, steps
from palier.domain.limits import DAY_MS
from palier.domain.pack import Tier

HALF_LIFE = 10 * DAY_MS


def warm(points: str = "warm.12", day: float = 0) -> Contact:
    """Holds `warm`."""
    ada = Contact(small_pack())
    ada.opts_in(day)
    ada.does(points, day)
    return ada


def test_the_moment_is_where_the_score_meets_the_leave_threshold():
    """t* = as_of + ceil(half-life * log2(12 / 5)); the change is dated t*, not when it was noticed."""
    ada = warm()
    t_star = moment() + ceil(HALF_LIFE * log2(12 / 5))
    assert ada.next_demotion_at == t_star
    (change,) = ada.waits(400)
    assert change.occurred_at == change.since == t_star == ada.state.as_of
    assert (change.cause, change.touchpoint_id, change.touchpoint_source) == ("inactivity", None, None)
    assert (change.from_tier, change.to_tier, change.lost) == ("warm", "unengaged", ("warm",))
    assert change.thresholds == {"warm": {"warmth": 5}}
    assert change.scores["warmth"] == pytest.approx(5, abs=0.0001)
    assert [reason.type for reason in change.reasons] == ["warm.12"]


def test_a_millisecond_before_nothing_is_due():
    """The boundary belongs to the demotion."""
    ada = warm()
    t_star = ada.next_demotion_at
    before = snapshot(ada.state)
    assert ada.waits(ms=t_star - moment() - 1) == []
    assert snapshot(ada.state) == before
    assert len(ada.waits(ms=t_star - moment())) == 1


@pytest.mark.parametrize("ms", [-1, 0, 1, DAY_MS])
def test_a_touchpoint_notices_what_a_timer_would(ms):
    """The next touchpoint, however dull, finds the demotion at the same moment."""
    by_timer, by_touchpoint = warm(), warm()
    at = by_timer.next_demotion_at - moment() + ms
    timed = by_timer.waits(ms=at)
    by_timer.does("never.heard.of", ms=at, id="x")
    assert list(by_touchpoint.does("never.heard.of", ms=at, id="x").changes) == timed
    assert len(timed) == (ms >= 0)
    assert snapshot(by_timer.state) == snapshot(by_touchpoint.state)


def test_a_touchpoint_from_the_past_notices_nothing():
    """Only what is newer than as_of moves the clock."""
    ada = warm()
    t_star = ada.next_demotion_at
    ada.does("warm.1", -1)
    assert ada.changes == [ada.changes[0]]
    assert ada.next_demotion_at > t_star


def test_a_touchpoint_that_arrives_in_time_defers_it():
    """One point more, an hour before: the tier holds on, and the moment is worked out anew."""
    ada = warm()
    t_star = ada.next_demotion_at
    assert ada.does("warm.8", ms=t_star - moment() - 1).changes == ()
    assert ada.next_demotion_at > t_star + 5 * DAY_MS


def test_demotions_come_one_after_the_other_each_with_its_own_moment():
    """The next moment is worked out from the state at the one before."""
    ada = warm()
    for zeal in ("zeal.6", "zeal.7", "zeal.7"):
        ada.does(zeal, 0)
    assert ada.held == ("warm", "zealous")
    changes = ada.waits(400)
    assert steps(changes) == [("zealous", "zealous", "inactivity"), ("zealous", "unengaged", "inactivity")]
    assert [change.sequence for change in changes] == [2 + 1, 2 + 2]
    assert changes[0].direction == "lateral"
    assert changes[0].occurred_at < changes[1].occurred_at
    assert changes[0].since == moment(), "a lateral change keeps the beginning of the headline"


def test_tiers_due_at_the_same_moment_go_together():
    """One change loses both."""
    pack = small_pack(tiers=(Tier("warm", {"warmth": 10}, {"warmth": 5}), Tier("hot", {"warmth": 11}, {"warmth": 5})))
    ada = Contact(pack)
    ada.opts_in(0)
    ada.does("warm.12", 0)
    (change,) = ada.waits(400)
    assert change.lost == ("hot", "warm")


def test_behind_a_closed_gate_tiers_lapse_in_silence():
    """Earned is by scores alone: when the gate opens again there is nothing to hold."""
    ada = warm()
    ada.does("goodbye", 1)
    assert ada.next_demotion_at is not None
    assert ada.does("hello", 60).changes == ()
    assert ada.held == ()


def test_a_tier_is_lost_by_the_first_of_its_leave_axes():
    """The earlier of two moments counts."""
    pack = small_pack(tiers=(Tier("both", {"warmth": 3, "zeal": 4}, {"warmth": 1, "zeal": 3.9}),))
    ada = Contact(pack)
    ada.opts_in(0)
    ada.does("both", 0)
    assert ada.next_demotion_at == moment() + ceil(2 * HALF_LIFE * log2(4 / 3.9))


def test_a_tier_without_leave_thresholds_is_never_lost_by_waiting():
    """There is no moment to wait for."""
    ada = Contact(small_pack(tiers=(Tier("for.good", {"warmth": 10}, {}),)))
    ada.opts_in(0)
    ada.does("warm.12", 0)
    assert ada.next_demotion_at is None
    assert ada.waits(4000) == []
    assert ada.held == ("for.good",)


def test_nothing_is_due_for_nobody():
    """New, and erased."""
    ada = Contact(small_pack())
    assert ada.next_demotion_at is None
    assert ada.waits(4000) == []
    ada.does("forget")
    assert ada.next_demotion_at is None
    assert ada.waits(4000) == []


def test_rounding_can_leave_a_score_on_its_threshold_and_then_it_is_due_at_once():
    """S <= L for an earned tier: t* is as_of, by decree."""
    ada = warm()
    ada.state.scores[0] = 5.0
    assert ada.next_demotion_at == ada.state.as_of
    assert len(ada.waits()) == 1
