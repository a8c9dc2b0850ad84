"""What is remembered of messages, and how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain_kit.contact import Contact, small_pack
from domain_kit.mail import mail_pack
from palier.domain.digests import short_number_of
from palier.domain.limits import DAY_MS, LATENESS_MS, MESSAGES
from palier.domain.messages import (
    CLICKED,
    ENTRY,
    HAS_LINK,
    IS_CLICK,
    IS_GENUINE,
    IS_SCORED,
    clicks_of,
    convicted_at,
    delivered_at,
)

TRAP = {"properties": {"honeypot": True}}


def row_of(contact, message="m-1") -> bytes:
    return contact.state.messages.get(short_number_of(message), b"")


def remembered(contact) -> list[str]:
    """Messages m-0 to m-19 that are remembered, in their order."""
    names = {short_number_of(f"m-{number}"): f"m-{number}" for number in range(20)}
    return [names[message] for message in contact.state.messages]


def flags(contact, message="m-1") -> list[int]:
    """Of every open and click."""
    row = row_of(contact, message)
    start = len(row) % ENTRY
    return [row[at + ENTRY - 1] for at in range(start, len(row), ENTRY)]


def test_the_newest_delivery_is_kept():
    """In whatever order they arrive, before and after opens and a conviction."""
    ada = Contact(mail_pack(), stored=True)
    ada.does("mail.opened", 2, object_id="m-1")
    assert delivered_at(row_of(ada)) == -1
    for day, newest in ((1, 1), (3, 3), (2, 3)):
        ada.does("mail.sent", day, object_id="m-1")
        assert delivered_at(row_of(ada)) == ada.touchpoints[0].occurred_at + (newest - 2) * DAY_MS
    ada.does("mail.clicked", 3, object_id="m-1", **TRAP)
    convicted = convicted_at(row_of(ada))
    ada.does("mail.sent", 4, object_id="m-1")
    assert (convicted_at(row_of(ada)), delivered_at(row_of(ada))) == (convicted, convicted + DAY_MS)
    ada.does("mail.clicked", 5, object_id="m-1", **TRAP)
    assert convicted_at(row_of(ada)) == convicted + 2 * DAY_MS
    assert len(clicks_of(row_of(ada))) == 2


def test_six_opens_and_clicks_are_kept_by_arrival():
    """The first arrived goes, whatever its time; the older click of the seven still burst with later ones."""
    ada = Contact(mail_pack(), stored=True)
    for number in (9, 1, 2, 3, 4, 5, 6):
        ada.does("mail.clicked", 1, number, object_id="m-1", properties={"link": f"l{number}"})
    kept = [at for at, _ in clicks_of(row_of(ada))]
    assert kept == [touchpoint.occurred_at for touchpoint in ada.touchpoints[1:]]
    ada.does("mail.opened", 1, 7, object_id="m-1")
    assert len(clicks_of(row_of(ada))) == 5
    assert len(flags(ada)) == 6


def test_what_an_open_or_click_is_remembered_as():
    """A click, genuine, scored, with a link: each where it is so."""
    ada = Contact(mail_pack(sources={"bought": 0.0, "doubtful": 0.5}))
    link = {"properties": {"link": "l"}}
    for hour, members in enumerate(
        (
            {"type_": "mail.opened"},
            {"type_": "mail.clicked", **link},
            {"type_": "mail.clicked.capped"},
            {"type_": "mail.clicked.capped"},
            {"type_": "mail.opened", "source": "bought", **link},
            {"type_": "mail.opened", "source": "doubtful"},
        )
    ):
        ada.does(day=1, hour=hour, object_id="m-1", **members)
    whole = IS_GENUINE | IS_SCORED
    assert flags(ada) == [whole, whole | IS_CLICK | HAS_LINK, whole | IS_CLICK, IS_GENUINE | IS_CLICK, 0, whole]
    for hour, members in enumerate(({"bot": True}, {"properties": {"method": "HEAD"}}, TRAP)):
        ada.does("mail.clicked", 2, hour, object_id="m-2", **members)
    assert flags(ada, "m-2") == [IS_CLICK, IS_CLICK | IS_SCORED, IS_CLICK]


def test_the_ninth_message_displaces_the_one_that_joined_first():
    """Not the one that was touched last, nor the oldest."""
    ada = Contact(mail_pack(), stored=True)
    for number in range(MESSAGES):
        ada.does("mail.sent", 2, -number, object_id=f"m-{number}")
    ada.does("mail.opened", 3, object_id="m-0")
    assert remembered(ada) == [f"m-{number}" for number in range(8)]
    ada.does("mail.sent", 1, object_id="m-8")
    assert remembered(ada) == [f"m-{number}" for number in range(1, 9)]
    ada.does("mail.opened", 3, object_id="m-0")
    assert remembered(ada) == [*(f"m-{number}" for number in range(2, 9)), "m-0"]


@pytest.mark.parametrize(("ms", "kept"), [(0, True), (1, False)])
def test_a_message_goes_when_nothing_of_it_is_of_the_last_seven_days(ms, kept):
    """To the millisecond, with the next touchpoint of any message; whatever it has that is newest holds it."""
    for type_ in ("mail.sent", "mail.opened", "mail.clicked"):
        ada = Contact(mail_pack(), stored=True)
        ada.does("mail.sent", 1, -1, object_id="m-1")
        ada.does(type_, 1, object_id="m-1", properties={"link": "l"})
        ada.does("mail.opened", 1, -2, object_id="m-1")
        ada.does("warm.1", 1, ms=LATENESS_MS + ms)
        assert remembered(ada) == ["m-1"]
        ada.does("mail.sent", 1, ms=LATENESS_MS, object_id="m-2")
        assert remembered(ada) == (["m-1", "m-2"] if kept else ["m-2"])


def test_a_conviction_holds_its_message():
    """Its touchpoint may long have been pushed out."""
    ada = Contact(mail_pack(), stored=True)
    ada.does("mail.opened", 3, object_id="m-1", **TRAP)
    for number in range(6):
        ada.does("mail.opened", 2, number, object_id="m-1")
    ada.does("mail.sent", 9.5, object_id="m-2")
    assert remembered(ada) == ["m-1", "m-2"]
    assert ada.does("mail.clicked", 3, ms=5_000, object_id="m-1").evidence == ("convicted",)
    ada.does("mail.sent", 10.5, object_id="m-2")
    assert remembered(ada) == ["m-2"]


def test_a_message_that_was_forgotten_begins_anew():
    """Its old clicks are no part of a burst any more."""
    ada = Contact(mail_pack())
    ada.does("mail.clicked", 1, object_id="m-0")
    ada.does("mail.clicked", 1, object_id="m-0")
    for number in range(1, 9):
        ada.does("mail.sent", 1, object_id=f"m-{number}")
    assert ada.does("mail.clicked", 1, object_id="m-0").evidence == ()


def test_only_messages_are_remembered():
    """No object, an empty one, another type: nothing joins. An erasure takes all."""
    ada = Contact(mail_pack())
    ada.does("mail.sent", 1)
    ada.does("mail.opened", 1, object_id="")
    ada.does("warm.8", 1, object_id="m-1")
    ada.does("never.heard.of", 1, object_id="m-1")
    assert ada.state.messages == {}
    ada.does("mail.opened", 1, object_id="m-1")
    ada.does("forget", 2)
    ada.does("hello", 3)
    assert ada.state.messages == {}


def test_a_newer_pack_keeps_the_memory_if_it_has_messages():
    """What speaks of none forgets it at once."""
    ada = Contact(mail_pack(), stored=True)
    ada.does("mail.opened", 1, object_id="m-1", **TRAP)
    ada.pack = mail_pack(version=2)
    assert ada.does("mail.clicked", 1, ms=1, object_id="m-1").evidence == ("convicted",)
    ada.pack = replace(small_pack(), version=3)
    ada.does("warm.1", 2)
    assert ada.state.messages == {}


def test_clicks_are_what_the_rule_says():
    """The compiled rule names what happened by a number."""
    rules = mail_pack().compiled.rules
    assert rules["mail.clicked"].message == CLICKED
    assert rules["warm.1"].message == 0
