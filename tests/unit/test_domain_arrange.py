"""A newer pack meets an older state: what is kept by name. What memberships come of it: test_domain_renewal.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain_kit.contact import Contact, small_pack
from palier.domain.limits import DAY_MS
from palier.domain.pack import Axis, Distinct, Rule, Tier

OLD = small_pack()


def zealot() -> Contact:
    """Holds both tiers of the old pack, as of day 1."""
    ada = Contact(OLD, stored=True)
    ada.opts_in()
    for type_ in ("zeal.6", "zeal.7", "warm.12", "both"):
        ada.does(type_, 1)
    assert ada.held == ("warm", "zealous")
    return ada


def test_other_numbers_need_no_rearranging():
    """Weights and thresholds are looked up anew; points already gained stay as they were."""
    ada = zealot()
    ada.pack = small_pack(tiers=(Tier("warm", {"warmth": 30}, {"warmth": 20}), OLD.tiers[1]))
    (change,) = ada.does("never.heard.of", 1).changes
    assert change.lost == ("warm",)
    assert ada.score("warmth") == 15


def test_axes_in_another_order_keep_their_points():
    """By name: scores, resets, rings and reasons."""
    ada = zealot()
    ada.does("done", 0)
    ada.pack = small_pack(axes=tuple(reversed(OLD.axes)))
    ada.does("warm.1", 1)
    assert ada.scores() == {"zeal": 17, "warmth": 16}
    told = ada.explained().contributions
    assert [reason.weight for reason in told["zeal"]] == [7, 6, 4]
    assert [reason.weight for reason in told["warmth"]] == [12, 3, 1]
    ada.does("done", 1)
    assert ada.scores() == {"zeal": 17, "warmth": 0}


def test_a_new_axis_starts_at_nothing_and_a_dropped_one_is_forgotten():
    """With all that was remembered of it alone."""
    ada = zealot()
    mood = Axis("mood", 5 * DAY_MS)
    rules = {"laugh": Rule("laugh", {"mood": 2})}
    ada.pack = small_pack(axes=(OLD.axes[0], mood), tiers=(OLD.tiers[0],), rules=rules)
    ada.does("laugh", 1)
    assert ada.scores() == {"warmth": 15, "mood": 2}
    assert set(b"".join([*ada.state.rings, *ada.state.strongest])) == set(range(len(ada.state.codes))) - {
        *ada.state.free
    }
    assert ada.state.evidence.keys() == set(b"".join(ada.state.strongest))


def test_another_half_life_decays_from_now_on_and_orders_the_reasons():
    """An old great contribution beats a new small one only while points last."""
    slow, fast = (small_pack(axes=(Axis("warmth", days * DAY_MS), OLD.axes[1])) for days in (1000, 1))
    ada = Contact(slow, stored=True)
    for day, type_ in enumerate(("warm.8", "warm.2", "warm.1", "warm.1", "warm.1", "warm.1")):
        ada.does(type_, 5 * day, id=type_ + str(day))
    ada.pack = fast
    ada.does("warm.1", 26, id="new")
    assert [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]] == [
        "new",
        "warm.15",
        "warm.14",
        "warm.13",
        "warm.21",
    ]
    assert len(ada.state.strongest[0]) == 5
    assert ada.score("warmth") == pytest.approx(1 + (sum([8, 2, 1, 1, 1, 1]) / 2), rel=0.05)


def test_distinct_goes_on_under_another_depth():
    """What was noted for two types answers for two; a tier that counts something new starts from nothing."""
    ada = zealot()
    deeper = replace(OLD.tiers[1], distinct=Distinct("types", "zeal", 3, 5 * DAY_MS))
    ada.pack = small_pack(tiers=(OLD.tiers[0], deeper))
    assert ada.does("never.heard.of", 2).changes == (), "earned stays"
    found = ada.explained().tiers[1].distinct
    assert (found.found, found.required) == (2, 3)
    ada.pack = small_pack(tiers=(OLD.tiers[0], replace(deeper, distinct=Distinct("days", "zeal", 2, 5 * DAY_MS))))
    ada.does("both", 2)
    found = ada.explained().tiers[1].distinct
    assert (found.of, found.found) == ("days", 1)
