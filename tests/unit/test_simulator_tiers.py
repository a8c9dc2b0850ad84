"""A simulated year through the default pack: contacts rise, buy, lapse, leave and return."""

from __future__ import annotations

from collections import Counter

import pytest

from palier.contracts.decoding import decode_line
from palier.domain.demotion import expire
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.packs import load_pack
from palier_simulator.rhythm import DAY_MS
from palier_simulator.world import Profile, World

END_MS = 1_767_225_600_000
CONTACTS = 400


@pytest.fixture(scope="module")
def year():
    """Outcomes, all tier changes, and each contact's final headline tier with its persona."""
    pack, states, outcomes, changes = load_pack(None), {}, Counter(), []
    world = World(Profile(CONTACTS, 2, END_MS - 365 * DAY_MS, END_MS))
    for arrival in world.history():
        touchpoint = decode_line(arrival.value, END_MS)
        state = states.get(touchpoint.contact_id)
        if state is None:
            state = states[touchpoint.contact_id] = ContactState.new()
        outcome = fold(state, touchpoint, pack)
        outcomes[outcome.name] += 1
        changes += outcome.changes
    for contact_id, state in states.items():
        changes += expire(state, contact_id, END_MS, pack)
    latest = {change.contact_id: change.to_tier for change in changes}
    final = Counter((contact.persona.name, latest.get(contact.id, "unengaged")) for contact in world._contacts)
    return outcomes, changes, final


def test_all_four_tiers_are_populated_at_the_end(year):
    """No tier is empty, none holds nearly everybody."""
    _, _, final = year
    tiers = Counter()
    for (_, tier), count in final.items():
        tiers[tier] += count
    assert set(tiers) == {"unengaged", "engaged", "engaged-to-buy", "engaged-to-influence"}
    assert max(tiers.values()) < 0.75 * CONTACTS


def test_every_cause_is_seen_often_enough_to_watch(year):
    """A year of 400 contacts brings more than 1 000 changes, and each cause several times over."""
    _, changes, _ = year
    causes = Counter(change.cause for change in changes)
    assert len(changes) > 1_000
    assert set(causes) == {"touchpoint", "inactivity", "conversion", "permission", "erasure"}
    assert min(causes.values()) >= 2
    assert {change.direction for change in changes} == {"up", "down", "lateral"}


def test_every_outcome_is_seen(year):
    """Duplicates, late, capped, unknown, erased and noted touchpoints all occur; most score or are noted."""
    outcomes, _, _ = year
    assert set(outcomes) == {"scored", "noted", "capped", "duplicate", "late", "erased", "unknown"}


def test_contacts_fall_and_rise_again(year):
    """Some contacts lose a tier and later win it back: life, not a one-way street."""
    _, changes, _ = year
    lost, won_back = set(), set()
    for change in changes:
        won_back |= {(change.contact_id, tier) for tier in change.gained} & lost
        lost |= {(change.contact_id, tier) for tier in change.lost}
    assert len({contact for contact, _ in won_back}) > CONTACTS / 10


def test_personas_end_where_they_belong(year):
    """Bots hold no tier, critics do not become influencers, fans mostly do; ghosts stay strangers."""
    _, _, final = year
    assert {tier for persona, tier in final if persona == "bot"} == {"unengaged"}
    assert final["critic", "engaged-to-influence"] == 0
    assert final["fan", "engaged-to-influence"] > final["fan", "unengaged"]
    assert final["ghost", "unengaged"] > 0.9 * sum(count for (persona, _), count in final.items() if persona == "ghost")
