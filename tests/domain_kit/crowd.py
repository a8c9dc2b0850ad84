"""Contacts as they are found at rest, the same on every machine: the usual subscriber, and the busiest of all."""

from __future__ import annotations

from random import Random
from uuid import UUID

from domain_kit.contact import DEFAULT, START
from palier.domain.fold import fold
from palier.domain.limits import DAY_MS
from palier.domain.state import ContactState
from palier.domain.touchpoint import Touchpoint

MAIL, WEB, APP, TILL = ("mailer", "email"), ("web-tracker", "web"), ("mobile-app", "mobile"), ("store-till", "store")
TYPICAL = (
    ("email.delivered", 20, MAIL, None),
    ("email.opened", 18, MAIL, None),
    ("email.clicked", 7, MAIL, None),
    ("page.viewed", 18, WEB, "page"),
    ("article.read", 6, WEB, "article"),
    ("video.watched", 3, APP, "video"),
    ("poll.answered", 1, APP, "poll"),
    ("product.viewed", 11, WEB, "product"),
    ("product.searched", 3, WEB, None),
    ("pricing.viewed", 1, WEB, None),
    ("wishlist.added", 1, APP, "product"),
    ("cart.added", 2, WEB, "product"),
    ("checkout.started", 1, WEB, None),
    ("order.completed", 1, WEB, "order"),
    ("store.visited", 1, TILL, None),
    ("rating.given", 1, WEB, "product"),
    ("review.posted", 0.5, WEB, "product"),
    ("content.shared", 0.5, APP, "article"),
    ("consent.granted", 0.5, MAIL, None),
)
"""What a subscriber does: type, share, source and channel, and what it is done to."""
SCORING = (
    "email.opened", "email.clicked", "email.replied", "page.viewed", "article.read",
    "video.watched", "poll.answered", "game.played", "form.submitted", "chat.started",
    "newsletter.subscribed", "notification.subscribed", "webinar.attended", "store.visited", "product.viewed",
    "product.searched", "pricing.viewed", "wishlist.added", "cart.added", "cart.removed",
    "checkout.started", "quote.requested", "order.completed", "order.refunded", "rating.given",
    "review.posted", "referral.sent", "referral.converted", "content.published", "forum.posted",
    "answer.accepted", "content.shared", "idea.contributed",
)  # fmt: skip
"""What scored when older states were kept: they are made anew of the same."""


def uuid(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def typical(seed: int) -> ContactState:
    """50 touchpoints over 90 days, in order; ids are UUIDs; a campaign a month."""
    chance, state = Random(seed), ContactState.new()
    kinds = chance.choices(TYPICAL, [kind[1] for kind in TYPICAL], k=49)
    times = sorted(chance.randrange(90 * DAY_MS) for _ in range(50))
    for at, (type_, _, (source, channel), about) in zip(
        times, [("newsletter.subscribed", 0, MAIL, None), *kinds], strict=True
    ):
        object_id = about and f"{about}-{chance.randrange(5_000)}"
        campaign_id = f"month-{at // (30 * DAY_MS)}" if channel == "email" else None
        touchpoint = Touchpoint(
            uuid(chance),
            source,
            type_,
            channel,
            "ada",
            START + at,
            object_id,
            campaign_id,
            chance.choice((20, 80, 100)),
        )
        fold(state, touchpoint, DEFAULT)
    return state


def busiest(seed: int) -> ContactState:
    """30 touchpoints a day for a month, of nearly every type that scores, each about something else."""
    chance, state = Random(seed), ContactState.new()
    for number in range(900):
        source, channel = chance.choice((MAIL, WEB, APP, TILL))
        at = START + number * 30 * DAY_MS // 900
        names = f"product-{chance.randrange(100_000)}", f"campaign-{chance.randrange(12)}"
        fold(state, Touchpoint(uuid(chance), source, chance.choice(SCORING), channel, "ada", at, *names), DEFAULT)
    return state
