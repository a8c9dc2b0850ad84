"""Small values: numbers, packs, outcomes."""

from __future__ import annotations

import pickle
from math import nextafter

import pytest

from domain_kit.contact import DEFAULT, small_pack
from palier.domain.limits import DAY_MS
from palier.domain.numbers import floored
from palier.domain.outcome import Capped, Duplicate, Erased, Late, Noted, Scored, Unknown
from palier.domain.pack import Axis, Distinct, Rule, Tier


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, 0),
        (19, 19),
        (nextafter(19, 0), 18.9999),
        (18.99999, 18.9999),
        (0.0003, 0.0003),
        (0.2845, 0.2845),
        (0.00009, 0),
        (-0.00009, -0.0001),
        (-6, -6),
        (1 / 3, 0.3333),
    ],
)
def test_floored(number, expected):
    """To 4 decimals, never up, and what has 4 decimals stays itself."""
    assert floored(number) == expected
    assert floored(floored(number)) == expected


def test_outcomes_have_the_names_that_metrics_use():
    """Each its own, none with changes unless given."""
    outcomes = (Scored(), Noted(), Capped(), Duplicate(), Late(), Erased(), Unknown())
    assert [outcome.name for outcome in outcomes] == [
        "scored",
        "noted",
        "capped",
        "duplicate",
        "late",
        "erased",
        "unknown",
    ]
    assert all(outcome.changes == () for outcome in outcomes)


def test_a_pack_compares_by_what_it_says():
    """Its compiled form is no part of it, and does not travel with it."""
    pack, same = small_pack(), small_pack()
    assert pack.compiled is pack.compiled
    assert pack == same
    assert pickle.loads(pickle.dumps(same)) == pack


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"axes": ()}, "1 to 8 axes"),
        ({"axes": tuple(Axis(f"a{n}", 1) for n in range(9)), "tiers": (), "rules": {}}, "1 to 8 axes"),
        ({"tiers": tuple(Tier(f"t{n}", {"zeal": 1}, {}) for n in range(17))}, "up to 16 tiers"),
        ({"axes": (Axis("warmth", 1),)}, "'zeal' is no axis"),
        ({"rules": {"x": Rule("x", {"mood": 1})}}, "'mood' is no axis"),
        ({"rules": {"x": Rule("x", resets=("mood",))}}, "'mood' is no axis"),
        ({"rules": {"x": Rule("x", {"zeal": 0})}}, "weight of 0 on 'zeal'"),
        ({"rules": {f"r{n}": Rule(f"r{n}", {"zeal": n}) for n in range(1, 102)}}, "101 different weightings"),
        ({"tiers": (Tier("t", {"zeal": 1}, {"zeal": 0}),)}, "never falls to a leave threshold of 0"),
        ({"tiers": (Tier("t", {"zeal": 1}, {}, Distinct("days", "mood", 1, DAY_MS)),)}, "'mood' is no axis"),
        ({"tiers": (Tier("a,b", {"zeal": 1}, {}),)}, "'a,b' cannot be the name"),
    ],
)
def test_a_pack_that_the_fold_cannot_use(changes, reason):
    """The loader refuses these with better words; a pack made by hand is refused when it is first used."""
    with pytest.raises(ValueError, match=reason):
        _ = small_pack(**changes).compiled


def test_the_default_pack_compiles():
    """Three axes, three tiers."""
    assert DEFAULT.compiled.axes == ("interest", "intent", "advocacy")
    assert [tier.name for tier in DEFAULT.compiled.tiers] == ["engaged", "engaged-to-buy", "engaged-to-influence"]
