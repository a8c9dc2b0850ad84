"""What a visit consists of: each journey is a list of steps a contact may take, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from palier_simulator.sources import (
    APP,
    COMMUNITY,
    MAILER,
    PREFERENCES,
    PRIVACY_DESK,
    SERVICE_DESK,
    SHOP,
    SMS,
    SOCIAL,
    TILL,
    WEB,
    Source,
)

DAYS = 86_400.0  # of seconds, for pauses


class Step(NamedTuple):
    """One kind of touchpoint within a journey.

    Attributes:
        type: the touchpoint's type.
        chance: probability that the contact takes the step.
        about: kind of object it concerns (see `objects`).
        fresh: a new object of that kind; otherwise the one the journey is already about.
        times: at most how often it is repeated (uniform from 1).
        pause: mean seconds since the previous touchpoint of the visit.
        needed: not taken, the journey ends here (a funnel).
        rated: carries the persona's rating.
        paid: carries an amount of money.
        channel: instead of the source's channel.
    """

    type: str
    chance: float = 1.0
    about: str | None = None
    fresh: bool = False
    times: int = 1
    pause: float = 45.0
    needed: bool = False
    rated: bool = False
    paid: bool = False
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """Steps in order, and who reports them. `anywhere`: whoever prefers the app does it there."""

    source: Source
    steps: tuple[Step, ...]
    anywhere: bool = False

    def expected_touchpoints(self) -> float:
        """Mean number of touchpoints of one such journey."""
        total, reached = 0.0, 1.0
        for step in self.steps:
            total += reached * step.chance * (1 + step.times) / 2
            if step.needed:
                reached *= step.chance
        return total


JOURNEYS: dict[str, Journey] = {
    # First contact: how somebody becomes known, and whether we may write.
    "sign-up": Journey(
        WEB,
        (
            Step("page.viewed", about="page", fresh=True),
            Step("newsletter.subscribed", about="form", fresh=True),
        ),
    ),
    "install-app": Journey(
        APP,
        (
            Step("page.viewed", about="page", fresh=True),
            Step("notification.subscribed", 0.7),
            Step("consent.granted", 0.5, channel="email"),
        ),
    ),
    "store-card": Journey(
        TILL,
        (
            Step("store.visited", about="store", fresh=True),
            Step("consent.granted", 0.8, channel="email", pause=300),
            Step("consent.granted", 0.4, channel="sms"),
        ),
    ),
    "look-in": Journey(WEB, (Step("page.viewed", about="page", fresh=True, times=2),), anywhere=True),
    # Reading and playing.
    "read": Journey(
        WEB,
        (
            Step("page.viewed", about="page", fresh=True, times=3),
            Step("article.read", 0.55, about="article", fresh=True, times=2, pause=150),
            Step("content.liked", 0.2, about="article", pause=10),
            Step("content.shared", 0.04, about="article", pause=20),
        ),
        anywhere=True,
    ),
    "watch": Journey(
        WEB,
        (
            Step("page.viewed", about="page", fresh=True),
            Step("video.watched", 0.8, about="video", fresh=True, times=2, pause=240),
            Step("content.liked", 0.25, about="video", pause=10),
        ),
        anywhere=True,
    ),
    "play": Journey(
        APP,
        (
            Step("game.played", about="game", fresh=True, times=2, pause=180),
            Step("poll.answered", 0.4, about="poll", fresh=True),
        ),
    ),
    "webinar": Journey(
        WEB,
        (
            Step("form.submitted", about="webinar", fresh=True, pause=60),
            Step("webinar.attended", 0.6, about="webinar", pause=2.0 * DAYS),
            Step("poll.answered", 0.4, about="poll", fresh=True, pause=1_800),
        ),
    ),
    # Shopping.
    "browse": Journey(
        WEB,
        (
            Step("product.searched", 0.35, pause=10),
            Step("product.viewed", about="product", fresh=True, times=4),
            Step("pricing.viewed", 0.1, about="product"),
            Step("wishlist.added", 0.15, about="product"),
        ),
        anywhere=True,
    ),
    "shop": Journey(
        SHOP,
        (
            Step("product.searched", 0.5, pause=10),
            Step("product.viewed", about="product", fresh=True, times=3),
            Step("cart.added", 0.75, about="product", needed=True),
            Step("cart.removed", 0.12, about="product", pause=90),
            Step("checkout.started", 0.65, about="cart", fresh=True, pause=90, needed=True),
            Step("order.completed", 0.6, about="order", fresh=True, pause=120, needed=True, paid=True),
            Step("rating.given", 0.12, about="product", rated=True, pause=6 * DAYS),
            Step("review.posted", 0.4, about="product", rated=True, pause=300, needed=True),
        ),
        anywhere=True,
    ),
    "quote": Journey(
        WEB,
        (
            Step("pricing.viewed", about="product", fresh=True, times=2),
            Step("product.searched", 0.5),
            Step("quote.requested", 0.5, about="quote", fresh=True, pause=240, needed=True),
            Step("chat.started", 0.2, about="chat", fresh=True, pause=0.5 * DAYS),
            Step("order.completed", 0.35, about="order", fresh=True, paid=True, pause=6 * DAYS),
        ),
    ),
    "store": Journey(
        TILL,
        (
            Step("store.visited", about="store", fresh=True),
            Step("order.completed", 0.35, about="order", fresh=True, pause=1_200, paid=True),
        ),
    ),
    # Speaking for (or against) the brand.
    "praise": Journey(
        COMMUNITY,
        (
            Step("rating.given", 0.7, about="product", fresh=True, rated=True),
            Step("review.posted", 0.5, about="product", rated=True, pause=240),
            Step("content.shared", 0.15, about="product"),
        ),
    ),
    "discuss": Journey(
        COMMUNITY,
        (
            Step("page.viewed", about="thread", fresh=True, pause=20),
            Step("forum.posted", 0.6, about="thread", times=2, pause=300, needed=True),
            Step("answer.accepted", 0.15, about="thread", pause=0.3 * DAYS),
        ),
    ),
    "create": Journey(
        COMMUNITY,
        (
            Step("content.published", 0.6, about="post", fresh=True, pause=900),
            Step("idea.contributed", 0.35, about="idea", fresh=True, pause=300),
            Step("content.liked", 0.4, about="post", times=3, pause=0.1 * DAYS),
        ),
    ),
    "share": Journey(SOCIAL, (Step("content.shared", about="article", fresh=True, times=2, pause=60),)),
    "refer": Journey(
        WEB,
        (
            Step("referral.sent", about="referral", fresh=True, times=2, pause=60),
            Step("referral.converted", 0.25, about="referral", pause=5 * DAYS),
        ),
    ),
    "complain": Journey(
        SERVICE_DESK,
        (
            Step("chat.started", 0.5, about="chat", fresh=True),
            Step("form.submitted", 0.3, about="form", fresh=True, channel="web", pause=600),
            Step("order.refunded", 0.3, about="order", fresh=True, paid=True, channel="web", pause=2 * DAYS),
        ),
    ),
    # Permission.
    "allow-sms": Journey(SMS, (Step("consent.granted"),)),
    "allow-push": Journey(APP, (Step("notification.subscribed"),)),
    "cookie-banner": Journey(PREFERENCES, (Step("consent.granted", channel="web"),)),
    "mute-push": Journey(APP, (Step("consent.withdrawn", channel="push"),)),
    "go-quiet": Journey(
        PREFERENCES,
        tuple(Step("consent.withdrawn", channel=channel, pause=4) for channel in ("email", "sms", "push")),
    ),
    "ask-erasure": Journey(PRIVACY_DESK, (Step("contact.erased"),)),
    # No human.
    "crawl": Journey(
        WEB,
        (
            Step("page.viewed", about="page", fresh=True, times=12, pause=2),
            Step("product.viewed", 0.5, about="product", fresh=True, times=8, pause=2),
        ),
    ),
    "fill-forms": Journey(
        WEB,
        (
            Step("form.submitted", about="form", fresh=True, times=3, pause=3),
            Step("newsletter.subscribed", 0.3, about="form", fresh=True, pause=1),
        ),
    ),
    # Mail; played by campaigns.
    "answer-mail": Journey(MAILER, (Step("email.replied", about="mail", pause=600),)),
}
