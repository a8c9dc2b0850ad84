"""The simulated world: repeatable, in order of arrival, and as untidy as life."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import takewhile

import msgspec
import pytest

from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.refusal import Refusal
from palier.packs import load_pack
from palier_simulator.rhythm import DAY_MS, HOUR_MS
from palier_simulator.world import Profile, World, touchpoints

END_MS = int(datetime(2026, 1, 1, 7, 20, 30, tzinfo=UTC).timestamp()) * 1_000 + 123
PROFILE = Profile(contacts=150, seed=5, start_ms=END_MS - 120 * DAY_MS, end_ms=END_MS)
WEEK_MS = 7 * DAY_MS
GRANTS = {"newsletter.subscribed", "consent.granted"}
PUBLISHED_BEFORE_THE_PACK_KNOWS_THEM = {"push.clicked"}
OF_NOBODY_HERE = {"sms.delivered", "sms.clicked", "touchpoint.revoked"}


@pytest.fixture(scope="module")
def arrivals():
    return list(touchpoints(PROFILE))


@pytest.fixture(scope="module")
def decoded(arrivals):
    """Every touchpoint of the run with its arrival, duplicates included."""
    return [(arrival, decode_line(arrival.value, END_MS)) for arrival in arrivals]


@pytest.fixture(scope="module")
def two_live_hours():
    """What arrives in the two hours after the history, at 5 records a second."""
    world = World(PROFILE)
    for _ in world.history():
        pass
    return list(takewhile(lambda arrival: arrival.at < END_MS + 2 * HOUR_MS, world.live(per_second=5)))


def test_same_profile_gives_the_same_bytes(arrivals):
    """The same arguments give the same records, byte for byte and moment for moment."""
    assert list(touchpoints(PROFILE)) == arrivals


def test_same_bytes_in_another_process():
    """Python's randomised hashes do not show in the records."""
    command = [sys.executable, "-m", "palier_simulator", "--contacts", "30", "--days", "60", "--jsonl", "-"]
    first, second = (
        subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert first.count(b"\n") > 1_000


def test_another_seed_gives_other_contacts(arrivals):
    """The seed is what makes runs differ."""
    other = list(touchpoints(Profile(PROFILE.contacts, PROFILE.seed + 1, PROFILE.start_ms, PROFILE.end_ms)))
    assert {arrival.value for arrival in other}.isdisjoint(arrival.value for arrival in arrivals)


def test_records_come_in_order_of_arrival_within_the_profile(arrivals):
    """Records are yielded in order of arrival, from the profile's start to its end."""
    moments = [arrival.at for arrival in arrivals]
    assert moments == sorted(moments)
    assert PROFILE.start_ms <= moments[0]
    assert moments[-1] < PROFILE.end_ms


def test_every_record_is_lawful(decoded):
    """The platform accepts every record of the world, with its key, when it arrives."""
    for arrival, touchpoint in decoded:
        assert not isinstance(touchpoint, Refusal), touchpoint
        assert decode_touchpoint(arrival.value, arrival.key, arrival.at, []) == touchpoint
        assert arrival.refusal is None


def test_nothing_arrives_before_it_happened(decoded):
    """What arrives happened before, so nothing ever lies in the future."""
    assert all(touchpoint.occurred_at <= arrival.at for arrival, touchpoint in decoded)


def test_redelivered_records_are_the_same_bytes(arrivals, decoded):
    """A repeated (source, id) is the same record again, later: between one in a thousand and one in fifty."""
    values = defaultdict(set)
    for arrival, touchpoint in decoded:
        values[touchpoint.source, touchpoint.id].add(arrival.value)
    assert all(len(same) == 1 for same in values.values())
    assert 0.001 < 1 - len(values) / len(arrivals) < 0.02


def test_some_arrive_out_of_order_and_a_few_too_late(decoded):
    """Per contact, some touchpoints arrive after newer ones, a few more than 7 days after."""
    newest: dict[str, int] = {}
    behind = Counter()
    for _, touchpoint in decoded:
        before = newest.get(touchpoint.contact_id, 0)
        behind["out of order"] += touchpoint.occurred_at < before
        behind["late"] += touchpoint.occurred_at < before - WEEK_MS
        newest[touchpoint.contact_id] = max(before, touchpoint.occurred_at)
    assert 0.02 < behind["out of order"] / len(decoded) < 0.2
    assert 0.0001 < behind["late"] / len(decoded) < 0.01


def test_stores_hand_in_their_day_at_night(decoded):
    """What the tills saw arrives hours later, with the local offset in its time."""
    delays = [
        (arrival, arrival.at - touchpoint.occurred_at)
        for arrival, touchpoint in decoded
        if touchpoint.source == "store-till"
    ]
    overnight = [delay for _, delay in delays if delay > HOUR_MS]
    assert len(overnight) > 0.8 * len(delays) > 10
    assert any(not msgspec.json.decode(arrival.value)["occurred_at"].endswith("Z") for arrival, _ in delays)


def test_ids_are_random_uuids_and_contacts_pseudonyms(arrivals, decoded):
    """Touchpoint ids are UUIDs of version 4; contacts have numbers, no names; the key is the contact."""
    for arrival, touchpoint in decoded[:2_000]:
        assert str(uuid.UUID(touchpoint.id)) == touchpoint.id
        assert uuid.UUID(touchpoint.id).version == 4
        assert touchpoint.contact_id.encode() == arrival.key
    assert {arrival.key for arrival in arrivals} <= {f"c-{number:06d}".encode() for number in range(1, 151)}


def test_every_type_of_the_default_pack_occurs():
    """A year of some hundred contacts shows every rule but a few that nobody here is the source of, and types it does not know."""
    year = Profile(contacts=600, seed=1, start_ms=END_MS - 365 * DAY_MS, end_ms=END_MS)
    types = {msgspec.json.decode(arrival.value)["type"] for arrival in touchpoints(year)}
    assert types == set(load_pack(None).rules) - OF_NOBODY_HERE | PUBLISHED_BEFORE_THE_PACK_KNOWS_THEM


def test_bots_say_so(decoded):
    """Touchpoints of bots, and only theirs and those of mail proxies, carry the flag."""
    bots = {touchpoint.contact_id for _, touchpoint in decoded if touchpoint.bot and touchpoint.source == "web-tracker"}
    assert bots
    for _, touchpoint in decoded:
        if touchpoint.contact_id in bots:
            assert touchpoint.bot
        elif touchpoint.bot:
            assert touchpoint.type == "email.opened"


def test_nobody_erased_is_written_to():
    """After an erasure campaigns leave the contact alone until it has signed up again."""
    written, erased, came_back = 0, set(), set()
    year = [
        decode_line(arrival.value, END_MS) for arrival in touchpoints(Profile(400, 1, END_MS - 365 * DAY_MS, END_MS))
    ]
    for touchpoint in sorted(year, key=lambda touchpoint: touchpoint.occurred_at):
        if touchpoint.type == "contact.erased":
            erased.add(touchpoint.contact_id)
            came_back.discard(touchpoint.contact_id)
        elif touchpoint.type in GRANTS:
            came_back.add(touchpoint.contact_id)
        elif touchpoint.type == "email.delivered":
            written += 1
            assert touchpoint.contact_id not in erased or touchpoint.contact_id in came_back
    assert erased
    assert written > 1_000


def test_going_on_begins_where_the_history_ended(two_live_hours, arrivals):
    """Live records come after those of the history, in order, and none of the history is told again."""
    moments = [arrival.at for arrival in two_live_hours]
    assert moments == sorted(moments)
    assert moments[0] >= END_MS
    assert {arrival.serial for arrival in arrivals}.isdisjoint(arrival.serial for arrival in two_live_hours)


def test_live_rate(two_live_hours):
    """The asked rate of 5 a second is met within 40 %, once visits are under way."""
    settled = [arrival for arrival in two_live_hours if arrival.at >= END_MS + 10 * 60_000]
    assert 3 < len(settled) / (110 * 60) < 7


def test_live_begins_at_once(two_live_hours):
    """The first live visits show within seconds."""
    assert sum(arrival.at < END_MS + 20_000 for arrival in two_live_hours) > 5
