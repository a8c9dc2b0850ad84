"""Explanations."""

from __future__ import annotations

import pytest

from domain_kit.contact import Contact, moment, small_pack, snapshot


def test_an_explanation_leaves_the_state_alone():
    """Also one told for a day long after."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.12", 0)
    before = snapshot(ada.state)
    ada.explained(400)
    assert snapshot(ada.state) == before


def test_what_is_missing_for_a_tier():
    """Points per axis, never too few to matter, and the distinct condition."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("zeal.6", 0)
    warm, zealous = ada.explained().tiers
    assert (warm.name, warm.earned, warm.held, warm.lost_at) == ("warm", False, False, None)
    assert [(need.axis, need.score, need.required, need.missing) for need in warm.scores] == [("warmth", 0, 10, 10)]
    assert warm.distinct is None
    assert not warm.scores_suffice
    assert warm.distinct_suffices
    assert {need.axis: need.missing for need in zealous.scores} == {"zeal": 4, "warmth": 1}
    assert (zealous.distinct.of, zealous.distinct.found, zealous.distinct.required) == ("types", 1, 2)
    assert not zealous.distinct_suffices


def test_what_is_missing_is_enough():
    """A hair below the threshold, the missing points are not printed as none."""
    ada = Contact(small_pack())
    ada.does("warm.8", 0)
    ada.does("warm.2", 0, ms=1)
    (need,) = ada.explained().tiers[0].scores
    assert need.score < 10
    assert need.missing == 0.0001


def test_when_a_tier_will_be_lost():
    """The same moment as a timer would wait for, told for held and merely earned."""
    ada = Contact(small_pack())
    ada.does("warm.12", 0)
    explanation = ada.explained()
    assert explanation.tiers[0].earned
    assert not explanation.tiers[0].held
    assert not explanation.permission.is_open
    assert explanation.earned == ("warm",)
    assert explanation.held == ()
    assert explanation.tiers[0].lost_at == ada.next_demotion_at
    ada.opts_in()
    assert ada.explained().tiers[0].held


def test_told_for_a_later_day():
    """Scores have decayed, demotions due are taken into account."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.12", 0)
    soon, late = ada.explained(10), ada.explained(100)
    assert soon.at == moment(10)
    assert soon.scores["warmth"] == 6
    assert (soon.headline, soon.sequence, soon.since) == ("warm", 1, moment())
    assert (late.headline, late.sequence, late.held) == ("unengaged", 2, ())
    assert late.since == ada.next_demotion_at


def test_told_for_a_day_before_the_newest_touchpoint():
    """The state does not go back: it is told for as_of."""
    ada = Contact(small_pack())
    ada.does("warm.12", 5)
    assert ada.explained(2).at == moment(5)


def test_contributions_per_axis():
    """Up to five, greatest worth first."""
    ada = Contact(small_pack())
    for number in range(7):
        ada.does("both", number)
    told = ada.explained().contributions
    assert [reason.occurred_at for reason in told["warmth"]] == [moment(day) for day in (6, 5, 4, 3, 2)]
    assert {reason.axis for reason in told["zeal"]} == {"zeal"}


@pytest.mark.parametrize("erased", [False, True])
def test_nobody(erased):
    """A contact without state, and one erased."""
    ada = Contact(small_pack())
    if erased:
        ada.does("forget", 3)
    explanation = ada.explained(4)
    assert not explanation.known
    assert explanation.headline == "unengaged"
    assert explanation.since is None
    assert explanation.scores == {"warmth": 0, "zeal": 0}
    assert explanation.erased_at == (moment(3) if erased else None)
    assert [tier.name for tier in explanation.tiers] == ["warm", "zealous"]
