"""Well-known words as small numbers, so that a contact's state need not spell them.

A number is written into states that outlive the process: this list only ever grows at its end, and no word in it is
ever changed. A test holds a frozen copy of it. Words not listed are spelled out; both forms mean the same.
"""

from __future__ import annotations

from typing import Final, TypeAlias

WordRef: TypeAlias = int | str
"""A well-known word's number, or the word itself."""

WELL_KNOWN: Final[tuple[str, ...]] = (
    # Layouts (compiled.py): of a new contact, and of the default pack.
    "",
    (
        "interest:2592000000,intent:1209600000,advocacy:7776000000"
        "/engaged,engaged-to-buy,engaged-to-influence"
        "/interest:days:2,intent:types:2"
    ),
    # Headlines.
    "unengaged",
    "engaged",
    "engaged-to-buy",
    "engaged-to-influence",
    # Channels.
    "email",
    "web",
    "mobile",
    "push",
    "sms",
    "social",
    "community",
    "store",
    "call",
    "chat",
    # Types of the default pack.
    "email.delivered",
    "email.bounced",
    "email.opened",
    "email.clicked",
    "email.replied",
    "email.unsubscribed",
    "email.complained",
    "content.liked",
    "content.published",
    "content.shared",
    "form.submitted",
    "chat.started",
    "page.viewed",
    "article.read",
    "video.watched",
    "poll.answered",
    "game.played",
    "newsletter.subscribed",
    "notification.subscribed",
    "webinar.attended",
    "store.visited",
    "product.viewed",
    "product.searched",
    "pricing.viewed",
    "wishlist.added",
    "cart.added",
    "cart.removed",
    "checkout.started",
    "quote.requested",
    "order.completed",
    "order.refunded",
    "rating.given",
    "review.posted",
    "referral.sent",
    "referral.converted",
    "forum.posted",
    "answer.accepted",
    "idea.contributed",
    "consent.granted",
    "consent.withdrawn",
    "contact.erased",
    # Types that came with version 2 of the default pack.
    "push.delivered",
    "push.opened",
    "sms.delivered",
    "sms.clicked",
    "touchpoint.revoked",
)

NUMBERS: Final[dict[str, int]] = {word: number for number, word in enumerate(WELL_KNOWN)}


def shorten(word: str) -> WordRef:
    """The word's number if it is well known, else the word."""
    return NUMBERS.get(word, word)


def spell(ref: WordRef) -> str:
    """The word behind a number; a word stands for itself.

    Raises:
        IndexError: a number that only a newer version of this list knows.
    """
    return WELL_KNOWN[ref] if isinstance(ref, int) else ref
