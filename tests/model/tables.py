"""Rule packs as literal tables, written down from the contract and not from the product's TOML.

`DEFAULT` is the table "Default pack: touchpoint types" and the table of tiers. `TWINS` is a second pack with the same
touchpoint types and quite other tiers; it reaches what the default numbers cannot: two tiers that are always lost in the
same millisecond, a tier that is never lost, a tier with two leave axes, a rule that resets several axes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

INTEREST, INTENT, ADVOCACY = "interest", "intent", "advocacy"


@dataclass(frozen=True)
class TypeRow:
    """One row of the table of touchpoint types."""

    weights: Mapping[str, float] = field(default_factory=dict)
    critical: Mapping[str, float] | None = None
    """Replaces `weights` when the touchpoint's rating is below `critical_below`."""
    critical_below: int = 60
    per_day: int | None = None
    per_object: int | None = None
    grants: tuple[str, ...] = ()
    withdraws: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    zero: bool = False
    erases: bool = False


@dataclass(frozen=True)
class DistinctRow:
    """At least so many different types (or UTC days) on one axis within a window."""

    of: str
    axis: str
    at_least: int
    window_ms: int


@dataclass(frozen=True)
class TierRow:
    """One row of the table of tiers; an axis absent from `leave` is not tested for staying."""

    enter: Mapping[str, float]
    leave: Mapping[str, float]
    distinct: DistinctRow | None = None


@dataclass(frozen=True)
class Table:
    """A whole pack. Tiers stand in ascending rank; `unengaged`, rank 0, is implied."""

    half_lives: Mapping[str, int]
    tiers: Mapping[str, TierRow]
    types: Mapping[str, TypeRow]
    permission_channels: frozenset[str]


def row(i: float = 0, b: float = 0, a: float = 0, d: int | None = None, o: int | None = None, **effect) -> TypeRow:
    """Letters as in the contract: interest, buying intent, advocacy; caps per day and per object (and day)."""
    weights = {axis: weight for axis, weight in ((INTEREST, i), (INTENT, b), (ADVOCACY, a)) if weight}
    return TypeRow(weights=weights, per_day=d, per_object=o, **effect)


DEFAULT_TYPES = {
    "email.delivered": row(),
    "email.bounced": row(),
    "content.liked": row(),
    "email.opened": row(i=0.2, d=2, o=1),
    "email.clicked": row(i=3, d=3, o=1),
    "email.replied": row(i=8, d=2),
    "form.submitted": row(i=8, d=2),
    "chat.started": row(i=8, d=2),
    "email.unsubscribed": row(withdraws=("email",)),
    "email.complained": row(withdraws=("*",), zero=True),
    "page.viewed": row(i=1, d=10, o=1),
    "article.read": row(i=5, d=4, o=1),
    "video.watched": row(i=4, d=4, o=1),
    "poll.answered": row(i=4, d=2),
    "game.played": row(i=3, d=2),
    "newsletter.subscribed": row(i=10, d=1, grants=("email",)),
    "notification.subscribed": row(i=10, d=1, grants=("push",)),
    "webinar.attended": row(i=15, d=1),
    "store.visited": row(i=8, b=4, d=1),
    "product.viewed": row(i=1, b=1, d=8, o=1),
    "product.searched": row(i=1, b=3, d=3),
    "pricing.viewed": row(i=1, b=5, d=2),
    "wishlist.added": row(b=6, d=3, o=1),
    "cart.added": row(i=1, b=12, d=3, o=1),
    "cart.removed": row(b=-6, d=3),
    "checkout.started": row(i=1, b=30, d=1),
    "quote.requested": row(i=5, b=40, d=1),
    "order.completed": row(i=20, d=3, resets=(INTENT,)),
    "order.refunded": row(i=-10, d=3),
    "rating.given": row(i=2, a=8, d=2, o=1, critical={INTEREST: 2}),
    "review.posted": row(i=5, a=25, d=2, o=1, critical={INTEREST: 5}),
    "referral.sent": row(i=3, a=10, d=2),
    "referral.converted": row(i=5, a=50, d=3),
    "content.published": row(i=5, a=20, d=2, o=1),
    "forum.posted": row(i=4, a=8, d=3, o=1),
    "answer.accepted": row(i=4, a=15, d=2, o=1),
    "content.shared": row(i=2, a=5, d=3, o=1),
    "idea.contributed": row(i=5, a=15, d=2),
    "consent.granted": row(grants=("@",)),
    "consent.withdrawn": row(withdraws=("@",)),
    "contact.erased": row(erases=True),
}

DEFAULT = Table(
    half_lives={INTEREST: 30 * DAY, INTENT: 14 * DAY, ADVOCACY: 90 * DAY},
    tiers={
        "engaged": TierRow({INTEREST: 19}, {INTEREST: 13}, DistinctRow("days", INTEREST, 2, 30 * DAY)),
        "engaged-to-buy": TierRow({INTENT: 38}, {INTENT: 27}, DistinctRow("types", INTENT, 2, 14 * DAY)),
        "engaged-to-influence": TierRow({ADVOCACY: 57, INTEREST: 9}, {ADVOCACY: 40}),
    },
    types=DEFAULT_TYPES,
    permission_channels=frozenset({"email", "push", "sms", "call", "chat", "social", "mobile"}),
)

TWINS = Table(
    half_lives={INTEREST: 7 * DAY, INTENT: 2 * DAY, ADVOCACY: 90 * DAY},
    tiers={
        "warm": TierRow({INTEREST: 10}, {INTEREST: 5}),
        "warm-twin": TierRow({INTEREST: 12}, {INTEREST: 5}),
        "both": TierRow(
            {INTEREST: 15, INTENT: 10}, {INTEREST: 4, INTENT: 4}, DistinctRow("types", INTEREST, 3, 5 * DAY)
        ),
        "for-good": TierRow({ADVOCACY: 60, INTEREST: 9}, {}, DistinctRow("days", ADVOCACY, 2, 10 * DAY)),
    },
    types=DEFAULT_TYPES
    | {
        "order.completed": row(i=2, d=3, resets=(INTEREST, INTENT)),
        "page.viewed": row(i=1),
        "email.complained": replace(DEFAULT_TYPES["email.complained"], per_day=1, weights={ADVOCACY: -8}),
    },
    permission_channels=frozenset({"email", "web"}),
)
