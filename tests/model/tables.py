"""Rule packs as literal tables, written down from the contract and not from the product's TOML.

`DEFAULT` is the table "Default pack: touchpoint types" and the table of tiers. `TWINS` is a second pack with the same
touchpoint types and quite other tiers; it reaches what the default numbers cannot: two tiers that are always lost in the
same millisecond, a tier that is never lost, a tier with two leave axes, a rule that resets several axes.

`PLAIN` has nothing but touchpoints, tiers and permission, as packs could be written from the beginning. `KNOWING` also says
what it takes to know the contact behind the touchpoints; `WARY_TWINS` says it in other numbers.
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
    message: str | None = None
    """`delivered`, `opened` or `clicked`: what it says of the message that its object is."""
    revokes: bool = False
    hour: bool = True
    """Whether it says when the contact is there."""
    value: str | None = None
    """`order` or `refund`."""
    points: int | None = None
    """What it is rewarded with; None: by its weights."""


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
class Burst:
    """So many clicks, or clicks on so many links, of one message in so short a time."""

    at_least: int
    within_ms: int
    reverses: bool


@dataclass(frozen=True)
class TrustRow:
    """What is evidence of a machine, and what follows from it. None and False: switched off."""

    flag: bool = True
    honeypot: bool = False
    crawler: bool = False
    head_request: bool = False
    too_soon_ms: int | None = None
    click_burst: Burst | None = None
    many_links: Burst | None = None
    flood: tuple[int, int] | None = None
    """So many touchpoints in so many ms."""
    suspect: float = 0.5
    kinds_for_bot: int = 2
    reversal_ms: int = 10_000
    """0: nothing is reversed."""


@dataclass(frozen=True)
class HoursRow:
    """When a contact is best reached."""

    fallback: int = 10
    at_least: int = 5
    halve_at: int = 60


@dataclass(frozen=True)
class PreferredRow:
    """From how many deliveries on how many channels on one is preferred."""

    deliveries: int = 3
    channels: int = 2


@dataclass(frozen=True)
class ValueRow:
    """What a contact will be worth."""

    margin_percent: int = 30
    yearly_retention_percent: int = 60
    years: int = 3
    most_orders_per_year: int = 52
    orders_per_year_after_first: float = 0.5
    lapsed_after_gaps: int = 3


@dataclass(frozen=True)
class BadgeRow:
    """Earned by so many touchpoints of these types (none: of any), or by such on so many UTC days in a row."""

    types: tuple[str, ...] = ()
    count: int | None = None
    streak_days: int | None = None


@dataclass(frozen=True)
class Table:
    """A whole pack. Tiers stand in ascending rank; `unengaged`, rank 0, is implied.

    A table that is None or empty was not written, and its feature is switched off.
    """

    half_lives: Mapping[str, int]
    tiers: Mapping[str, TierRow]
    types: Mapping[str, TypeRow]
    permission_channels: frozenset[str]
    trust: TrustRow | None = None
    sources: Mapping[str, float] = field(default_factory=dict)
    hours: HoursRow | None = None
    preferred_channel: PreferredRow | None = None
    value: ValueRow | None = None
    points_per_weight: int | None = None
    badges: Mapping[str, BadgeRow] = field(default_factory=dict)


def row(i: float = 0, b: float = 0, a: float = 0, d: int | None = None, o: int | None = None, **effect) -> TypeRow:
    """Letters as in the contract: interest, buying intent, advocacy; caps per day and per object (and day)."""
    weights = {axis: weight for axis, weight in ((INTEREST, i), (INTENT, b), (ADVOCACY, a)) if weight}
    return TypeRow(weights=weights, per_day=d, per_object=o, **effect)


PLAIN_TYPES = {
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

PLAIN = Table(
    half_lives={INTEREST: 30 * DAY, INTENT: 14 * DAY, ADVOCACY: 90 * DAY},
    tiers={
        "engaged": TierRow({INTEREST: 19}, {INTEREST: 13}, DistinctRow("days", INTEREST, 2, 30 * DAY)),
        "engaged-to-buy": TierRow({INTENT: 38}, {INTENT: 27}, DistinctRow("types", INTENT, 2, 14 * DAY)),
        "engaged-to-influence": TierRow({ADVOCACY: 57, INTEREST: 9}, {ADVOCACY: 40}),
    },
    types=PLAIN_TYPES,
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
    types=PLAIN_TYPES
    | {
        "order.completed": row(i=2, d=3, resets=(INTEREST, INTENT)),
        "page.viewed": row(i=1),
        "email.complained": replace(PLAIN_TYPES["email.complained"], per_day=1, weights={ADVOCACY: -8}),
    },
    permission_channels=frozenset({"email", "web"}),
)

MESSAGES = {
    "email.delivered": replace(PLAIN_TYPES["email.delivered"], message="delivered"),
    "email.opened": replace(PLAIN_TYPES["email.opened"], message="opened"),
    "email.clicked": replace(PLAIN_TYPES["email.clicked"], message="clicked"),
    "push.delivered": row(message="delivered"),
    "push.opened": row(i=3, d=3, o=1, message="opened"),
    "sms.delivered": row(message="delivered"),
    "sms.clicked": row(i=3, d=3, o=1, message="clicked"),
}
KNOWING_TYPES = (
    PLAIN_TYPES
    | MESSAGES
    | {
        "touchpoint.revoked": row(revokes=True),
        "referral.converted": replace(PLAIN_TYPES["referral.converted"], hour=False),  # somebody else's hour
        "answer.accepted": replace(PLAIN_TYPES["answer.accepted"], hour=False),
        "order.completed": replace(PLAIN_TYPES["order.completed"], value="order"),
        "order.refunded": replace(PLAIN_TYPES["order.refunded"], value="refund"),
    }
)

KNOWING = replace(
    PLAIN,
    types=KNOWING_TYPES,
    trust=TrustRow(
        flag=True,
        honeypot=True,
        crawler=True,
        head_request=True,
        too_soon_ms=2000,
        click_burst=Burst(3, 1000, reverses=True),
        many_links=Burst(3, 2000, reverses=True),
        flood=(30, 60_000),
        suspect=0.5,
        kinds_for_bot=2,
        reversal_ms=10_000,
    ),
    sources={"cheap-followers.example": 0},
    hours=HoursRow(fallback=10, at_least=5, halve_at=60),
    preferred_channel=PreferredRow(deliveries=3, channels=2),
    value=ValueRow(),
    points_per_weight=1,
    badges={
        "first-review": BadgeRow(("review.posted",), count=1),
        "regular": BadgeRow(streak_days=7),
        "bookworm": BadgeRow(("article.read",), count=25),
        "ambassador": BadgeRow(("referral.converted",), count=3),
        "helper": BadgeRow(("answer.accepted",), count=5),
    },
)

WARY_TWINS = replace(
    TWINS,
    types=KNOWING_TYPES
    | TWINS.types
    | MESSAGES
    | {
        "email.unsubscribed": row(withdraws=("email",), message="clicked"),  # the link is in every mail
        "order.completed": replace(TWINS.types["order.completed"], value="order"),
        "order.refunded": replace(TWINS.types["order.refunded"], value="refund"),
        "webinar.attended": replace(TWINS.types["webinar.attended"], points=1000),
        "email.opened": replace(MESSAGES["email.opened"], points=0),
    },
    trust=TrustRow(
        flag=False,
        honeypot=True,
        crawler=False,
        head_request=True,
        too_soon_ms=3500,
        click_burst=Burst(4, 2000, reverses=False),
        many_links=Burst(2, 500, reverses=True),
        flood=(7, 45_000),
        suspect=0.33,
        kinds_for_bot=3,
        reversal_ms=2_000,
    ),
    sources={"cheap-followers.example": 0.1, "partner.example": 0.33, "web-tracker": 0.75},
    hours=HoursRow(fallback=0, at_least=2, halve_at=8),
    preferred_channel=PreferredRow(deliveries=1, channels=3),
    value=ValueRow(
        margin_percent=17,
        yearly_retention_percent=85,
        years=7,
        most_orders_per_year=12,
        orders_per_year_after_first=1.25,
        lapsed_after_gaps=1,
    ),
    points_per_weight=7,
    badges={
        "second": BadgeRow(count=2),
        "daily-reader": BadgeRow(("page.viewed", "article.read", "email.clicked"), streak_days=2),
        "there": BadgeRow(streak_days=1),
        "shopper": BadgeRow(("order.completed", "cart.added"), count=3),
        "three-in-a-row": BadgeRow(streak_days=3),
    },
)

DEFAULT_TYPES, DEFAULT = PLAIN_TYPES, PLAIN
