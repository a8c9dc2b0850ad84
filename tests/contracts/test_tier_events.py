"""Tier changes and current tiers as they are written: byte for byte, and as readers take them in."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from uuid import NAMESPACE_DNS, uuid5

from hypothesis import example, given
from hypothesis import strategies as st

from palier.contracts.tier_change import TierChange, tier_change_json, tier_change_record
from palier.contracts.tier_current import TierCurrent, tier_current_record, tier_current_tombstone
from palier.domain import outcome
from palier.domain.pack import RulePack

PACK = RulePack("default", 3, "ab" * 32, axes=(), tiers=(), rules={}, permission_channels=frozenset())
RECORDED_AT_MS = 1_793_614_272_124
CHANGE = outcome.TierChange(
    contact_id="süß-1",
    sequence=7,
    from_tier="unengaged",
    to_tier="engaged-to-buy",
    direction="up",
    gained=("engaged-to-buy", "engaged"),
    lost=(),
    occurred_at=1_793_614_272_123,
    cause="touchpoint",
    touchpoint_id="t-1",
    touchpoint_source="shop",
    held=("engaged-to-buy", "engaged"),
    channels=("web", "email"),
    scores={"interest": 19.00009, "intent": 37.99999, "advocacy": -0.0},
    thresholds={"engaged-to-buy": {"intent": 38.0}, "engaged": {"interest": 19}},
    reasons=(
        outcome.Reason("t-1", "shop", "cart.added", "web", "p-1", None, "intent", 12.0, 11.99999, 1_793_614_200_000),
        outcome.Reason("t-0", "shop", "cart.removed", "web", None, "c", "intent", -6.0, -5.99991, 1_793_614_100_000),
    ),
    since=1_793_614_272_123,
    evidence=("too-soon",),
)


def test_tier_change_to_the_byte() -> None:
    """Members in the contract's order, names and lists sorted, numbers floored to 4 decimals, moments in milliseconds."""
    assert tier_change_json(CHANGE, PACK, RECORDED_AT_MS).decode() == (
        '{"contact_id":"süß-1","sequence":7,"from":"unengaged","to":"engaged-to-buy","direction":"up",'
        '"gained":["engaged","engaged-to-buy"],"lost":[],"occurred_at":"2026-11-02T10:11:12.123Z","cause":"touchpoint",'
        '"touchpoint_id":"t-1","held":["engaged","engaged-to-buy"],"channels":["email","web"],'
        '"scores":{"advocacy":0.0,"intent":37.9999,"interest":19.0},"touchpoint_source":"shop",'
        '"thresholds":{"engaged":{"interest":19.0},"engaged-to-buy":{"intent":38.0}},'
        '"reasons":[{"touchpoint_id":"t-1","source":"shop","type":"cart.added","channel":"web","object_id":"p-1",'
        '"campaign_id":null,"axis":"intent","weight":12.0,"worth":11.9999,"occurred_at":"2026-11-02T10:10:00.000Z"},'
        '{"touchpoint_id":"t-0","source":"shop","type":"cart.removed","channel":"web","object_id":null,'
        '"campaign_id":"c","axis":"intent","weight":-6.0,"worth":-6.0,"occurred_at":"2026-11-02T10:08:20.000Z"}],"evidence":["too-soon"],'
        '"pack":{"name":"default","version":3,"digest":"' + "ab" * 32 + '"},"recorded_at":"2026-11-02T10:11:12.124Z"}'
    )


def test_erasure_tells_nothing_more() -> None:
    """For an erasure only the fact: the first ten members, the source, the pack and when it was noticed."""
    erasure = replace(CHANGE, cause="erasure", held=(), channels=(), scores={}, thresholds={}, reasons=())
    assert list(json.loads(tier_change_json(erasure, PACK, RECORDED_AT_MS))) == [
        "contact_id", "sequence", "from", "to", "direction", "gained", "lost", "occurred_at", "cause", "touchpoint_id",
        "touchpoint_source", "pack", "recorded_at",
    ]  # fmt: skip


def test_tier_change_record() -> None:
    """A CloudEvent in binary mode: key and headers of the contract, the value as in a replay."""
    record = tier_change_record(CHANGE, PACK, RECORDED_AT_MS, "staging-palier-tiers")
    event_id = uuid5(uuid5(NAMESPACE_DNS, "palier.tier-changes"), "süß-1:7")
    assert record.key == "süß-1".encode()
    assert record.value == tier_change_json(CHANGE, PACK, RECORDED_AT_MS)
    assert record.headers == [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_source", b"palier/staging-palier-tiers"),
        ("ce_type", b"palier.tier.changed.v1"),
        ("ce_subject", "süß-1".encode()),
        ("ce_time", b"2026-11-02T10:11:12.123Z"),
        ("ce_partitionkey", "süß-1".encode()),
        ("ce_sequence", b"0000000007"),
        ("content-type", b"application/json"),
    ]


def test_order_of_dicts_does_not_show() -> None:
    """The same change is the same bytes, whatever order the fold's dicts and sets came in."""
    turned = replace(
        CHANGE,
        scores=dict(reversed(CHANGE.scores.items())),
        thresholds=dict(reversed(CHANGE.thresholds.items())),
        held=CHANGE.held[::-1],
        gained=CHANGE.gained[::-1],
        channels=CHANGE.channels[::-1],
    )
    assert tier_change_json(turned, PACK, RECORDED_AT_MS) == tier_change_json(CHANGE, PACK, RECORDED_AT_MS)


@given(st.floats(-1e6, 1e6), st.integers(1, 10**6).map(lambda threshold: threshold / 10_000))
@example(18.999999999999996, 19.0)
@example(0.3, 0.3)
@example(0.0003, 0.0003)
def test_numbers_are_floored(score, threshold) -> None:
    """A score prints as the greatest 4-decimal number not above it: never as a threshold it has not reached."""
    change = replace(CHANGE, scores={"interest": score}, thresholds={"engaged": {"interest": threshold}})
    printed = json.loads(tier_change_json(change, PACK, RECORDED_AT_MS))
    shown = printed["scores"]["interest"]
    assert Decimal(repr(shown)) == Decimal(repr(score)).quantize(Decimal("0.0001"), ROUND_FLOOR)
    assert printed["thresholds"]["engaged"]["interest"] == threshold
    assert (shown >= threshold) == (score >= threshold)


def test_readers_model_takes_every_change() -> None:
    """The published model reads what the encoder writes, an erasure too, and ignores members added later."""
    value = tier_change_json(CHANGE, PACK, RECORDED_AT_MS)
    change = TierChange.model_validate_json(value[:-1] + b',"added_later":1}')
    assert change.model_dump_json(by_alias=True).encode() != b""
    assert json.loads(change.model_dump_json(by_alias=True)) == json.loads(value)
    erasure = replace(CHANGE, cause="erasure", touchpoint_id="e-1")
    read = TierChange.model_validate_json(tier_change_json(erasure, PACK, RECORDED_AT_MS))
    assert (read.touchpoint_id, read.held, read.channels, read.scores) == ("e-1", None, None, None)


def test_tier_current_to_the_byte() -> None:
    """One flat object per contact, its headline tier named `tier`."""
    record = tier_current_record(replace(CHANGE, since=0), PACK, RECORDED_AT_MS)
    assert record.key == "süß-1".encode()
    assert record.value is not None
    assert record.value.decode() == (
        '{"contact_id":"süß-1","sequence":7,"tier":"engaged-to-buy","held":["engaged","engaged-to-buy"],'
        '"channels":["email","web"],"since":"1970-01-01T00:00:00.000Z","occurred_at":"2026-11-02T10:11:12.123Z",'
        '"cause":"touchpoint","pack_version":3,"pack_digest":"' + "ab" * 32 + '",'
        '"recorded_at":"2026-11-02T10:11:12.124Z"}'
    )
    current = TierCurrent.model_validate_json(record.value)
    assert json.loads(current.model_dump_json()) == json.loads(record.value)


def test_tombstone() -> None:
    """An erased contact leaves the table: its key without a value."""
    record = tier_current_tombstone("süß-1")
    assert (record.key, record.value) == ("süß-1".encode(), None)
