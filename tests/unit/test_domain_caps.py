"""Step 8: caps."""

from __future__ import annotations

from domain_kit.contact import Contact, small_pack
from palier.domain.outcome import Capped, Scored
from palier.domain.pack import Rule


def pack_with(**caps):
    """One rule, capped."""
    rules = dict(small_pack().rules)
    rules["step"] = Rule("step", {"warmth": 1}, **caps)
    return small_pack(rules=rules)


def names(outcomes) -> list[str]:
    return [outcome.name for outcome in outcomes]


def test_per_day_counts_what_scored_on_the_utc_day_of_the_touchpoint():
    """The third of a day is capped; midnight begins anew, also for what arrives afterwards."""
    ada = Contact(pack_with(per_day=2))
    assert names(ada.does("step", 0, 23, minute) for minute in (1, 2, 3)) == ["scored", "scored", "capped"]
    assert names(ada.does("step", 1, 0, minute) for minute in (0, 1, 2)) == ["scored", "scored", "capped"]
    assert isinstance(ada.does("step", 0, 22), Capped)
    assert ada.does("step", 0, 24, ms=-1).name == "capped"


def test_per_object_counts_each_object_by_itself():
    """And touchpoints without an object only per day."""
    ada = Contact(pack_with(per_day=6, per_object=2))
    kinds = ["a", "a", "a", "b", None, None, None, "c"]
    expected = ["scored", "scored", "capped", "scored", "scored", "scored", "scored", "capped"]
    assert names(ada.does("step", object_id=kind) for kind in kinds) == expected


def test_an_empty_object_id_names_no_object():
    """As if it were absent."""
    ada = Contact(pack_with(per_day=9, per_object=1))
    assert names(ada.does("step", object_id="") for _ in range(3)) == ["scored"] * 3


def test_per_object_alone_does_not_cap_touchpoints_without_object():
    """There is nothing to count them by."""
    ada = Contact(pack_with(per_object=1))
    assert names(ada.does("step", object_id=kind) for kind in ("a", None, None, "a")) == [
        "scored",
        "scored",
        "scored",
        "capped",
    ]


def test_a_capped_touchpoint_uses_no_cap():
    """No counter goes up: the object that was capped by the day is free on the next, and that day's count stays."""
    ada = Contact(pack_with(per_day=3, per_object=1))
    assert names(ada.does("step", object_id=kind) for kind in ("a", "a", "a", "b", "c", "d")) == [
        "scored",
        "capped",
        "capped",
        "scored",
        "scored",
        "capped",
    ]


def test_a_cap_belongs_to_one_type():
    """Another type with the same numbers has counters of its own."""
    ada = Contact()
    assert names(ada.does(type_) for type_ in ("form.submitted",) * 3 + ("chat.started",)) == [
        "scored",
        "scored",
        "capped",
        "scored",
    ]


def test_a_bot_and_a_late_touchpoint_use_no_cap():
    """Else a link scanner would eat the human's clicks."""
    ada = Contact(pack_with(per_day=1))
    ada.does("step", 0, bot=True)
    ada.does("never.heard.of", 8)
    ada.does("step", 0)
    ada.does("never.heard.of", 8)
    assert isinstance(ada.does("step", 8), Scored)
    assert isinstance(ada.does("step", 1), Scored)
    assert isinstance(ada.does("step", 1), Capped)


def test_a_void_touchpoint_uses_its_cap():
    """It scores, though a reset has made it void."""
    rules = dict(small_pack().rules) | {"step": Rule("step", {"warmth": 1}, per_day=1)}
    ada = Contact(small_pack(rules=rules))
    ada.does("done", 1)
    assert isinstance(ada.does("step", 0), Scored)
    assert ada.score("warmth") == 0
    assert isinstance(ada.does("step", 0), Capped)


def test_counters_are_kept_as_long_as_a_touchpoint_may_ask_for_them():
    """Seven days behind to the millisecond the day's counter is there still."""
    ada = Contact(pack_with(per_day=1))
    ada.does("step", 0, 23)
    for day in range(1, 8):
        ada.does("step", day, 22)
    assert isinstance(ada.does("step", 0, 23), Capped)
    ada.does("step", 12)
    assert len(ada.state.caps) <= 9


def test_counters_go_with_an_erasure():
    """The woken contact has a day of its own."""
    ada = Contact(pack_with(per_day=1))
    ada.does("step", 0, 1)
    ada.does("forget", 0, 2)
    ada.does("hello", 0, 3)
    assert isinstance(ada.does("step", 0, 4), Scored)


def test_a_cap_of_a_newer_pack_goes_on_from_the_old_counts():
    """From per day to per object and back."""
    ada = Contact(pack_with(per_day=2))
    ada.does("step")
    ada.pack = pack_with(per_day=2, per_object=1)
    assert ada.does("step", object_id="a").name == "scored"
    assert ada.does("step", object_id="b").name == "capped"
    ada.pack = pack_with(per_day=3)
    assert names(ada.does("step") for _ in range(2)) == ["scored", "capped"]
