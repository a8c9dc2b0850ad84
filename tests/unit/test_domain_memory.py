"""What a contact remembers of its contributions: slots, evidence, words and weightings."""

from __future__ import annotations

import pytest

from domain_kit.contact import DEFAULT, Contact, moment, small_pack
from palier.domain.evidence import pack_evidence, unpack_evidence
from palier.domain.limits import DAY_MS
from palier.domain.pack import Rule
from palier.domain.state import ContactState
from palier.domain.touchpoint import Touchpoint
from palier.domain.weightings import CODES, KNOWN, OWN, weights_of, word_of
from palier.domain.words import NUMBERS, WELL_KNOWN, shorten, spell

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
YEAR = 365.25


def touchpoint(**members) -> Touchpoint:
    usual = {"id": "t", "source": "shop", "type": "cart.added", "channel": "web", "contact_id": "ada", "occurred_at": 1}
    return Touchpoint(**(usual | members))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"id": UUID, "object_id": UUID, "campaign_id": UUID},
        {"id": UUID.upper()},
        {"id": UUID.replace("-", "_")},
        {"id": UUID.replace("0", "g")},
        {"id": UUID[:8] + "-" + UUID[10:] + "x"},
        {"id": UUID[:-2] + " 1"},
        {"id": UUID[:-3] + "--1", "object_id": UUID[:-3] + "--1"},
        {"id": "ü" * 100, "source": "日本" * 50, "object_id": "x" * 200, "campaign_id": "é" * 200},
        {"id": "x" * 254, "object_id": "x" * 255},
        {"type": "custom.type", "channel": "carrier pigeon", "campaign_id": "spring"},
        {"type": "email", "source": "email", "channel": "email", "campaign_id": "email"},
        {"object_id": ""},
        {"campaign_id": ""},
    ],
)
def test_evidence_comes_back_as_it_went_in(members):
    """Whatever the texts; an empty object or campaign is none."""
    state, packed = ContactState.new(), touchpoint(**members)
    evidence = pack_evidence(state, packed)
    assert unpack_evidence(state, evidence) == (
        packed.id,
        packed.source,
        packed.type,
        packed.channel,
        packed.object_id or None,
        packed.campaign_id or None,
    )


def test_a_uuid_takes_sixteen_bytes():
    """Flags, three names, the id: 20 bytes."""
    state = ContactState.new()
    assert len(pack_evidence(state, touchpoint(id=UUID))) == 20


def test_words_beyond_the_contacts_list_are_spelled_out():
    """Of 40 campaigns a contact can have as reasons at once each is told right, also with 300 words in all."""
    state = ContactState.new()
    kept = {}
    for number in range(300):
        evidence = pack_evidence(state, touchpoint(source=f"source-{number}", campaign_id=f"campaign-{number}"))
        if number < 150:
            kept[number] = evidence
            state.evidence[number] = evidence
    for number in kept:
        told = unpack_evidence(state, state.evidence[number])
        assert (told[1], told[5]) == (f"source-{number}", f"campaign-{number}")


def test_words_that_no_evidence_names_go():
    """A campaign a week for ten years leaves a short list."""
    ada = Contact()
    for week in range(520):
        ada.does("article.read", 7 * week, campaign_id=f"week-{week}")
    assert len(ada.state.words) < 15
    reasons = ada.explained().contributions["interest"]
    assert [reason.campaign_id for reason in reasons] == [f"week-{week}" for week in range(519, 514, -1)]


def test_slots_are_filled_again():
    """However many contributions, the columns stay as long as what is remembered."""
    ada = Contact(stored=True)
    types = ("article.read", "product.viewed", "review.posted", "cart.added", "email.opened")
    for number in range(600):
        ada.does(types[number % 5], number / 4, object_id=f"o{number}", rating=100)
    state = ada.state
    listed = set(b"".join([*state.rings, *state.strongest]))
    assert listed.isdisjoint(state.free)
    assert listed | set(state.free) == set(range(len(state.codes)))
    assert len(state.codes) <= 60
    assert state.evidence.keys() == set(b"".join(state.strongest))
    assert len(state.times) == 5 * len(state.codes)
    assert all(len(ring) == 16 for ring in state.rings)


def test_a_great_contribution_stays_a_reason_when_many_small_ones_follow():
    """The five strongest are kept though the ring has gone on."""
    ada = Contact()
    ada.does("webinar.attended", 0, object_id="talk")
    for number in range(40):
        ada.does("page.viewed", 1 + number / 5, object_id=f"p{number}")
    assert ada.explained().contributions["interest"][0].object_id == "talk"


def test_after_a_reset_reasons_are_of_what_remains():
    """A weak contribution newer than the order rises among the five when the order has made the stronger ones void."""
    ada = Contact()
    for number in range(6):
        ada.does("checkout.started", number, id=f"old{number}")
    ada.does("wishlist.added", 6, object_id="lamp", id="new")
    ada.does("order.completed", 5, 12)
    assert [reason.touchpoint_id for reason in ada.explained().contributions["intent"]] == ["new"]


def test_decades_apart():
    """Times before 1987 and after 2039 in one life: what is too old is forgotten, the rest is told right."""
    ada = Contact(small_pack())
    ada.does("warm.8", -50 * YEAR, id="a")
    ada.does("warm.8", -40 * YEAR, id="b")
    ada.does("warm.1", -15 * YEAR, id="c")
    ada.does("warm.1", 0, id="d")
    assert [reason.touchpoint_id for reason in ada.explained().contributions["warmth"]] == ["d", "c"]
    ada.does("warm.1", 40 * YEAR, id="e")
    (last,) = ada.explained().contributions["warmth"]
    assert (last.touchpoint_id, last.occurred_at) == ("e", moment(40 * YEAR))
    assert ada.score("warmth") == 1


def test_a_pack_of_many_weightings():
    """Weightings that are not well known take numbers of the contact's own, also when hundreds have come and gone."""
    packs = []
    for generation in range(4):
        rules = {f"r{n}": Rule(f"r{n}", {"warmth": 1 + n / 64 + generation * 2}) for n in range(90)}
        packs.append(small_pack(rules=rules))
    ada = Contact(packs[0], stored=True)
    for number in range(1000):
        ada.pack = packs[number // 250]
        ada.does(f"r{number % 90}", number / 100, id=f"n{number}")
    assert len(ada.state.weightings) <= 128
    told = ada.explained().contributions["warmth"]
    assert told
    for reason in told:
        number = int(reason.touchpoint_id[1:])
        assert reason.weight == 1 + number % 90 / 64 + number // 250 * 2


@pytest.mark.parametrize("weights", [{"a": 1}, {"a": 0.1, "b": -2.5}, {"b": 1e-9, "a": 123456.75}, {"x-y": 1 / 3}])
def test_weightings_as_words(weights):
    """Every float comes back, and the order of the axes does not matter."""
    assert weights_of(word_of(weights)) == weights
    assert word_of(weights) == word_of(dict(reversed(weights.items())))


def test_the_default_packs_weightings_and_words_are_well_known():
    """So its states need neither a list of weightings nor spell a type."""
    for rule in DEFAULT.rules.values():
        for weights in (rule.weights, rule.critical_weights):
            assert not weights or word_of(weights) in CODES
        assert isinstance(shorten(rule.type), int)
    assert DEFAULT.compiled.layout == 1
    assert len(KNOWN) == len(CODES) <= OWN
    assert len(WELL_KNOWN) == len(NUMBERS) <= OWN


def test_words_and_numbers_stand_for_each_other():
    """An unknown word is itself."""
    assert spell(shorten("email")) == "email"
    assert spell(shorten("never heard of")) == "never heard of"


def test_reasons_of_equal_worth():
    """Equal in worth: the newer first."""
    ada = Contact(small_pack())
    ada.opts_in()
    ada.does("warm.8", 0, id="old")
    ada.does("warm.2", 0, id="tie")
    ada.does("warm.1", 10, id="new")
    (change,) = ada.does("warm.8", 10, id="last").changes
    assert [reason.touchpoint_id for reason in change.reasons] == ["last", "old", "new", "tie"]
    assert change.reasons[2].worth == change.reasons[3].worth == 1


def test_one_day_is_86400000_ms():
    """UTC knows no leap seconds here."""
    assert DAY_MS == 24 * 60 * 60 * 1000
