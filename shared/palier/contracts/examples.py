"""Examples of every contract: taken and refused records, and what becomes of them. Tests and the export use them.

Outputs are not written by hand: the touchpoints of the story are folded with the default pack, as `palier replay` does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from palier.contracts.dead_letter import DeadLetter, dead_letter_record
from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.record_examples import CONTACT, KAFKA_TIMESTAMP_MS, refused_records
from palier.contracts.refusal import Refusal
from palier.contracts.tier_change import ERASURE, tier_change_json
from palier.contracts.tier_current import tier_current_record
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.packs import load_pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.contracts.record_examples import RecordExample
    from palier.contracts.refusal import RefusalReason
    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack


def story() -> list[dict[str, Any]]:
    """Touchpoints of one contact on her way through the default pack's tiers, and in the end forgotten."""

    def touchpoint(
        identifier: str, source: str, kind: str, channel: str, occurred_at: str, **more: Any
    ) -> dict[str, Any]:
        return {
            "id": identifier,
            "source": source,
            "type": kind,
            "channel": channel,
            "contact_id": CONTACT,
            "occurred_at": occurred_at,
        } | more

    return [
        touchpoint("n-1", "mailer", "newsletter.subscribed", "email", "2026-03-02T08:15:00Z", timezone="Europe/Vienna"),
        touchpoint(
            "9f1c2b7e-5d0a-4f6b-8a53-0e6b1f7c2d11",
            "web-tracker",
            "article.read",
            "web",
            "2026-03-02T09:20:41.307+01:00",
            object_id="article-17",
            campaign_id="spring",
            user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0",
            properties={"theme": "gardening", "seconds": 94},
        ),
        touchpoint("w-2", "web-tracker", "article.read", "web", "2026-03-04T18:02:10.5Z", object_id="article-21"),
        touchpoint("s-1", "shop", "product.viewed", "web", "2026-03-05T19:30:00Z", object_id="product-8"),
        touchpoint("s-2", "shop", "cart.added", "web", "2026-03-05T19:31:12.250Z", object_id="product-8"),
        touchpoint("s-3", "shop", "checkout.started", "web", "2026-03-05T19:33:40Z"),
        touchpoint(
            "s-4",
            "shop",
            "order.completed",
            "web",
            "2026-03-05T19:36:05.000001+00:00",
            object_id="order-90210",
            value={"amount": "129.90", "currency": "EUR"},
        ),
        touchpoint(
            "v-1", "store-till", "store.visited", "store", "2026-03-14T11:05:00+01:00", object_id="store-vienna-3"
        ),
        touchpoint(
            "c-1", "community", "review.posted", "community", "2026-03-20T20:10:00Z", object_id="product-8", rating=95
        ),
        touchpoint("c-2", "community", "referral.converted", "community", "2026-03-22T07:45:30Z"),
        touchpoint("m-9", "mailer", "email.opened", "email", "2026-05-20T06:00:00Z", object_id="mail-31", bot=True),
        touchpoint("p-1", "privacy-desk", "contact.erased", "web", "2026-06-01T12:00:00Z"),
    ]


def story_changes(pack: RulePack | None = None) -> Iterator[tuple[TierChange, int]]:
    """Each tier change of the story, with the newest occurred_at read so far (`recorded_at` of a replay)."""
    rules = pack or load_pack(None)
    state = ContactState.new()
    newest = 0
    for touchpoint in story():
        decoded = decode_line(json.dumps(touchpoint).encode(), KAFKA_TIMESTAMP_MS)
        if isinstance(decoded, Refusal):
            raise TypeError(f"the story must be taken: {decoded.message}")
        newest = max(newest, decoded.occurred_at)
        for change in fold(state, decoded, rules).changes:
            yield change, newest


def tier_changes() -> list[bytes]:
    """The story's tier changes, as values of records."""
    pack = load_pack(None)
    return [tier_change_json(change, pack, recorded_at) for change, recorded_at in story_changes(pack)]


def tier_currents() -> list[bytes]:
    """What tier-current holds after each change of the story (after the erasure: nothing)."""
    pack = load_pack(None)
    records = [
        tier_current_record(change, pack, recorded_at)
        for change, recorded_at in story_changes(pack)
        if change.cause != ERASURE
    ]
    return [record.value for record in records if record.value is not None]


def dead_letters() -> list[DeadLetter]:
    """What becomes of refused examples: the first of each reason."""
    first: dict[RefusalReason | None, RecordExample] = {}
    for example in refused_records():
        first.setdefault(example.reason, example)
    return [_dead_letter(example, offset) for offset, example in enumerate(first.values())]


def _dead_letter(example: RecordExample, offset: int) -> DeadLetter:
    verdict = decode_touchpoint(example.value, example.key, KAFKA_TIMESTAMP_MS, example.headers)
    if not isinstance(verdict, Refusal):
        raise TypeError(f"{example.name}: an example of a refused record was taken")
    record = dead_letter_record(
        verdict,
        topic="touchpoints",
        partition=0,
        offset=offset,
        timestamp_ms=KAFKA_TIMESTAMP_MS,
        key=example.key,
        value=example.value,
        headers=example.headers,
    )
    return DeadLetter.from_record(*record)
