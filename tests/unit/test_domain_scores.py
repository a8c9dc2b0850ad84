"""Steps 6, 7 and 9: decay, lateness, and what a touchpoint adds."""

from __future__ import annotations

import pytest

from domain_kit.contact import Contact, moment, small_pack
from palier.domain.outcome import Late, Noted, Scored, Unknown


def test_a_score_halves_every_half_life():
    """Continuously: after half of it, by the root of two."""
    ada = Contact(small_pack())
    ada.does("both", 0)
    ada.does("never.heard.of", 5)
    assert ada.score("warmth") == pytest.approx(3 / 2**0.5)
    ada.does("never.heard.of", 20)
    assert ada.score("warmth") == pytest.approx(3 / 4)
    assert ada.score("zeal") == pytest.approx(4 / 2)


def test_every_touchpoint_that_comes_so_far_moves_the_clock():
    """Scored or not: unknown, bots, what has no weights. A new contact begins at its first."""
    ada = Contact(small_pack())
    for day, (type_, bot) in enumerate((("never.heard.of", False), ("warm.1", True), ("hello", False))):
        ada.does(type_, day, bot=bot)
        assert ada.state.as_of == moment(day)


def test_the_clock_never_goes_back():
    """What is older than as_of leaves it alone."""
    ada = Contact(small_pack())
    ada.does("warm.1", 5)
    ada.does("warm.1", 3)
    assert ada.state.as_of == moment(5)


def test_a_contribution_is_worth_the_same_whenever_it_arrives():
    """Late by days, it has decayed on the way."""
    in_time, late = Contact(small_pack()), Contact(small_pack())
    for ada, order in ((in_time, (0, 4)), (late, (4, 0))):
        for day in order:
            ada.does("warm.8" if day == 0 else "warm.1", day)
    assert in_time.score("warmth") == pytest.approx(late.score("warmth"), abs=1e-12)


def test_a_score_never_falls_below_zero():
    """And what comes after starts from there."""
    ada = Contact(small_pack())
    ada.does("warm.1")
    ada.does("cold.4")
    assert ada.score("warmth") == 0
    ada.does("warm.2")
    assert ada.score("warmth") == 2


def test_late_is_more_than_seven_days_behind():
    """To the millisecond; late scores nothing."""
    ada = Contact(small_pack())
    ada.does("warm.1", 7)
    assert isinstance(ada.does("warm.1", 0), Scored)
    before = ada.score("warmth")
    assert isinstance(ada.does("warm.1", 0, ms=-1), Late)
    assert ada.score("warmth") == before


def test_the_first_name_that_fits():
    """Unknown before late, late before noted, noted before capped."""
    ada = Contact(small_pack())
    ada.does("warm.1", 30)
    assert isinstance(ada.does("never.heard.of", 0), Unknown)
    assert isinstance(ada.does("hello", 0), Late)
    assert isinstance(ada.does("warm.1", 0, bot=True), Late)
    for _ in range(2):
        ada.does("capped", 30)
    assert isinstance(ada.does("capped", 30, bot=True), Noted)


def test_a_bot_scores_nothing():
    """It is noted."""
    ada = Contact(small_pack())
    assert isinstance(ada.does("warm.8", bot=True), Noted)
    assert ada.score("warmth") == 0


@pytest.mark.parametrize(("rating", "advocacy"), [(None, 25), (0, 0), (20, 0), (59, 0), (60, 25), (100, 25)])
def test_a_critical_rating_replaces_the_weights(rating, advocacy):
    """Below the limit, not at it; without a rating the weights are the usual ones."""
    ada = Contact()
    ada.does("review.posted", rating=rating)
    assert ada.scores() == {"interest": 5, "intent": 0, "advocacy": advocacy}


def test_a_rating_means_nothing_to_a_rule_without_critical_weights():
    """An article read with 0 per cent is an article read."""
    ada = Contact()
    ada.does("article.read", rating=0)
    assert ada.score("interest") == 5
