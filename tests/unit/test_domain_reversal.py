"""Step 9: conviction backwards and revocation: what is taken back, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from math import exp2

import pytest

from domain_kit.contact import Contact, moment, small_pack, steps
from domain_kit.mail import GENTLE, TRUST, mail_pack
from palier.domain.limits import DAY_MS, NEVER, RING
from palier.domain.pack import Distinct, Rule, Tier

DAY_TIER = Tier("warm", {"warmth": 10}, {"warmth": 5}, Distinct("days", "warmth", 2, 30 * DAY_MS))
RULES = {
    rule.type: rule
    for rule in (
        Rule("revoked", revokes=True),
        Rule("review", {"warmth": 3, "zeal": 6}, per_day=2, per_object=1),
    )
}


def pack(**changes):
    rules = RULES | changes.pop("rules", {})
    return mail_pack(rules=rules, **changes)


def revokes(contact, touchpoint_id, day=2.0, hour=0.0, **members):
    return contact.does("revoked", day, hour, properties={"id": touchpoint_id}, **members)


def counters(outcome) -> tuple[int, int]:
    return outcome.taken_back, outcome.not_reversible


def clicks(contact, *moments, day=1, object_id="m-1", **members):
    return [
        contact.does("mail.clicked", day, ms=ms, object_id=object_id, **({"properties": {"link": f"l{ms}"}} | members))
        for ms in moments
    ]


# --- must be shown -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("moments", [(0, 400, 900, 1500), (1900, 1000, 1, 1999), (0, 0, 0, 0, 0, 0), (0, 999, 1998)])
def test_a_scanner_that_clicks_all_links_within_two_seconds_keeps_no_score(delivered, moments):
    """Whatever the order and whether the delivery is known; and a human click three minutes later counts in full."""
    ada = Contact(stored=True)
    ada.opts_in()
    if delivered:
        ada.does("email.delivered", 1, object_id="m-1")
    ada.does("email.opened", 1, ms=300, object_id="m-1")
    for place, ms in enumerate(moments):
        ada.does("email.clicked", 1, ms=ms, object_id="m-1", properties={"link": f"l{place}"})
    assert ada.scores() == {"interest": 0, "intent": 0, "advocacy": 0}
    assert ada.explained().contributions["interest"] == ()
    assert ada.state.caps == {}
    human = ada.does("email.clicked", 1, 0, 3, object_id="m-1", properties={"link": "l1"})
    assert (human.name, human.verdict, ada.score("interest")) == ("scored", "human", 3)


def test_a_burst_found_out_late_takes_back_what_it_had_lifted():
    """One tier change of cause `reversal`, by the click that convicts; it tells enter thresholds and evidence."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    ada.does("warm.8", 0)
    assert [steps(outcome.changes) for outcome in clicks(ada, 0, 700)] == [[], [("unengaged", "warm", "touchpoint")]]
    (outcome,) = clicks(ada, 1_900)
    (change,) = outcome.changes
    assert steps([change]) == [("warm", "unengaged", "reversal")]
    assert counters(outcome) == (2, 0)
    assert (change.touchpoint_id, change.evidence) == (ada.touchpoints[-1].id, ("many-links",))
    assert change.thresholds == {"warm": {"warmth": 10}}
    assert 5 < change.scores["warmth"] < 10
    assert [reason.type for reason in change.reasons] == ["warm.8"]
    assert counters(clicks(ada, 1_901)[0]) == (0, 0)


def test_one_touchpoint_of_a_review_that_was_deleted():
    """Revoked by its source: points, reason, variety and cap are as if it had never been."""
    ada, eve = Contact(pack(), stored=True), Contact(pack(), stored=True)
    for contact in (ada, eve):
        contact.opts_in()
        contact.does("zeal.7", 1)
    ada.does("review", 1, id="r", object_id="rye")
    outcome = revokes(ada, "r", 1)
    assert (outcome.name, *counters(outcome)) == ("noted", 1, 0)
    assert ada.scores() == pytest.approx(eve.scores())
    for contact in (ada, eve):
        (change,) = contact.does("warm.12", 1).changes
        assert steps([change]) == [("unengaged", "warm", "touchpoint")]
        assert contact.does("review", 1, object_id="rye").name == "scored"


# --- what convicts a message -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ms", [-10_001, -10_000, 10_000, 10_001])
def test_what_lies_ten_seconds_around_is_taken_back(ms):
    """Clicks before and after it, arrived before it; those further off stay."""
    ada = Contact(pack(), stored=True)
    clicks(ada, ms)
    (outcome,) = clicks(ada, 0, properties={"honeypot": True})
    assert counters(outcome) == ((1, 0) if abs(ms) == 10_000 else (0, 0))
    assert ada.score("warmth") == pytest.approx(0 if abs(ms) == 10_000 else 2, rel=1e-4)


def test_only_the_messages_own_are_taken_back():
    """Another message, and a form at the same time, stay."""
    ada = Contact(pack())
    clicks(ada, 0, object_id="m-2")
    ada.does("warm.8", 1)
    clicks(ada, 1)
    clicks(ada, 2, properties={"honeypot": True})
    assert ada.score("warmth") == pytest.approx(10)


def test_what_does_not_reverse_takes_nothing_back():
    """A weak burst, a crawler, a flag; and nothing does where it is switched off."""
    for trust, last in (
        (GENTLE, {}),
        (TRUST, {"crawler": True, "properties": None}),
        (replace(TRUST, click_burst=None), {"bot": True, "properties": None}),
        (replace(TRUST, reversal_ms=0), {"properties": {"honeypot": True}}),
    ):
        ada = Contact(pack(trust=trust))
        clicks(ada, 0, 20)
        (outcome,) = clicks(ada, 5_000, **last)
        assert counters(outcome) == (0, 0)
        assert ada.score("warmth") >= 4 - 1e-3


def test_each_is_taken_back_once():
    """A second conviction finds what came in between, and nothing twice."""
    ada = Contact(pack(), stored=True)
    clicks(ada, 0, 1)
    assert counters(clicks(ada, 2)[0]) == (2, 0)
    assert [outcome.evidence[0] for outcome in clicks(ada, 3, 9_000)] == ["convicted", "convicted"]
    clicks(ada, 11_000)
    assert counters(clicks(ada, 11_001, properties={"honeypot": True})[0]) == (1, 0)
    assert ada.score("warmth") == 0


def test_what_six_others_have_displaced_is_not_found():
    """Nor what a cap, doubt about its source or another verdict kept from scoring: that is no reversal either."""
    ada = Contact(pack(sources={"bought": 0.0}), stored=True)
    ada.does("mail.clicked.capped", 1, ms=-9_000, object_id="m-1")
    for number in range(6):
        ada.does("mail.opened", 1, ms=-8_000 + number, object_id="m-1", source="bought")
    ada.does("mail.clicked.capped", 1, ms=-5_000, object_id="m-1")
    assert counters(clicks(ada, 0, properties={"honeypot": True})[0]) == (0, 0)
    assert ada.score("warmth") == pytest.approx(2, rel=1e-4)


def test_a_suspects_part_is_taken_back_as_it_was_scored():
    """Half was scored, half is taken back; likewise of a source that counts less, by a pack that weighs otherwise now."""
    ada = Contact(pack(sources={"half": 0.5}), stored=True)
    ada.does("mail.clicked", 1, object_id="m-1", source="half", properties={"method": "HEAD"})
    assert ada.score("warmth") == 0.5
    ada.pack = pack(version=2, rules={"mail.clicked": Rule("mail.clicked", {"warmth": 9}, message="clicked")})
    ada.does("warm.8", 1)
    assert counters(clicks(ada, 5, properties={"honeypot": True})[0]) == (1, 0)
    assert ada.score("warmth") == pytest.approx(8)


# --- touchpoint.revoked ------------------------------------------------------------------------------------------------------


def test_a_revocation_names_source_and_id():
    """Its own source where none is told; another source's is another touchpoint."""
    for source, told, found in (("shop", None, 1), ("shop", "shop", 1), ("mailer", None, 0), ("mailer", "shop", 1)):
        ada = Contact(pack(), stored=True)
        ada.does("warm.8", 1, id="x", source="shop")
        properties = {"id": "x", "source": told} if told else {"id": "x", "source": 5}
        outcome = ada.does("revoked", 2, source=source, properties=properties)
        assert counters(outcome) == (found, 1 - found)
        assert ada.score("warmth") == pytest.approx(0 if found else 8 * exp2(-0.1))


@pytest.mark.parametrize("properties", [None, {}, {"id": 5}, {"id": ""}, {"id": None}, {"id": ["x"]}])
def test_without_an_id_nothing_is_revoked(properties):
    """And nothing is counted."""
    ada = Contact(pack())
    ada.does("warm.8", 1, id="x")
    outcome = ada.does("revoked", 1, properties=properties)
    assert (outcome.name, *counters(outcome)) == ("noted", 0, 0)
    assert ada.score("warmth") == 8


def test_a_bots_revocation_is_void_and_a_suspects_holds():
    """Whoever the machine is."""
    ada = Contact(pack())
    ada.does("warm.8", 1, id="x")
    assert counters(revokes(ada, "x", 1, crawler=True)) == (0, 0)
    assert ada.score("warmth") == 8
    outcome = ada.does("revoked", 1, properties={"id": "x", "method": "HEAD"})
    assert (outcome.verdict, *counters(outcome)) == ("suspect", 1, 0)
    assert ada.score("warmth") == 0


def test_a_revocation_holds_however_late_it_is():
    """Like a reset; one that overtakes its touchpoint finds nothing, and the touchpoint counts."""
    ada = Contact(pack())
    ada.does("warm.8", 1, id="x")
    ada.does("hello", 20)
    outcome = revokes(ada, "x", 2)
    assert (outcome.name, *counters(outcome)) == ("late", 1, 0)
    assert ada.score("warmth") == 0
    assert counters(revokes(ada, "y", 20)) == (0, 1)
    ada.does("warm.8", 20, id="y")
    assert ada.score("warmth") == 8


def test_twice_revoked_is_no_longer_reversible():
    """Nor is what never scored, what a bot did, and what nobody has heard of."""
    ada = Contact(pack())
    ada.does("warm.8", 1, id="x")
    ada.does("warm.8", 1, id="bot", bot=True)
    ada.does("hello", 1, id="hello")
    assert counters(revokes(ada, "x")) == (1, 0)
    for touchpoint_id in ("x", "bot", "hello", "nobody"):
        assert counters(revokes(ada, touchpoint_id)) == (0, 1)
    assert ada.explained().permission.is_open
    assert counters(Contact(pack()).does("revoked", properties={"id": "x"})) == (0, 1)


def test_an_erased_contact_has_nothing_to_revoke():
    """The outcome is that of step 2."""
    ada = Contact(pack())
    ada.does("warm.8", 1, id="x")
    ada.does("forget", 2)
    assert (revokes(ada, "x", 3).name, *counters(revokes(ada, "x", 3))) == ("erased", 0, 0)


# --- what taking back does ---------------------------------------------------------------------------------------------------


def test_a_score_never_falls_below_zero_and_ends_at_none():
    """What is below a billionth is rounding; what the floor had swallowed is not owed."""
    ada = Contact(pack())
    ada.does("warm.8", 0, id="x")
    ada.does("hello", 7.3)
    revokes(ada, "x", 7.3)
    assert (ada.score("warmth"), type(ada.state.scores[0])) == (0, int)
    ada.does("cold.4", 8, id="c")
    ada.does("warm.2", 8)
    revokes(ada, "c", 8)
    assert ada.score("warmth") == 6


def test_what_has_left_every_ring_keeps_its_points():
    """And may stay a reason; on the axis where it is still in the ring it is taken back, and counts as both."""
    ada = Contact(pack(), stored=True)
    ada.does("both", 1, id="x")
    for number in range(RING - 1):
        ada.does("warm.1", 1, number)
    assert counters(revokes(ada, "x", 1, 20)) == (1, 0)
    ada.does("both", 2, id="y")
    for number in range(RING):
        ada.does("warm.1", 2, number)
    before = ada.score("warmth")
    assert counters(revokes(ada, "y", 2, 15)) == (1, 1)
    assert (ada.score("warmth"), ada.score("zeal")) == (before, 0)
    assert "y" in [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]]
    assert counters(revokes(ada, "y", 2, 15)) == (0, 1)


def test_taking_back_leaves_room_in_the_ring():
    """What had been pushed out does not come back; sixteen new ones fit as before."""
    ada = Contact(pack(), stored=True)
    for number in range(RING):
        ada.does("warm.1", 1, number, id=f"n{number}")
    revokes(ada, "n3", 1, 16)
    ada.does("warm.1", 1, 17)
    assert counters(revokes(ada, "n0", 1, 18)) == (1, 0)
    assert len(ada.state.rings[0]) == RING - 1


def test_what_a_reset_made_void_is_taken_back_without_points():
    """It was in the ring all the same, so it is reversed; reasons stay as they are."""
    ada = Contact(pack(), stored=True)
    ada.does("done", 2)
    ada.does("warm.8", 1, id="x")
    ada.does("warm.2", 3)
    assert counters(revokes(ada, "x", 3)) == (1, 0)
    assert ada.score("warmth") == 2
    assert len(ada.explained().contributions["warmth"]) == 1


def test_reasons_are_what_was_among_the_five_less_this_one():
    """Nothing rises; where it was not among them, they stay."""
    ada = Contact(pack(), stored=True)
    for hour, type_ in enumerate(("warm.12", "warm.12", "warm.8", "warm.8", "warm.8", "warm.2", "warm.2")):
        ada.does(type_, 1, hour, id=f"n{hour}")
    told = [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]]
    revokes(ada, "n5", 1, 8)
    assert [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]] == told
    revokes(ada, "n0", 1, 8)
    left = [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]]
    assert left == [touchpoint_id for touchpoint_id in told if touchpoint_id != "n0"]
    ada.does("done", 1, -10)
    assert [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]] == left


def test_a_later_reset_adds_up_what_is_left():
    """The sum does not know what was taken back."""
    ada = Contact(pack())
    ada.does("warm.8", 1)
    ada.does("warm.8", 3, id="x")
    ada.does("warm.2", 3)
    revokes(ada, "x", 3)
    ada.does("done", 2)
    assert ada.score("warmth") == pytest.approx(2)


def test_days_that_gained_by_it_alone_go():
    """Where another gain of that day is left, the newest such counts; one that is void or cost points does not."""
    ada = Contact(pack(tiers=(DAY_TIER,)), stored=True)
    ada.does("warm.1", 1, 1)
    ada.does("warm.1", 1, 2, id="x")
    ada.does("cold.4", 1, 3)
    ada.does("warm.1", 2, 1, id="y")
    assert ada.state.distinct == [{moment(1) // DAY_MS: 2 * 3_600_000, moment(2) // DAY_MS: 3_600_000}]
    revokes(ada, "x", 2, 2)
    assert ada.state.distinct == [{moment(1) // DAY_MS: 3_600_000, moment(2) // DAY_MS: 3_600_000}]
    revokes(ada, "y", 2, 2)
    assert ada.state.distinct == [{moment(1) // DAY_MS: 3_600_000}]


def test_types_that_were_last_seen_with_it_go():
    """Of two gains of a type the older one taken back changes nothing."""
    ada = Contact(pack(), stored=True)
    ada.does("zeal.6", 1, id="old")
    ada.does("zeal.6", 2, id="new")
    ada.does("zeal.7", 2)
    revokes(ada, "old", 2, 1)
    assert ada.explained().tiers[1].distinct.found == 2
    revokes(ada, "new", 2, 1)
    assert ada.explained().tiers[1].distinct.found == 0
    ada.does("zeal.6", 2, 2)
    assert ada.explained().tiers[1].distinct.found == 1


def test_caps_are_given_back_with_the_object():
    """Both counters fall by one; what was used by others stays used."""
    ada = Contact(pack(), stored=True)
    ada.does("review", 1, id="x", object_id="rye")
    ada.does("review", 1, object_id="oats")
    assert ada.does("review", 1, object_id="rye").name == "capped"
    revokes(ada, "x", 1)
    assert ada.does("review", 1, object_id="oats").name == "capped"
    assert ada.does("review", 1, object_id="rye").name == "scored"
    assert ada.does("review", 1, object_id="barley").name == "capped"


def test_days_that_caps_have_forgotten_give_nothing_back():
    """The points are taken back all the same."""
    ada = Contact(pack(), stored=True)
    ada.does("review", 1, id="x", object_id="rye")
    ada.does("review", 30, object_id="rye")
    assert counters(revokes(ada, "x", 30)) == (1, 0)
    assert list(ada.state.caps) == [moment(30) // DAY_MS]


def test_an_id_that_came_again_is_taken_back_as_often_as_it_scored():
    """After 128 others it is no duplicate; each of the two is one touchpoint."""
    ada = Contact(pack(), stored=True)
    ada.does("zeal.6", 1, id="x")
    for number in range(128):
        ada.does("never.heard.of", 1, ms=number * 70_000)
    assert ada.does("zeal.6", 4, id="x").name == "scored"
    assert counters(revokes(ada, "x", 4)) == (2, 0)
    assert ada.score("zeal") == 0


# --- tiers -------------------------------------------------------------------------------------------------------------------


def lifted(**changes):
    """Warm by 8 and 3: above 5, and without the 3 below 10."""
    ada = Contact(pack(**changes), stored=True)
    ada.opts_in()
    ada.does("warm.8", 1)
    ada.does("both", 1, id="x")
    assert ada.held == ("warm",)
    return ada


def test_a_tier_entered_by_it_is_asked_for_its_enter_threshold():
    """Eight are above the leave threshold of five and no longer enough."""
    ada = lifted()
    (change,) = revokes(ada, "x", 1).changes
    assert (change.cause, change.lost, change.thresholds) == ("reversal", ("warm",), {"warm": {"warmth": 10}})


def test_a_tier_that_is_entered_without_it_all_the_same_stays():
    """Distinct types and days are not asked."""
    ada = lifted()
    ada.does("warm.2", 1)
    ada.does("warm.1", 1)
    assert revokes(ada, "x", 1).changes == ()
    assert ada.held == ("warm",)


def test_who_was_in_before_stays_by_the_leave_threshold():
    """What came after she had entered is taken back; she is asked as ever."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    ada.does("warm.12", 1)
    ada.does("both", 2, id="x")
    ada.does("hello", 4)
    before = ada.score("warmth")
    assert revokes(ada, "x", 4).changes == ()
    assert before > 10 > ada.score("warmth") > 5
    ada.does("warm.2", 1.5, id="y")
    assert steps(revokes(ada, "y", 4).changes) == []


def test_a_contribution_of_the_very_moment_she_entered_counts_among_those_before():
    """At or before: the touchpoint that lifted her is the first to be asked about."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    ada.does("warm.8", 0)
    ada.does("warm.2", 0, id="x")
    assert ada.held == ("warm",)
    assert steps(revokes(ada, "x", 0).changes) == [("warm", "unengaged", "reversal")]


def test_other_tiers_are_asked_as_ever():
    """Only tiers entered on an axis on which a gain was taken back; the other stays down to its leave threshold."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    for type_ in ("warm.8", "warm.2", "zeal.6"):
        ada.does(type_, 1)
    ada.does("zeal.7", 1, id="x")
    assert ada.held == ("warm", "zealous")
    ada.does("cold.4", 1)
    (change,) = revokes(ada, "x", 1).changes
    assert (change.lost, change.held) == (("zealous",), ("warm",))
    assert change.thresholds == {"zealous": {"zeal": 10, "warmth": 1}}


def test_losses_taken_back_ask_nobody_and_may_lift():
    """A negative contribution is given back: nobody is asked, and who is above enters, with the cause `reversal`."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    ada.does("warm.8", 1)
    ada.does("cold.4", 1, id="x")
    ada.does("both", 1)
    outcome = revokes(ada, "x", 1)
    assert steps(outcome.changes) == [("unengaged", "warm", "reversal")]
    assert outcome.changes[0].thresholds == {"warm": {"warmth": 10}}


def test_void_gains_ask_nobody():
    """They had not lifted her."""
    ada = Contact(pack(), stored=True)
    ada.opts_in()
    ada.does("done", 1, -1)
    ada.does("warm.12", 1, -2, id="void")
    ada.does("warm.12", 1)
    ada.does("cold.4", 1)
    assert counters(revokes(ada, "void", 1)) == (1, 0)
    assert ada.held == ("warm",)


def test_of_a_tier_of_which_it_is_not_known_when_it_was_entered_nothing_is_asked():
    """A state from before: she stays down to the leave threshold."""
    ada = lifted()
    ada.state.entered = [NEVER]
    assert revokes(ada, "x", 1).changes == ()


def test_behind_a_closed_gate_nothing_is_told():
    """She is no longer earned all the same."""
    ada = Contact(pack(), stored=True)
    ada.does("warm.8", 1)
    ada.does("both", 1, id="x")
    assert revokes(ada, "x", 1).changes == ()
    assert ada.explained().earned == ()


def test_the_gate_is_the_cause_if_it_moved():
    """A bot that withdraws and convicts in one: permission."""
    rules = {"trap": Rule("trap", {"warmth": 1}, withdraws=("@",), message="clicked")}
    ada = Contact(pack(rules=rules))
    ada.opts_in()
    ada.does("warm.8", 0)
    clicks(ada, 0, 5_000)
    outcome = ada.does("trap", 1, ms=5_001, object_id="m-1", properties={"honeypot": True})
    assert steps(outcome.changes) == [("warm", "unengaged", "permission")]
    assert (counters(outcome), outcome.bot_withdrawal) == ((2, 0), True)


def test_demotion_follows_the_lower_score():
    """Who stays is lost earlier."""
    ada = Contact(pack())
    ada.opts_in()
    ada.does("warm.12", 1)
    ada.does("warm.8", 2, id="x")
    bob = Contact(pack())
    bob.opts_in()
    bob.does("warm.12", 1)
    revokes(ada, "x", 2)
    assert abs(ada.next_demotion_at - bob.next_demotion_at) <= 1
    assert (ada.waits(14)[0].cause, ada.changes[-1].lost) == ("inactivity", ("warm",))


def test_packs_from_before_have_nothing_that_takes_back():
    """A pack without such a rule treats the type as unknown."""
    ada = Contact(small_pack())
    ada.does("warm.8", id="x")
    outcome = ada.does("touchpoint.revoked", properties={"id": "x"})
    assert (outcome.name, *counters(outcome), ada.score("warmth")) == ("unknown", 0, 0, 8)
