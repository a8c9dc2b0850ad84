"""A newer pack meets a contact: what she earns is evaluated anew, and told with cause `pack`."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from domain_kit.contact import Contact, moment, small_pack, snapshot, steps
from palier.domain.demotion import expire
from palier.domain.limits import DAY_MS
from palier.domain.pack import Axis, Distinct, Rule, Tier

WARM, ZEALOUS = small_pack().tiers
HARDER = replace(WARM, enter={"warmth": 30}, leave={"warmth": 20})
EASIER = replace(WARM, enter={"warmth": 4}, leave={"warmth": 2})
NEVER_HEARD_OF = "never.heard.of"


def newer(version: int = 2, **changes):
    """The small pack, changed, as another version."""
    return small_pack(version=version, **changes)


def zealot(**members) -> Contact:
    """Holds both tiers as of day 1: warmth 15, zeal 17."""
    ada = Contact(small_pack(), stored=True, **members)
    ada.opts_in()
    for type_ in ("zeal.6", "zeal.7", "warm.12", "both"):
        ada.does(type_, 1)
    assert ada.held == ("warm", "zealous")
    return ada


def lukewarm() -> Contact:
    """Holds nothing as of day 1: warmth 8."""
    ada = Contact(small_pack(), stored=True)
    ada.opts_in()
    ada.does("warm.8", 1)
    return ada


# --- what changes, and how it is told -----------------------------------------------------------------------------------
def test_a_raised_leave_threshold_takes_the_tier_away():
    """Dated when the contact was last looked at, ahead of what the touchpoint itself does; nobody's touchpoint is blamed."""
    ada = zealot()
    ada.pack = newer(tiers=(HARDER, ZEALOUS))
    lost, gained = ada.does("warm.12", 2, id="a").changes + ada.does("warm.12", 2, id="b").changes
    assert (lost.cause, lost.lost, lost.gained, lost.occurred_at) == ("pack", ("warm",), (), moment(1))
    assert (lost.touchpoint_id, lost.touchpoint_source) == (None, None)
    assert (lost.from_tier, lost.to_tier, lost.direction, lost.held) == ("zealous", "zealous", "lateral", ("zealous",))
    assert lost.thresholds == {"warm": {"warmth": 20}}
    assert lost.scores == {"warmth": 15, "zeal": 17}
    assert [(reason.axis, reason.weight) for reason in lost.reasons] == [("warmth", 12), ("warmth", 3)]
    assert (gained.cause, gained.gained, gained.touchpoint_id) == ("touchpoint", ("warm",), "b")
    assert (lost.sequence, gained.sequence) == (2, 3)


def test_a_lowered_enter_threshold_gives_the_tier():
    """As of the moment she was last looked at, by the points she had then."""
    ada = lukewarm()
    ada.pack = newer(tiers=(EASIER, ZEALOUS))
    (change,) = ada.does(NEVER_HEARD_OF, 2).changes
    assert steps([change]) == [("unengaged", "warm", "pack")]
    assert (change.sequence, change.occurred_at, change.since) == (1, moment(1), moment(1))
    assert change.thresholds == {"warm": {"warmth": 4}}
    assert change.scores["warmth"] == 8


def test_what_the_pack_gives_may_be_lost_before_the_touchpoint():
    """Then demotions follow, each at its own moment, and then the touchpoint."""
    ada = lukewarm()
    ada.pack = newer(tiers=(EASIER, ZEALOUS))
    changes = ada.does("warm.12", 60).changes
    assert steps(changes) == [
        ("unengaged", "warm", "pack"),
        ("warm", "unengaged", "inactivity"),
        ("unengaged", "warm", "touchpoint"),
    ]
    assert [change.sequence for change in changes] == [1, 2, 3]
    assert [change.occurred_at for change in changes] == [moment(1), moment(21), moment(60)]


def test_between_leave_and_enter_a_tier_stays_and_none_is_entered():
    """An earned tier must only stay above the newer leave threshold; one not earned must reach the newer enter threshold."""
    held, not_held = zealot(), lukewarm()
    for contact, between in ((held, 15), (not_held, 8)):
        contact.pack = newer(
            tiers=(replace(WARM, enter={"warmth": between + 1}, leave={"warmth": between - 1}), ZEALOUS)
        )
        assert contact.does(NEVER_HEARD_OF, 1).changes == ()


def test_nothing_changes_by_a_pack_that_says_the_same():
    """No change is told, and she is looked at once only."""
    ada = zealot()
    ada.pack = newer()
    assert ada.does(NEVER_HEARD_OF, 1).changes == ()
    assert ada.state.pack_version == 2


def test_a_tier_the_pack_dropped_is_lost_with_the_same_change():
    """One change tells all; a dropped tier has no thresholds, and as a headline it ranks just above none."""
    ada = zealot()
    calm = Tier("calm", {"zeal": 11}, {"zeal": 2})
    ada.pack = newer(tiers=(calm, WARM))
    (change,) = ada.does(NEVER_HEARD_OF, 2).changes
    assert (change.lost, change.gained, change.cause) == (("zealous",), ("calm",), "pack")
    assert steps([change]) == [("zealous", "warm", "pack")]
    assert (change.direction, change.sequence, change.since) == ("up", 2, moment(1))
    assert change.thresholds == {"calm": {"zeal": 11}}
    assert ada.does(NEVER_HEARD_OF, 3).changes == ()


def test_a_dropped_tier_behind_a_closed_gate_is_nobodys_loss():
    """It was not held."""
    ada = zealot()
    ada.does("goodbye", 1)
    ada.pack = newer(tiers=(WARM,))
    assert ada.does(NEVER_HEARD_OF, 2).changes == ()


def test_a_gate_that_the_pack_closes_or_opens():
    """Is the pack's doing, not the contact's; no threshold has decided, so none is told."""
    ada = zealot()
    ada.does("hello", 1, channel="sms")
    ada.does("goodbye", 1, channel="email")
    assert ada.held == ()
    ada.pack = newer(permission_channels=frozenset({"sms"}))
    (opened,) = ada.does(NEVER_HEARD_OF, 2).changes
    ada.pack = newer(3, permission_channels=frozenset({"web"}))
    (closed,) = ada.does(NEVER_HEARD_OF, 3).changes
    assert (opened.cause, opened.gained, opened.thresholds) == ("pack", ("warm", "zealous"), {})
    assert (closed.cause, closed.lost, closed.thresholds) == ("pack", ("warm", "zealous"), {})
    assert (opened.occurred_at, closed.occurred_at) == (moment(1), moment(2))


def test_a_gate_that_the_pack_opens_gives_what_its_thresholds_give_too():
    """Thresholds are told of those tiers only that they have decided about."""
    ada = lukewarm()
    ada.does("zeal.6", 1)
    ada.does("both", 1)
    ada.does("hello", 1, channel="sms")
    ada.does("goodbye", 1, channel="email")
    keen = Tier("keen", {"zeal": 9}, {"zeal": 3})
    ada.pack = newer(tiers=(WARM, ZEALOUS, keen), permission_channels=frozenset({"sms"}))
    (change,) = ada.does(NEVER_HEARD_OF, 1).changes
    assert change.gained == ("keen", "warm", "zealous")
    assert change.thresholds == {"keen": {"zeal": 9}}


def test_other_ranks_are_another_headline():
    """The same tiers, but the change is told: from what was said last to what is said now."""
    ada = zealot()
    ada.pack = newer(tiers=(ZEALOUS, WARM))
    (change,) = ada.does(NEVER_HEARD_OF, 2).changes
    assert (change.from_tier, change.to_tier, change.direction) == ("zealous", "warm", "up")
    assert (change.gained, change.lost, change.thresholds, change.reasons) == ((), (), {}, ())
    assert change.held == ("warm", "zealous")


def test_distinct_conditions_are_asked_as_of_the_same_moment():
    """The window of the newer pack ends where she was last looked at, not at the touchpoint."""
    ada = Contact(small_pack(tiers=(WARM, replace(ZEALOUS, enter={"zeal": 30}))), stored=True)
    ada.opts_in()
    ada.does("zeal.6", 1)
    ada.does("both", 1)
    ada.pack = newer(tiers=(WARM, replace(ZEALOUS, enter={"zeal": 9}, distinct=Distinct("types", "zeal", 2, DAY_MS))))
    (change,) = ada.does(NEVER_HEARD_OF, 3).changes
    assert (change.gained, change.cause, change.occurred_at) == (("zealous",), "pack", moment(1))


def test_another_half_life_acts_from_that_moment_on():
    """Points are what they were at `as_of`; the demotion that the new half-life brings is a demotion like any other."""
    ada = zealot()
    ada.pack = newer(axes=(Axis("warmth", DAY_MS), small_pack().axes[1]))
    changes = ada.does(NEVER_HEARD_OF, 10).changes
    assert [(change.cause, change.lost) for change in changes] == [("inactivity", ("warm",))]
    assert moment(2) < changes[0].occurred_at < moment(3), "15 halves to 5 in 1.6 days"


# --- when ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("day", [-30, 0, 1, 1.5])
def test_how_old_the_touchpoint_is_makes_no_difference(day):
    """Late or out of order: she is active, so she meets the pack, at the same moment."""
    ada = zealot()
    ada.pack = newer(tiers=(HARDER, ZEALOUS))
    outcome = ada.does(NEVER_HEARD_OF, day)
    assert [(change.cause, change.occurred_at) for change in outcome.changes] == [("pack", moment(1))]


def test_a_duplicate_changes_nothing_at_all():
    """She meets the pack with the next touchpoint that is none."""
    ada = zealot()
    ada.pack = newer(tiers=(HARDER, ZEALOUS))
    before = snapshot(ada.state)
    outcome = ada.arrives(ada.touchpoints[-1])
    assert (outcome.name, outcome.changes, snapshot(ada.state)) == ("duplicate", (), before)
    assert [change.cause for change in ada.does(NEVER_HEARD_OF, 1).changes] == ["pack"]


def test_an_erasure_meets_the_pack_first():
    """The chain is the one a timer would have begun: what the pack changes, then the erasure of the rest."""
    ada = zealot()
    ada.pack = newer(tiers=(HARDER, ZEALOUS))
    assert [(change.cause, change.lost) for change in ada.does("forget", 2).changes] == [
        ("pack", ("warm",)),
        ("erasure", ("zealous",)),
    ]


def test_a_stub_meets_no_pack_and_who_wakes_begins_under_the_newer_one():
    """An erased contact holds nothing; her chain goes on with the first tier of her new life."""
    ada = zealot()
    ada.does("forget", 2)
    ada.pack = newer(tiers=(EASIER, ZEALOUS))
    before = snapshot(ada.state)
    assert (ada.does("warm.12", 3).name, snapshot(ada.state)) == ("erased", before)
    assert ada.opts_in(4).changes == ()
    assert ada.state.pack_version == 2
    (change,) = ada.does("warm.8", 4).changes
    assert (change.cause, change.sequence) == ("touchpoint", 3)


@pytest.mark.parametrize("until", [1, 2, 400])
def test_what_a_pack_takes_away_is_due_at_once(until):
    """A timer finds it, whatever the reason: a threshold, a tier that is gone, a channel that gives no leave any more."""
    harder, gone = newer(tiers=(HARDER, ZEALOUS)), newer(tiers=(ZEALOUS,))
    for pack in (harder, gone, newer(permission_channels=frozenset({"sms"}))):
        ada = zealot()
        ada.pack = pack
        assert ada.next_demotion_at == moment(1)
        assert ada.waits(0.9) == []
        change, *demotions = ada.waits(until)
        assert (change.cause, change.occurred_at, "warm" in change.lost) == ("pack", moment(1), True)
        assert all(demotion.cause == "inactivity" for demotion in demotions)


def test_what_a_pack_gives_waits_until_she_is_active_or_due():
    """Nobody looks for it; but when a demotion is due, what was given is told first."""
    ada, bob = lukewarm(), zealot()
    ada.pack, bob.pack = newer(tiers=(EASIER, ZEALOUS)), newer(tiers=(WARM, ZEALOUS, replace(EASIER, name="new")))
    assert (ada.next_demotion_at, ada.waits(400)) == (None, [])
    due = bob.next_demotion_at
    assert bob.waits(2) == []
    changes = expire(bob.state, "bob", due, bob.pack)
    assert [(change.cause, change.gained, change.lost) for change in changes] == [
        ("pack", ("new",), ()),
        ("inactivity", (), ("warm",)),
    ]


def test_who_notices_makes_no_difference():
    """A timer at any moment before the touchpoint, or none: the same changes, and the same contact in the end."""
    packs = [
        newer(tiers=(HARDER, ZEALOUS)),
        newer(tiers=(WARM,)),
        newer(tiers=(WARM, ZEALOUS, replace(EASIER, name="new"))),
        newer(axes=(Axis("warmth", DAY_MS), small_pack().axes[1])),
        newer(permission_channels=frozenset({"sms"})),
    ]
    for pack in packs:
        ends = set()
        for noticed in (None, 1, 1.5, 5, 12, 17, 19):
            ada = zealot()
            ada.pack = pack
            if noticed is not None:
                ada.waits(noticed)
            ada.does("zeal.6", 20, id="last")
            ends.add((str(ada.changes), snapshot(ada.state)))
        assert len(ends) == 1


def test_asking_changes_nothing():
    """When she falls due, and what the pack makes of her, can be asked before she has met it."""
    ada = zealot()
    ada.pack = newer(axes=(Axis("warmth", DAY_MS),), tiers=(HARDER,), rules={"warm.1": Rule("warm.1", {"warmth": 1})})
    before = snapshot(ada.state)
    assert ada.next_demotion_at == moment(1)
    told = ada.explained(1)
    assert (told.held, told.sequence, told.headline) == ((), 2, "unengaged")
    assert snapshot(ada.state) == before


def test_every_pack_on_the_way_may_be_left_out():
    """Who sleeps through a version meets the one after it, once."""
    ada, bob = zealot(), zealot()
    middle = newer(2, tiers=(HARDER, replace(ZEALOUS, enter={"zeal": 30}, leave={"zeal": 20})))
    last = newer(3, tiers=(EASIER, ZEALOUS))
    ada.pack = middle
    assert len(ada.does(NEVER_HEARD_OF, 1).changes) == 1
    ada.pack = bob.pack = last
    assert [change.gained for change in ada.does(NEVER_HEARD_OF, 1).changes] == [("warm", "zealous")]
    assert bob.does(NEVER_HEARD_OF, 1).changes == ()


def test_what_was_counted_distinctly_is_remembered_as_far_as_the_older_pack_asked():
    """A pack without a tier that counts has let it go; the one after it begins anew."""
    ada = zealot()
    for pack in (newer(2, tiers=(WARM,)), newer(3)):
        ada.pack = pack
        ada.does(NEVER_HEARD_OF, 1)
    assert ada.held == ("warm",)
    ada.does("both", 1)
    assert ada.held == ("warm",)
    ada.does("zeal.6", 1)
    assert ada.held == ("warm", "zealous")


def test_where_no_rule_fulfils_the_axis_any_more_five_reasons_are_kept():
    """Those behind the five were kept for resets that arrive out of order."""
    rules = dict(small_pack().rules)
    ada = zealot()
    for number in range(6):
        ada.does("warm.8", 1, hour=number)
    assert len(ada.state.strongest[0]) > 5
    del rules["done"], rules["done.with.8"]
    ada.pack = newer(rules=rules)
    ada.does(NEVER_HEARD_OF, 2)
    assert len(ada.state.strongest[0]) == 5
    assert ada.state.evidence.keys() == set(b"".join(ada.state.strongest))


def test_the_state_is_that_of_the_version():
    """After any touchpoint that is no duplicate and meets a life, and before it as it was."""
    ada = zealot()
    untouched = deepcopy(ada.state)
    assert untouched.pack_version == 1
    ada.pack = newer(7)
    ada.does(NEVER_HEARD_OF, 1)
    assert ada.state.pack_version == 7
