"""Steps 10 and 11: membership and transition."""

from __future__ import annotations

import pytest

from domain_kit.contact import Contact, moment, small_pack, steps
from palier.domain.pack import Distinct, Rule, Tier
from palier.domain.tiers import headline

DAYS = Tier("regular", {"warmth": 2}, {"warmth": 1}, Distinct("days", "warmth", 2, 3 * 86_400_000))


def test_a_tier_is_entered_at_its_threshold_exactly():
    """Every axis reaches its own."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.8", 0)
    assert ada.does("warm.1", 0).changes == ()
    (change,) = ada.does("warm.1", 0).changes
    assert (change.gained, change.cause, change.thresholds) == (("warm",), "touchpoint", {"warm": {"warmth": 10}})


def test_between_leave_and_enter_it_stays_as_it_was():
    """Hysteresis: earned stays, not earned stays out."""
    ada, bob = Contact(small_pack()), Contact(small_pack())
    for contact, first in ((ada, "warm.12"), (bob, "warm.8")):
        contact.opts_in()
        contact.does(first, 0)
        contact.does("never.heard.of", 3)
    assert 5 < bob.score("warmth") < ada.score("warmth") < 10
    assert ada.held == ("warm",)
    assert bob.held == ()


def test_a_touchpoint_that_takes_points_away_loses_the_tier_at_the_leave_threshold():
    """At it, not only below it."""
    ada = Contact(small_pack())
    ada.opts_in()
    for type_ in ("warm.12", "warm.1"):
        ada.does(type_, 0)
    ada.does("cold.4", 0)
    assert ada.held == ("warm",)
    assert steps(ada.does("cold.4", 0).changes) == [("warm", "unengaged", "touchpoint")]
    assert ada.score("warmth") == 5


def test_an_axis_without_leave_threshold_is_not_tested_for_staying():
    """Zealous asks for warmth to be entered, not to be kept."""
    ada = Contact(small_pack())
    ada.opts_in()
    for type_ in ("warm.1", "zeal.6", "zeal.7", "cold.4"):
        ada.does(type_, 0)
    assert ada.score("warmth") == 0
    assert ada.held == ("zealous",)


def test_distinct_types_are_types_with_a_positive_weight_on_the_axis():
    """Two of one type are one; types of other axes do not count, nor losses."""
    rules = dict(small_pack().rules) | {"zeal.lost": Rule("zeal.lost", {"zeal": -1})}
    ada = Contact(small_pack(rules=rules))
    ada.opts_in()
    for type_ in ("warm.1", "zeal.6", "zeal.6", "zeal.lost"):
        ada.does(type_, 0)
    assert ada.held == ()
    ada.does("both", 0)
    assert ada.held == ("zealous",)


def test_a_type_counts_while_it_is_strictly_newer_than_the_window():
    """Exactly five days old no longer, a millisecond younger still."""
    for late_by, held in ((0, ()), (-1, ("zealous",))):
        ada = Contact(small_pack())
        ada.opts_in()
        ada.does("warm.12", 0)
        ada.does("zeal.6", 0)
        ada.does("zeal.7", 5, ms=late_by)
        ada.does("warm.12", 5, ms=late_by)
        assert tuple(name for name in ada.held if name == "zealous") == held


def test_the_newest_of_a_type_counts():
    """An old touchpoint that arrives late does not make its type older."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.12", 6)
    ada.does("zeal.6", 4)
    ada.does("zeal.6", 0)
    ada.does("zeal.7", 6)
    assert ada.held == ("warm", "zealous")


def test_distinct_days_are_utc_days():
    """A minute before midnight and a minute after are two; morning and evening are one."""
    for hours, held in ((((0, 23.9), (1, 0.1)), ("regular",)), (((0, 0.1), (0, 23.9)), ())):
        ada = Contact(small_pack(tiers=(DAYS,)))
        ada.opts_in()
        for day, hour in hours:
            ada.does("warm.2", day, hour)
        assert ada.held == held


def test_days_of_arrivals_out_of_order_count_by_their_own_time():
    """The newest two of many, in any order."""
    ada = Contact(small_pack(tiers=(DAYS,)))
    ada.opts_in()
    for day in (5, 1, 3, 0, 5):
        ada.does("warm.1", day)
    assert ada.held == ("regular",)
    bob = Contact(small_pack(tiers=(DAYS,)))
    bob.opts_in()
    for day in (6, 1, 3, 0, 6):
        bob.does("warm.1", day)
    assert bob.held == ()


def test_memberships_are_independent():
    """An influencer can be about to buy: the headline is the highest rank, the set tells all."""
    ada = Contact(small_pack())
    ada.opts_in()
    for type_ in ("warm.1", "zeal.6", "zeal.7"):
        ada.does(type_, 0)
    (change,) = ada.does("warm.12", 0).changes
    assert (change.from_tier, change.to_tier, change.direction) == ("zealous", "zealous", "lateral")
    assert change.gained == ("warm",)
    assert change.held == ("warm", "zealous")


def test_directions_follow_the_rank_of_the_headline():
    """Up, down, and back."""
    ada = Contact(small_pack())
    ada.opts_in()
    for type_ in ("warm.12", "zeal.6", "zeal.7"):
        ada.does(type_, 0)
    ada.waits(200)
    assert [change.direction for change in ada.changes] == ["up", "up", "lateral", "down"]
    assert [change.to_tier for change in ada.changes] == ["warm", "zealous", "zealous", "unengaged"]


def test_sequence_counts_changes_and_nothing_else():
    """From 1, without a gap."""
    ada = Contact(small_pack())
    for day in range(0, 200, 40):
        ada.opts_in(day)
        ada.does("warm.12", day)
        ada.does("goodbye", day, 1)
    assert [change.sequence for change in ada.changes] == list(range(1, 11))
    assert ada.state.sequence == 10


def test_since_is_the_beginning_of_the_headline():
    """A lateral change keeps it, another headline begins anew."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.12", 1)
    ada.does("zeal.6", 2)
    ada.does("zeal.7", 3)
    ada.does("cold.4", 3, 1)
    ada.does("cold.4", 3, 2)
    assert [change.since for change in ada.changes] == [moment(1), moment(3), moment(3)]
    assert [change.direction for change in ada.changes] == ["up", "up", "lateral"]


def test_a_change_tells_the_touchpoint_that_caused_it():
    """Id and source, and the contact's channels and scores at that moment, floored."""
    ada = Contact(small_pack())
    ada.opts_in(channel="email")
    ada.opts_in(channel="web")
    ada.does("warm.8", 0)
    (change,) = ada.does("warm.8", 1, id="x", source="shop").changes
    assert (change.contact_id, change.touchpoint_id, change.touchpoint_source) == ("ada", "x", "shop")
    assert change.channels == ("email", "web")
    assert change.occurred_at == moment(1)
    exact = ada.score("warmth")
    assert change.scores["warmth"] <= exact < change.scores["warmth"] + 0.0001
    assert change.scores == {"warmth": 15.4642, "zeal": 0}


def test_reasons_are_the_five_of_greatest_worth_on_the_axes_of_the_tiers():
    """Largest absolute worth first; a loss is a reason too; what lies on other axes is none."""
    ada = Contact(small_pack())
    ada.opts_in()
    for number, type_ in enumerate(("warm.1", "warm.8", "cold.4", "zeal.7", "warm.2", "warm.1")):
        ada.does(type_, 0, number, object_id=f"o{number}", campaign_id=None if number % 2 else "spring", channel="web")
    (change,) = ada.does("warm.8", 0, 6, source="shop").changes
    assert [(reason.type, reason.object_id) for reason in change.reasons] == [
        ("warm.8", None),
        ("warm.8", "o1"),
        ("cold.4", "o2"),
        ("warm.2", "o4"),
        ("warm.1", "o5"),
    ]
    first, second, third, *_ = change.reasons
    assert (first.source, first.weight, first.worth, first.occurred_at) == ("shop", 8, 8, moment(0, 6))
    assert (second.channel, second.axis, second.campaign_id) == ("web", "warmth", None)
    assert third.weight == -4
    assert third.campaign_id == "spring"
    assert third.worth == pytest.approx(-4 * 2 ** (-4 / 240), abs=0.0001)
    assert third.worth <= -4 * 2 ** (-4 / 240), "floored, towards minus infinity"


def test_one_touchpoint_may_be_two_reasons():
    """On two axes of the tiers gained, with the points of each."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("zeal.7", 0)
    (change,) = ada.does("both", 0, id="b").changes
    assert [
        (reason.touchpoint_id, reason.axis, reason.weight) for reason in change.reasons if reason.type == "both"
    ] == [
        ("b", "zeal", 4),
        ("b", "warmth", 3),
    ]


def test_headline_of_names():
    """The highest rank; `unengaged` for none."""
    pack = small_pack()
    assert headline((), pack) == "unengaged"
    assert headline(("warm",), pack) == "warm"
    assert headline({"zealous", "warm"}, pack) == "zealous"


@pytest.mark.parametrize(("days", "engaged"), [((0, 7, 14), False), ((0, 7, 14, 21), True)])
def test_the_check_of_the_numbers_six_points_a_week(days, engaged):
    """Someone worth 6 interest a week is engaged at the fourth visit."""
    ada = Contact()
    ada.opts_in()
    for day in days:
        ada.does("article.read", day, object_id="a")
        ada.does("page.viewed", day, object_id="p")
    assert (ada.held == ("engaged",)) is engaged


def test_the_check_of_the_numbers_a_quote_alone_is_one_type():
    """40 points, but one type; with a search within two days it is two."""
    ada = Contact()
    ada.opts_in()
    ada.does("quote.requested", 0)
    assert ada.held == ()
    ada.does("product.searched", 2)
    assert ada.held == ("engaged-to-buy",)


def test_the_check_of_the_numbers_an_influencer_lasts_81_days():
    """A converted referral and a review, with interest 10."""
    ada = Contact()
    ada.opts_in()
    ada.does("review.posted", 0)
    ada.does("referral.converted", 0)
    assert ada.held == ("engaged-to-influence",)
    assert (ada.next_demotion_at - moment()) // 86_400_000 == 81
