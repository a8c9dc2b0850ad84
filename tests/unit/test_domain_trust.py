"""Step 5: was it a human? Each kind of evidence on its edges, the verdict, and what a verdict does."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from domain_kit.contact import Contact, small_pack
from domain_kit.mail import GENTLE, TRUST, mail_pack
from palier.domain.outcome import EVIDENCE
from palier.domain.pack import Rule, Trust


def judged(outcome) -> tuple[str, tuple[str, ...]]:
    return outcome.verdict, outcome.evidence


def clicks(contact, *moments, object_id="m-1", type_="mail.clicked", **members):
    """Clicks of a message at milliseconds of day 1, each with the link of its place unless one is told."""
    return [
        judged(contact.does(type_, 1, ms=ms, object_id=object_id, **(members or {"properties": {"link": f"l{place}"}})))
        for place, ms in enumerate(moments)
    ]


HUMAN = ("human", ())
ALIKE = {"properties": {"link": "the same"}}


# --- what a touchpoint shows by itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, HUMAN),
        ({"bot": True}, ("bot", ("bot",))),
        ({"crawler": True}, ("bot", ("crawler",))),
        ({"properties": {"honeypot": True}}, ("bot", ("honeypot",))),
        ({"properties": {"method": "HEAD"}}, ("suspect", ("head-request",))),
        (
            {"properties": {"method": "HEAD", "honeypot": True}, "bot": True},
            ("bot", ("bot", "honeypot", "head-request")),
        ),
        ({"properties": {"honeypot": 1, "method": "head", "link": 5}}, HUMAN),
        ({"properties": {"honeypot": "true", "method": ["HEAD"]}}, HUMAN),
        ({"properties": {}}, HUMAN),
    ],
)
@pytest.mark.parametrize("type_", ["warm.8", "mail.clicked", "never.heard.of"])
def test_own_evidence(members, expected, type_):
    """Exactly true and exactly HEAD; of any other type a member counts as absent. Whatever the type of the touchpoint."""
    ada = Contact(mail_pack(), stored=True)
    assert judged(ada.does(type_, 1, object_id="m-1", **members)) == expected


def test_what_is_switched_off_is_neither_counted_nor_told():
    """Without [trust] the sender's flag alone; with `flag = false` not even that."""
    everything = {"bot": True, "crawler": True, "properties": {"honeypot": True, "method": "HEAD"}}
    assert judged(Contact(mail_pack(Trust())).does("warm.8", **everything)) == ("bot", ("bot",))
    ada = Contact(mail_pack(replace(Trust(), flag=False)))
    assert judged(ada.does("warm.8", **everything)) == HUMAN
    assert ada.score("warmth") == 8
    assert clicks(Contact(mail_pack(Trust())), *range(8)) == [HUMAN] * 8


def test_evidence_is_told_in_one_order():
    """That of the list of all kinds."""
    ada = Contact(mail_pack())
    ada.does("mail.sent", 1, object_id="m-1")
    for ms in range(40):
        ada.does("mail.clicked", 1, ms=ms, object_id="m-1", properties={"link": f"l{ms}"})
    members = {"bot": True, "crawler": True, "properties": {"honeypot": True, "method": "HEAD", "link": "new"}}
    assert ada.does("mail.clicked", 1, ms=50, object_id="m-1", **members).evidence == EVIDENCE


# --- what the memory of messages shows ---------------------------------------------------------------------------------------


def test_three_clicks_within_a_second_are_a_burst():
    """The third is judged by those before it; a millisecond more and it is none."""
    assert clicks(Contact(mail_pack()), 0, 500, 1000, **ALIKE) == [HUMAN, HUMAN, ("bot", ("click-burst",))]
    assert clicks(Contact(mail_pack()), 0, 500, 1001, **ALIKE) == [HUMAN] * 3


@pytest.mark.parametrize("order", list(permutations((0, 999, 1000))))
def test_a_burst_is_one_in_whatever_order_it_arrives(order):
    """The span counts, not the order."""
    assert clicks(Contact(mail_pack(), stored=True), *order, **ALIKE)[2] == ("bot", ("click-burst",))


def test_a_click_in_the_middle_of_two_spans():
    """Three within a second must hold it; two on either side with more than a second between them do not."""
    assert clicks(Contact(mail_pack()), 0, 1001, 500, **ALIKE)[2] == HUMAN
    assert clicks(Contact(mail_pack()), 0, 400, 1800, 1400, **ALIKE)[3] == HUMAN
    assert clicks(Contact(mail_pack()), 0, 400, 1300, 1000, **ALIKE)[3] == ("bot", ("click-burst",))


def test_three_links_within_two_seconds_are_too_many():
    """Of one message, and different ones; the click's own among them."""
    ada = Contact(mail_pack(), stored=True)
    assert clicks(ada, 0, 1100, 2000) == [HUMAN, HUMAN, ("bot", ("many-links",))]
    assert clicks(Contact(mail_pack()), 0, 1100, 2001) == [HUMAN] * 3
    assert clicks(Contact(mail_pack()), 2000, 0, 1000)[2] == ("bot", ("many-links",))


@pytest.mark.parametrize("links", ["a-b", "aab", "aba", "abb", "---"])
def test_two_links_are_not_three(links):
    """One that is not told is none, and the same link is the same."""
    ada = Contact(mail_pack())
    for ms, link in zip((0, 1100, 2000), links, strict=True):
        properties = {"other": 1} if link == "-" else {"link": link}
        assert judged(ada.does("mail.clicked", 1, ms=ms, object_id="m-1", properties=properties)) == HUMAN


def test_other_messages_are_no_part_of_a_burst():
    """Nor clicks without an object, nor opens."""
    ada = Contact(mail_pack())
    for number in range(6):
        assert judged(ada.does("mail.clicked", 1, ms=number, object_id=f"m-{number}")) == HUMAN
        assert judged(ada.does("mail.clicked", 1, ms=number)) == HUMAN
        assert judged(ada.does("mail.clicked", 1, ms=number, object_id="")) == HUMAN
        assert judged(ada.does("mail.opened", 1, ms=number, object_id="m-9")) == HUMAN
    assert judged(ada.does("mail.clicked", 1, object_id="m-9")) == HUMAN


@pytest.mark.parametrize(("ms", "soon"), [(-1, False), (0, True), (1999, True), (2000, False)])
@pytest.mark.parametrize("type_", ["mail.opened", "mail.clicked"])
def test_too_soon_after_the_delivery(ms, soon, type_):
    """Less than two seconds after the newest delivery, and not before it."""
    ada = Contact(mail_pack(), stored=True)
    ada.does("mail.sent", 1, ms=-5000, object_id="m-1")
    ada.does("mail.sent", 1, object_id="m-1")
    ada.does("mail.sent", 1, ms=-3000, object_id="m-1")
    expected = ("suspect", ("too-soon",)) if soon else HUMAN
    assert judged(ada.does(type_, 1, ms=ms, object_id="m-1")) == expected


def test_a_delivery_that_arrives_after_the_open_judges_nothing_anew():
    """It counts for what comes after it."""
    ada = Contact(mail_pack())
    assert judged(ada.does("mail.opened", 1, ms=100, object_id="m-1")) == HUMAN
    ada.does("mail.sent", 1, object_id="m-1")
    assert ada.score("warmth") == 1
    assert judged(ada.does("mail.clicked", 1, ms=200, object_id="m-1")) == ("suspect", ("too-soon",))


@pytest.mark.parametrize(("ms", "convicted"), [(-10_000, True), (10_000, True), (-10_001, False), (10_001, False)])
def test_what_lies_ten_seconds_around_a_conviction_is_convicted(ms, convicted):
    """On either side, opens as well as clicks; of that message alone."""
    for type_ in ("mail.opened", "mail.clicked"):
        ada = Contact(mail_pack(), stored=True)
        ada.does("mail.opened", 1, object_id="m-1", properties={"honeypot": True})
        expected = ("bot", ("convicted",)) if convicted else HUMAN
        assert judged(ada.does(type_, 1, ms=ms, object_id="m-1")) == expected
        assert judged(ada.does(type_, 1, ms=ms, object_id="m-2")) == HUMAN


def test_the_conviction_that_arrived_last_counts():
    """It moves with the burst."""
    ada = Contact(mail_pack())
    assert clicks(ada, 0, 1, 2, 9_002, 19_003, **ALIKE)[2:] == [
        ("bot", ("click-burst",)),
        ("bot", ("convicted",)),
        HUMAN,
    ]
    assert clicks(ada, 19_004, 19_005, **ALIKE) == [HUMAN, ("bot", ("click-burst",))]
    assert judged(ada.does("mail.opened", 1, ms=5, object_id="m-1")) == HUMAN


def test_a_honeypot_of_something_else_convicts_just_itself():
    """A form is no message, nor is a delivery an open."""
    ada = Contact(mail_pack())
    for type_ in ("warm.8", "mail.sent", "never.heard.of"):
        assert judged(ada.does(type_, 1, object_id="m-1", properties={"honeypot": True})) == ("bot", ("honeypot",))
    assert judged(ada.does("mail.opened", 1, ms=5_000, object_id="m-1")) == HUMAN


def test_bots_are_remembered_too():
    """Two flagged clicks and one that is not are a burst."""
    ada = Contact(mail_pack())
    clicks(ada, 0, 100, bot=True)
    assert clicks(ada, 200)[0] == ("bot", ("click-burst",))


@pytest.mark.parametrize(("others", "evidence"), [(29, ()), (30, ("flood",))])
def test_thirty_touchpoints_in_less_than_a_minute_are_a_flood(others, evidence):
    """Of any type, however they are ordered, and this one is the one too many."""
    ada = Contact(mail_pack(), stored=True)
    for number in range(others):
        assert ada.does("warm.1", 1, ms=59_999 - number * 2_000).evidence == ()
    assert ada.does("warm.1", 1).evidence == evidence


@pytest.mark.parametrize(("ms", "evidence"), [(59_999, ("flood",)), (60_000, ())])
def test_a_flood_ends_when_the_first_of_the_thirty_is_a_minute_away(ms, evidence):
    """To the millisecond, into the past as well."""
    for sign in (1, -1):
        ada = Contact(mail_pack())
        ada.does("warm.1", 1)
        for _ in range(29):
            ada.does("warm.1", 1, ms=sign * 1_000)
        assert ada.does("warm.1", 1, ms=sign * ms).evidence == evidence


def test_a_flood_is_of_what_arrived_last():
    """One from another hour among the thirty, and it is none; nor is what was remembered half a turn of the clock ago."""
    ada = Contact(mail_pack(), stored=True)
    for number in range(40):
        ada.does("warm.1", 1, ms=number)
    ada.does("warm.1", 0.5)
    assert ada.does("warm.1", 1).evidence == ()
    for _ in range(29):
        ada.does("warm.1", 1)
    assert ada.does("warm.1", 1).evidence == ("flood",)
    assert ada.does("warm.1", 1, ms=2**32).evidence == ()


# --- the verdict -------------------------------------------------------------------------------------------------------------


def test_two_weak_kinds_make_a_bot():
    """And three do where the pack asks for three; one where it asks for one."""
    for kinds, verdicts in ((2, ["suspect", "bot"]), (3, ["suspect", "suspect"]), (1, ["bot", "bot"])):
        ada = Contact(mail_pack(replace(TRUST, kinds_for_bot=kinds)))
        ada.does("mail.sent", 1, object_id="m-1")
        found = [
            ada.does("mail.opened", 1, ms=1, object_id="m-1", properties=properties).verdict
            for properties in (None, {"method": "HEAD"})
        ]
        assert found == verdicts


def test_a_burst_that_does_not_reverse_is_weak():
    """And convicts nothing else; nor does one while reversal is switched off."""
    for trust in (GENTLE, replace(TRUST, reversal_ms=0)):
        assert clicks(Contact(mail_pack(trust)), 0, 1, 2, 500, 3_000, **ALIKE) == [
            HUMAN, HUMAN, ("suspect", ("click-burst",)), ("suspect", ("click-burst",)), HUMAN,
        ]  # fmt: skip
        assert clicks(Contact(mail_pack(trust)), 0, 1, 2)[2] == ("bot", ("click-burst", "many-links"))


def test_a_suspect_counts_in_part_and_is_otherwise_a_human():
    """Half the points, the whole cap; it grants and resets."""
    head = {"properties": {"method": "HEAD"}}
    ada = Contact(mail_pack())
    assert ada.does("hello", **head).verdict == "suspect"
    assert ada.does("mail.clicked.capped", object_id="m-1", **head).name == "scored"
    assert ada.score("warmth") == 1
    assert ada.does("mail.clicked.capped", object_id="m-2").name == "capped"
    assert ada.explained().permission.is_open
    ada.does("done", **head)
    assert ada.score("warmth") == 0


def test_suspects_of_no_weight_are_noted():
    """Where the pack lets a suspect count nothing, it uses no cap either."""
    ada = Contact(mail_pack(replace(TRUST, suspect=0)))
    assert ada.does("mail.clicked.capped", object_id="m-1", properties={"method": "HEAD"}).name == "noted"
    assert ada.does("mail.clicked.capped", object_id="m-2").name == "scored"


@pytest.mark.parametrize("members", [{"bot": True}, {"crawler": True}, {"properties": {"honeypot": True}}])
def test_a_bot_does_nothing_but_say_no(members):
    """No score, no cap, no grant, no reset; its withdrawals hold and are told as such."""
    ada = Contact(mail_pack())
    ada.opts_in()
    ada.does("warm.12")
    assert ada.does("mail.clicked.capped", 0, 1, object_id="m-1", **members).name == "noted"
    assert ada.does("mail.clicked.capped", 0, 1, object_id="m-2").name == "scored"
    before = ada.score("warmth")
    ada.does("done", 0, 1, **members)
    assert ada.score("warmth") == before
    outcome = ada.does("goodbye", 0, 1, **members)
    assert (outcome.verdict, outcome.bot_withdrawal, outcome.changes[0].lost) == ("bot", True, ("warm",))
    assert outcome.changes[0].evidence == outcome.evidence != ()
    assert not ada.does("hello", 0, 2, **members).changes
    assert not ada.does("goodbye", 0, 3).bot_withdrawal
    assert not ada.does("hello", 0, 4).bot_withdrawal
    assert ada.does("forget", 0, 5, **members).name == "noted"
    assert ada.state.is_erased


def test_a_change_tells_the_evidence_against_its_touchpoint():
    """Of a suspect too; of a human, of silence and of a pack there is none."""
    ada = Contact(mail_pack())
    ada.opts_in()
    (change,) = (
        ada.does("mail.opened", 1, object_id="m-1", properties={"method": "HEAD"}).changes
        or ada.does("warm.12", 1, properties={"method": "HEAD"}).changes
        or ada.does("warm.8", 1, properties={"method": "HEAD"}).changes
    )
    assert change.evidence == ("head-request",)
    (lost,) = ada.waits(60)
    assert lost.evidence == ()


# --- where nothing is remembered ---------------------------------------------------------------------------------------------


def test_a_late_touchpoint_is_judged_by_itself():
    """And leaves nothing behind."""
    ada = Contact(mail_pack())
    ada.does("mail.opened", 1, object_id="m-1", properties={"honeypot": True})
    ada.does("hello", 9)
    late = ada.does("mail.opened", 1, object_id="m-1", properties={"method": "HEAD"})
    assert (late.name, *judged(late)) == ("late", "suspect", ("head-request",))
    assert judged(ada.does("never.heard.of", 1, bot=True)) == ("bot", ("bot",))
    before = dict(ada.state.messages)
    ada.does("mail.clicked", 1, object_id="m-7")
    assert ada.state.messages == before


def test_what_an_erased_contact_gets_is_judged_by_itself():
    """A machine's grant wakes nobody, and its no is counted where it moves the erasure."""
    ada = Contact(mail_pack())
    ada.does("mail.opened", 1, object_id="m-1", properties={"honeypot": True})
    ada.does("forget", 2)
    assert judged(ada.does("mail.opened", 1, object_id="m-1")) == HUMAN
    outcome = ada.does("hello", 3, crawler=True)
    assert (outcome.name, *judged(outcome), outcome.bot_withdrawal) == ("erased", "bot", ("crawler",), False)
    assert ada.does("goodbye", 4, properties={"honeypot": True}).bot_withdrawal
    assert not ada.does("goodbye", 4, properties={"honeypot": True}).bot_withdrawal
    assert not ada.does("forget", 5, bot=True).bot_withdrawal
    assert not ada.does("goodbye", 6).bot_withdrawal
    assert ada.state.is_erased
    assert ada.does("hello", 7, properties={"method": "HEAD"}).name == "noted"
    assert ada.does("mail.opened", 7, object_id="m-1").evidence == ()


def test_what_makes_a_bot_by_itself_wakes_nobody():
    """Where one weak sign is enough, it is enough for that."""
    ada = Contact(mail_pack(replace(TRUST, kinds_for_bot=1)))
    ada.does("forget", 1)
    assert ada.does("hello", 2, properties={"method": "HEAD"}).name == "erased"
    assert ada.does("hello", 2).name == "noted"


def test_duplicates_and_erasures_are_not_judged():
    """Nothing depends on it."""
    ada = Contact(mail_pack())
    ada.does("warm.1", bot=True, id="x")
    assert judged(ada.does("warm.1", bot=True, id="x")) == HUMAN
    assert judged(ada.does("forget", bot=True)) == HUMAN


def test_packs_from_before_judge_as_they_did():
    """A pack without the new tables keeps no memory of messages and looks at the flag alone."""
    ada = Contact(small_pack(rules=dict(small_pack().rules) | {"mail.clicked": Rule("mail.clicked", {"warmth": 2})}))
    for ms in range(40):
        assert (
            ada.does("mail.clicked", 1, ms=ms, object_id="m-1", crawler=True, properties={"link": f"{ms}"}).evidence
            == ()
        )
    assert ada.state.messages == {}
