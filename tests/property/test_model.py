"""The model itself, on the few figures that the contract works out by hand ("Check of the numbers")."""

from __future__ import annotations

import itertools

import pytest

from model.naive import NaiveModel, milliseconds
from model.tables import DAY

START = milliseconds("2024-01-01T12:00:00Z")
numbers = itertools.count()


def touch(type_: str, t: int, **members) -> dict:
    """A touchpoint of the one contact."""
    basis = {"id": str(next(numbers)), "source": "test", "channel": "email", "contact_id": "ada", "occurred_at": t}
    return basis | {"type": type_} | members


def changes(*touchpoints: dict, until: int) -> list[tuple[str, str, int]]:
    """(gained or lost, cause, whole days since the start) of every tier change of an opted-in contact."""
    model = NaiveModel()
    model.feed(touch("consent.granted", START))
    found = [change for touchpoint in touchpoints for change in model.feed(touchpoint)[1]] + model.expire_all(until)
    assert [change["sequence"] for change in found] == list(range(1, len(found) + 1))
    return [
        ("+".join(change["gained"]) or f"-{'-'.join(change['lost'])}", change["cause"], (change["occurred_at"] - START) // DAY)
        for change in found
    ]  # fmt: skip


def test_product_cart_and_checkout_are_engaged_to_buy_at_once_and_lapse_after_9_days():
    """43 intent of three types: gained with the checkout, lost when it has decayed to 27."""
    visit = [touch(type_, START) for type_ in ("product.viewed", "cart.added", "checkout.started")]
    assert changes(*visit, until=START + 30 * DAY) == [
        ("engaged-to-buy", "touchpoint", 0),
        ("-engaged-to-buy", "inactivity", 9),
    ]


def test_a_quote_alone_is_one_type_and_with_a_search_within_two_days_engaged_to_buy():
    """Enough points do not help where two types are asked for."""
    quote = touch("quote.requested", START)
    assert changes(quote, until=START) == []
    assert changes(quote, touch("product.searched", START + DAY), until=START + DAY) == [
        ("engaged-to-buy", "touchpoint", 1)
    ]


def test_a_converted_referral_and_a_review_are_engaged_to_influence_for_81_days():
    """75 advocacy with interest 10 is enough; the interest may then decay, only advocacy is tested for staying."""
    advocacy = [touch("referral.converted", START), touch("review.posted", START)]
    assert changes(*advocacy, until=START + 365 * DAY) == [
        ("engaged-to-influence", "touchpoint", 0),
        ("-engaged-to-influence", "inactivity", 81),
    ]


def test_six_a_week_settles_near_40_is_engaged_at_the_fourth_visit_and_stays_about_48_days():
    """The steady reader: two poll-like visits' worth of interest once a week."""
    weeks = 60
    visits = [
        touch(type_, START + week * 7 * DAY) for week in range(weeks) for type_ in ("game.played", "email.clicked")
    ]
    (gained, _, entered), (lost, cause, left) = changes(*visits, until=START + 700 * DAY)
    assert (gained, entered) == ("engaged", 3 * 7)
    assert (lost, cause) == ("-engaged", "inactivity")
    assert left - (weeks - 1) * 7 == pytest.approx(48, abs=1)


def test_three_one_star_reviews_make_no_influencer():
    """A critic is engaged, not an advocate: 125 points of advocacy had the reviews been kind, 5 of interest each as it is."""
    reviews = [touch("review.posted", START + day * DAY, rating=20) for day in range(5)]
    assert changes(*reviews, until=START + 5 * DAY) == [("engaged", "touchpoint", 3)]
