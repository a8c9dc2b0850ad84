"""Seeded logs of touchpoints that go where a fold breaks: ties, edges, repeats, lateness, erasure, waking, caps, resets.

A log is a list of touchpoints in order of arrival, each a dict ready for JSON. Contacts live in slots: each has a clock of its own, and
one whose clock has run for three years makes room for a new contact, so all times lie between 2018 and 2022 however long
the log. A contact acts in *moves*; each move aims at one rule of the contract and is named after it.
"""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import TYPE_CHECKING

from model.naive import CRAWLERS, milliseconds
from model.tables import DAY, HOUR, KNOWING_TYPES, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

SECOND = 1000
START = milliseconds("2018-01-01T00:00:00Z")
CAREER = 3 * 365 * DAY

KNOWN_TYPES = tuple(KNOWING_TYPES)
UNKNOWN_TYPES = ("podcast.heard", "Email.clicked", "page.viewed ", "unbekannt.gelesen-ß")
CHANNELS = ("email", "web", "mobile", "push", "sms", "social", "community", "store", "call", "chat", "fax")
OBJECTS = tuple(f"object-{number}" for number in range(12))
SOURCES = ("web-tracker", "mailer", "shop", "community", "store-till")
DOUBTED_SOURCES = ("cheap-followers.example", "partner.example")
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
)
MESSAGES = tuple(f"message-{number}" for number in range(11))
LINKS = tuple(f"https://example.com/{page}" for page in ("offer", "price", "about", "unsubscribe", "imprint"))
ZONES = (
    "Europe/Paris", "Europe/Paris", "America/New_York", "Asia/Kolkata", "America/St_Johns", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Pacific/Apia", "UTC", "Nowhere/Land", "Europe/Vienna", "Atlantis", None,
)  # fmt: skip
"""DST, half hours, quarters of an hour, the other side of the date line, and names that nobody knows."""
CLOCKS_CHANGE = tuple(map(milliseconds, (
    "2018-10-28T01:00:00Z", "2019-03-31T01:00:00Z", "2019-10-27T01:00:00Z", "2020-03-29T01:00:00Z",
    "2020-10-25T01:00:00Z", "2021-03-28T01:00:00Z",
)))  # fmt: skip
"""In Europe."""
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK")
AMOUNTS = (
    "129.90", "129.90", "19.99", "5", "0.1", "0.2", "0.3", "1000", "0", "-0", "-0.00", "-12.50", "007.10", "0.000000001",
    "33.333333333", "-0.000000001", "999999999999999999.999999999", "123456789012345678.5",
)  # fmt: skip
MAILS = {"email": ("opened", "clicked"), "push": ("opened",), "sms": ("clicked",)}
"""Channels of messages, and what can be done with them."""

READING = ("article.read", "email.clicked", "page.viewed", "video.watched", "email.opened", "webinar.attended", "poll.answered", "game.played")  # fmt: skip
SHOPPING = ("product.viewed", "product.searched", "pricing.viewed", "wishlist.added", "cart.added", "checkout.started", "quote.requested", "store.visited", "cart.removed")  # fmt: skip
RECOMMENDING = ("review.posted", "rating.given", "referral.sent", "referral.converted", "content.published", "forum.posted", "answer.accepted", "content.shared", "idea.contributed")  # fmt: skip
PERSONAS = {
    "reader": READING * 4 + SHOPPING + KNOWN_TYPES,
    "shopper": SHOPPING * 4 + READING + KNOWN_TYPES,
    "fan": RECOMMENDING * 4 + READING * 2 + KNOWN_TYPES,
    "anyone": KNOWN_TYPES + UNKNOWN_TYPES,
}


class _Contact:
    """One contact's clock, and what it has sent, to aim the next touchpoint at."""

    def __init__(self, contact_id: str, persona: str, now: int):
        self.contact_id = contact_id
        self.types = PERSONAS[persona]
        self.retires_at = now + CAREER
        self.now = now
        self.newest = now
        self.sent: list[dict] = []
        self.erased_at: int | None = None
        self.reset_at: int | None = None
        self.messages: list[str] = list(MESSAGES[:3])
        """The latest ones: some are sent again and again, some only once."""


class Histories:
    """Makes one log; the same seed makes the same log."""

    def __init__(self, seed: int, contacts: int):
        self.random = random.Random(seed)
        self.made_contacts = 0
        self.made_touchpoints = 0
        self.slots = [self._new_contact() for _ in range(contacts)]

    def touchpoints(self, count: int) -> list[dict]:
        """The first `count` touchpoints of this log."""
        log: list[dict] = []
        moves, frequencies = tuple(self.MOVES), tuple(self.MOVES.values())
        while len(log) < count:
            slot = self.random.randrange(len(self.slots))
            contact = self.slots[slot]
            if contact.now > contact.retires_at:
                contact = self.slots[slot] = self._new_contact()
            if not contact.sent:
                log += self._opt_in(contact)
            move = self.random.choices(moves, frequencies)[0]
            log += move(self, contact)
        return log[:count]

    # --- building blocks ----------------------------------------------------------------------------------------------

    def _new_contact(self) -> _Contact:
        self.made_contacts += 1
        persona = self.random.choice(tuple(PERSONAS))
        name = f"contact-{self.made_contacts}" if self.random.random() < 0.9 else f"Zoë {self.made_contacts} 🙂"
        return _Contact(name, persona, START + self.random.randrange(300 * DAY))

    def _advance(self, contact: _Contact, scale: int | None = None) -> int:
        """Move the contact's clock on by a random step: from none at all to days."""
        scale = scale or self.random.choice((0, 1, SECOND, MINUTE, HOUR, HOUR, 6 * HOUR, DAY, DAY, 2 * DAY, 4 * DAY))
        contact.now += self.random.randint(0, scale)
        return contact.now

    def _touch(self, contact: _Contact, type_: str, t: int, **members) -> dict:
        """One touchpoint of the contact; random where the caller does not say."""
        self.made_touchpoints += 1
        chance = self.random.random
        touchpoint = {
            "id": f"{self.random.getrandbits(64):016x}-{self.made_touchpoints}",
            "source": self.random.choice(SOURCES),
            "type": type_,
            "channel": self.random.choice(CHANNELS),
            "contact_id": contact.contact_id,
            "occurred_at": self._text(t),
        }
        if chance() < 0.6:
            touchpoint["object_id"] = self.random.choice((*OBJECTS, None))
        if chance() < 0.2:
            touchpoint["campaign_id"] = self.random.choice(("spring", "autumn", None))
        if type_ in ("rating.given", "review.posted") and chance() < 0.9:
            touchpoint["rating"] = self.random.choice((0, 20, 59, 60, 61, 80, 100, None))
        if type_.split(".")[0] in MAILS and chance() < 0.7:
            touchpoint["object_id"] = self.random.choice(contact.messages)
        if chance() < 0.02:
            touchpoint |= {"properties": {"depth": [1, {"x": None}]}, "later": [0.5]}
        if chance() < 0.06:
            touchpoint["timezone"] = self.random.choice(ZONES)
        if "bot" not in members:  # else it must count as it is
            touchpoint |= self._doubts()
        if type_ == "touchpoint.revoked" and contact.sent and chance() < 0.5:
            touchpoint["properties"] = self._names(self.random.choice(contact.sent[-30:]))
        if type_ in ("order.completed", "order.refunded", "cart.added") and chance() < 0.8:
            currency = self.random.choice(CURRENCIES[:1] if chance() < 0.6 else CURRENCIES)
            touchpoint["value"] = {"amount": self.random.choice(AMOUNTS), "currency": currency}
            if chance() < 0.05:
                touchpoint["value"] = None
        touchpoint |= members
        contact.newest = max(contact.newest, t)
        contact.sent.append(touchpoint)
        return touchpoint

    def _doubts(self) -> dict:
        """Mostly nothing; some flags, user agents and properties, of types that do not count too."""
        chance, members = self.random.random, {}
        if chance() < 0.04:
            members["bot"] = self.random.choice((True, True, False, None))
        if chance() < 0.05:
            members["source"] = self.random.choice(DOUBTED_SOURCES)
        if chance() < 0.06:
            members["user_agent"] = self.random.choice((CRAWLERS[0], CRAWLERS[1], CRAWLERS[2], *BROWSERS, "", None))
        if chance() < 0.05:
            members["properties"] = self.random.choice((
                {"honeypot": True}, {"honeypot": True}, {"honeypot": 1}, {"honeypot": "true"}, {"honeypot": False},
                {"method": "HEAD"}, {"method": "HEAD"}, {"method": "HEAD"}, {"method": "head"}, {"method": ["HEAD"]},
                {"link": LINKS[0]}, {"link": 7}, {"link": ""}, {}, None,
            ))  # fmt: skip
        return members

    def _names(self, touchpoint: dict) -> dict:
        """The properties of a revocation of this touchpoint, mostly."""
        kind = self.random.random()
        source, id_ = touchpoint["source"], touchpoint["id"]
        if kind < 0.85:
            return {"source": source, "id": id_}
        return self.random.choice((
            {"id": id_}, {"source": None, "id": id_}, {"source": 1, "id": id_}, {"source": "", "id": id_},
            {"source": "another-source", "id": id_}, {"source": source, "id": "unheard-of"},
            {"source": source}, {"source": source, "id": 7}, {"source": source, "id": ""},
        ))  # fmt: skip

    def _text(self, t: int) -> str:
        """The moment in one of the spellings that RFC 3339 allows."""
        moment = datetime.fromtimestamp(t // 1000, UTC)
        style = self.random.random()
        if style < 0.8:
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{t % 1000:03}Z"
        if style < 0.9:  # finer than a millisecond: cut off
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{t % 1000:03}{self.random.choice(('9', '999', '999999'))}Z"
        minutes = self.random.choice((-11 * 60, -210, 0, 60, 120, 345, 13 * 60))
        local = moment.astimezone(timezone(timedelta(minutes=minutes)))
        sign, (hours, minutes) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{t % 1000:03}{sign}{hours:02}:{minutes:02}"

    def _near(self, t: int) -> int:
        """The moment itself or one a millisecond beside it."""
        return t + self.random.choice((-1, 0, 0, 1))

    # --- moves --------------------------------------------------------------------------------------------------------

    def _opt_in(self, contact: _Contact) -> Iterable[dict]:
        """Most contacts begin with leave to market; some only with a cookie, or with anything at all."""
        t = self._advance(contact, DAY)
        kind = self.random.random()
        if kind < 0.5:
            yield self._touch(contact, "newsletter.subscribed", t)
        elif kind < 0.85:
            yield self._touch(contact, "consent.granted", t)
        elif kind < 0.95:
            yield self._touch(contact, "consent.granted", t, channel="web")
        else:
            yield self._touch(contact, self.random.choice(KNOWN_TYPES + UNKNOWN_TYPES), t)

    def _ordinary(self, contact: _Contact) -> Iterable[dict]:
        """One touchpoint, as the persona does."""
        yield self._touch(contact, self.random.choice(contact.types), self._advance(contact))

    def _visit(self, contact: _Contact) -> Iterable[dict]:
        """Several touchpoints within minutes, some in the same millisecond."""
        self._advance(contact)
        for _ in range(self.random.randint(2, 7)):
            step = self.random.choice((0, 0, 1, SECOND, MINUTE, HOUR))
            yield self._touch(contact, self.random.choice(contact.types), self._advance(contact, step or 1))

    def _buying(self, contact: _Contact) -> Iterable[dict]:
        """A purchase draws near: enough intent for a tier within a day or two."""
        for type_ in self.random.sample(SHOPPING[:-1], self.random.randint(3, 6)):
            yield self._touch(contact, type_, self._advance(contact, self.random.choice((MINUTE, HOUR, 12 * HOUR))))

    def _recommending(self, contact: _Contact) -> Iterable[dict]:
        """A day or two of advocacy; a critic's ratings stay below the limit."""
        critic = self.random.random() < 0.25
        for type_ in self.random.choices(RECOMMENDING, k=self.random.randint(3, 6)):
            rated = {"rating": self.random.choice((0, 20, 59))} if critic else {}
            yield self._touch(
                contact, type_, self._advance(contact, self.random.choice((MINUTE, HOUR, 12 * HOUR))), **rated
            )

    def _capped_burst(self, contact: _Contact) -> Iterable[dict]:
        """More of one type than a day or an object bears, around midnight as well; bots among them use no caps."""
        type_, object_id = self.random.choice(contact.types), self.random.choice((*OBJECTS, None))
        t = self._advance(contact)
        if self.random.random() < 0.5:
            t = (t // DAY + 1) * DAY - 2
        for _ in range(self.random.randint(3, 13)):
            t += self.random.choice((0, 1, 1, SECOND, MINUTE))
            other = self.random.random() < 0.3
            yield self._touch(
                contact, type_, t, object_id=self.random.choice(OBJECTS) if other else object_id,
                bot=self.random.random() < 0.1,
            )  # fmt: skip
        contact.now = max(contact.now, t)

    def _boundary(self, contact: _Contact) -> Iterable[dict]:
        """On the edge of a UTC day or an hour, on either side."""
        self._advance(contact)
        unit = self.random.choice((DAY, DAY, HOUR))
        edge = (contact.now // unit + 1) * unit
        for _ in range(self.random.randint(1, 3)):
            yield self._touch(contact, self.random.choice(contact.types), self._near(edge))
        contact.now = edge + 1

    def _late(self, contact: _Contact) -> Iterable[dict]:
        """Out of order: by minutes, by hours, by days, by exactly 7 d, by up to 40 d; every type, resets and consent too."""
        for _ in range(self.random.randint(1, 4)):
            lateness = self.random.choice((
                self.random.randint(0, 10 * MINUTE), self.random.randint(0, 12 * HOUR), self.random.randint(0, 7 * DAY),
                self._near(7 * DAY), self.random.randint(7 * DAY, 40 * DAY),
            ))  # fmt: skip
            type_ = self.random.choice(contact.types if self.random.random() < 0.8 else KNOWN_TYPES)
            yield self._touch(contact, type_, contact.newest - lateness)

    def _repeat(self, contact: _Contact) -> Iterable[dict]:
        """At least once: the very same touchpoint again, soon or long after; or the same id, but not the same touchpoint."""
        recent = self.random.random() < 0.7
        original = self.random.choice(contact.sent[-20:] if recent else contact.sent)
        kind = self.random.random()
        if kind < 0.6:
            yield dict(original)
        elif kind < 0.8:  # lawful: ids are unique per source only
            t = milliseconds(original["occurred_at"])
            yield self._touch(contact, original["type"], t, id=original["id"], source="another-source")
        else:  # unlawful: the id decides, not the content
            type_, t = self.random.choice(contact.types), self._advance(contact)
            yield self._touch(contact, type_, t, id=original["id"], source=original["source"])

    def _flood(self, contact: _Contact) -> Iterable[dict]:
        """More ids than are remembered, within less than 7 d; then some again, around the last that is remembered."""
        self._advance(contact)
        for _ in range(self.random.randint(130, 140)):
            yield self._touch(contact, self.random.choice(READING + SHOPPING), self._advance(contact, 15 * MINUTE))
        yield from [dict(contact.sent[-back]) for back in (1, 127, 128, 129, 130)]

    def _order(self, contact: _Contact) -> Iterable[dict]:
        """An order, on time or late, with contributions on both sides of its 5 minutes of slack, before and after it."""
        ordered_at = self._advance(contact)
        late = self.random.random()
        if late < 0.3:
            ordered_at -= self.random.randint(0, 3 * DAY)
        elif late < 0.4:
            ordered_at -= self.random.randint(7 * DAY, 25 * DAY)
        touchpoints = [self._touch(contact, "order.completed", ordered_at)]
        for _ in range(self.random.randint(0, 5)):
            delta = self.random.choice((-HOUR, -MINUTE, -1, 0, 1, MINUTE, self._near(5 * MINUTE), 6 * MINUTE, HOUR))
            type_ = self.random.choice(SHOPPING)
            touchpoints.append(self._touch(contact, type_, ordered_at + delta))
        if self.random.random() < 0.2:  # a second order within the slack of the first, or before it
            delta = self.random.choice((-HOUR, -1, 0, 1, MINUTE))
            touchpoints.append(self._touch(contact, "order.completed", ordered_at + delta))
        self.random.shuffle(touchpoints)
        contact.now = max(contact.now, contact.newest)
        contact.reset_at = ordered_at + 5 * MINUTE
        return touchpoints

    def _order_long_known(self, contact: _Contact) -> Iterable[dict]:
        """More than 16 signals of intent, then an order that lies before most of them: what left the ring is forgotten.

        An earlier order may have made some of the 16 void; they have their places in the ring all the same.
        """
        first_order = self._advance(contact)
        yield self._touch(contact, "order.completed", first_order, bot=False)
        began_at = contact.now = first_order + HOUR
        void_ones = self.random.choice((0, 0, 3, 6))
        for position in range(self.random.randint(14, 24)):
            yield self._touch(contact, self.random.choice(SHOPPING), self._advance(contact, 8 * HOUR), bot=False)
            if 10 <= position < 10 + void_ones:
                t = first_order - self.random.randint(0, DAY)
                yield self._touch(contact, self.random.choice(SHOPPING), t, bot=False)
        ordered_at = self.random.randint(began_at, (began_at + contact.now) // 2)
        yield self._touch(contact, "order.completed", ordered_at, bot=False)
        yield from self._buying(contact)

    def _order_after_removal(self, contact: _Contact) -> Iterable[dict]:
        """What the order voids was a loss: without it the axis would be higher than it is, and stays as it is."""
        t = self._advance(contact)
        yield self._touch(contact, "email.complained", t - 2 * HOUR, bot=False)
        for type_ in ("quote.requested", "cart.added"):
            yield self._touch(contact, type_, t, bot=False)
        for _ in range(self.random.randint(1, 3)):
            yield self._touch(contact, "cart.removed", t - HOUR, bot=False)
        yield self._touch(contact, "order.completed", t - 30 * MINUTE, bot=False)
        yield self._touch(contact, "consent.granted", t, channel="email", bot=False)

    def _orders_beyond_the_cap(self, contact: _Contact) -> Iterable[dict]:
        """More orders in a day than score; one that does not fulfils the intent all the same."""
        contact.now = (contact.now // DAY + 1) * DAY + HOUR
        yield self._touch(contact, "consent.granted", contact.now, channel="email", bot=False)
        for type_ in (*("order.completed",) * 3, "quote.requested", "product.searched", "order.completed"):
            contact.now += HOUR
            yield self._touch(contact, type_, contact.now, bot=False)

    def _refund(self, contact: _Contact) -> Iterable[dict]:
        """Negative weights, down to the floor at 0; or a mistake that keeps the contact from a tier until it is revoked."""
        if self.random.random() < 0.3:
            yield from self._nearly_engaged(contact, nearly=True)
            refund = self._touch(contact, "order.refunded", contact.now, bot=False)
            yield refund
            yield self._touch(contact, "form.submitted", self._advance(contact, HOUR), bot=False)
            properties = {"source": refund["source"], "id": refund["id"]}
            yield self._touch(contact, "touchpoint.revoked", contact.now, bot=False, properties=properties)
        type_ = self.random.choice(("order.refunded", "cart.removed"))
        for _ in range(self.random.randint(1, 4)):
            yield self._touch(contact, type_, self._advance(contact, self.random.choice((1, MINUTE, DAY))))

    def _consent(self, contact: _Contact) -> Iterable[dict]:
        """Grants and withdrawals of some channels, `*` among them, out of order and in the same millisecond."""
        self._advance(contact)
        channels = self.random.choices(CHANNELS, k=2)
        types = (
            "consent.granted", "consent.granted", "consent.withdrawn", "email.unsubscribed", "email.complained",
            "newsletter.subscribed", "notification.subscribed",
        )  # fmt: skip
        for type_ in self.random.choices(types, (6, 6, 4, 2, 1, 2, 2), k=self.random.randint(1, 5)):
            lateness = self.random.choice(
                (0, 0, 0, 1, HOUR, DAY, self._near(7 * DAY), self.random.randint(0, 40 * DAY))
            )
            yield self._touch(contact, type_, contact.now - lateness, channel=self.random.choice(channels))
        if self.random.random() < 0.6:
            yield self._touch(contact, "consent.granted", self._advance(contact, HOUR), channel="email", bot=False)

    def _gate(self, contact: _Contact) -> Iterable[dict]:
        """Leave to market is taken away and given back, with a score that goes on behind the gate."""
        t = self._advance(contact)
        withdrawal = self.random.choice(("email.unsubscribed", "consent.withdrawn", "email.complained"))
        yield self._touch(contact, withdrawal, t)
        if withdrawal != "email.complained":
            for channel in ("email", "push", "sms", "call", "chat", "social", "mobile"):
                yield self._touch(contact, "consent.withdrawn", t, channel=channel)
        yield from self._silence(contact) if self.random.random() < 0.3 else self._buying(contact)
        yield self._touch(contact, "consent.granted", self._advance(contact, DAY), channel="sms", bot=False)

    def _erasure(self, contact: _Contact) -> Iterable[dict]:
        """Erased, on time or late; then what comes for the stub; then, mostly, a human grant near the edge that wakes it."""
        self._advance(contact)
        lateness = self.random.choice((0, 0, 0, MINUTE, DAY, 9 * DAY))
        yield self._touch(contact, "contact.erased", contact.now - lateness)
        edge = contact.newest
        types = (
            "consent.granted",
            "consent.withdrawn",
            "email.complained",
            "contact.erased",
            "article.read",
            "podcast.heard",
        )
        for type_ in self.random.choices(types, (1, 2, 1, 2, 4, 1), k=self.random.randint(0, 4)):
            t = self._near(edge) + self.random.choice((-DAY, 0, 0, 0, MINUTE, HOUR))
            yield self._touch(contact, type_, t, bot=type_ != "article.read" and self.random.random() < 0.6)
        yield dict(self.random.choice(contact.sent[-10:]))
        contact.erased_at = edge = contact.newest
        if self.random.random() < 0.9:
            type_ = self.random.choice(("consent.granted", "newsletter.subscribed", "notification.subscribed"))
            for delta in self.random.choice(((1,), (-1, 0, 1), (HOUR,), (-HOUR, 2 * HOUR))):
                yield self._touch(contact, type_, edge + delta, bot=self.random.random() < 0.2)
        contact.now = max(contact.now, contact.newest)

    def _before_erasure(self, contact: _Contact) -> Iterable[dict]:
        """Something from before the erasure arrives at the woken contact."""
        if contact.erased_at is None:
            return
        yield self._touch(
            contact, self.random.choice(KNOWN_TYPES), contact.erased_at - self.random.choice((0, 1, HOUR))
        )

    def _void(self, contact: _Contact) -> Iterable[dict]:
        """Around the last order's reset, long after it: void on one side of it."""
        if contact.reset_at is None:
            return
        for _ in range(self.random.randint(1, 4)):
            yield self._touch(contact, self.random.choice(SHOPPING), self._near(contact.reset_at))

    def _silence(self, contact: _Contact) -> Iterable[dict]:
        """Nothing for weeks or months; demotions are noticed by whatever comes next, of any kind."""
        contact.now = contact.newest + self.random.randint(7 * DAY, 200 * DAY)
        yield self._touch(contact, self.random.choice(KNOWN_TYPES + UNKNOWN_TYPES), contact.now)

    def _window(self, contact: _Contact) -> Iterable[dict]:
        """Two types exactly 14 d apart, two days exactly 30 d apart: strictly newer than the window, or not."""
        t = self._advance(contact, DAY)
        if self.random.random() < 0.5:
            yield self._touch(contact, "product.viewed", t, bot=False)
            contact.now = self._near(t + 14 * DAY)
            yield self._touch(contact, "quote.requested", contact.now, bot=False)
        else:
            contact.now = self._near(t + 30 * DAY)
            yield self._touch(contact, "game.played", t, bot=False)
            for type_ in ("webinar.attended", "newsletter.subscribed", "article.read"):
                yield self._touch(contact, type_, contact.now, bot=False)

    def _exact(self, contact: _Contact) -> Iterable[dict]:
        """Scores that hit a threshold exactly.

        Whole weights in one millisecond after a `zero` add up without rounding in any order, so these are no knife-edges
        between two ways of calculating. The sums: 38 enters and 45 - 18 = 27 leaves on intent, 57 enters on advocacy, 19
        enters and 23 - 10 = 13 leaves on interest (the day before leaves a distinct day and no score).
        """
        contact.now = self.random.choice((contact.now, (contact.now // DAY + 1) * DAY)) + HOUR
        yield self._touch(contact, "email.complained", contact.now, bot=False)
        contact.now += HOUR
        yield self._touch(contact, "consent.granted", contact.now, channel="email", bot=False)
        sums = {
            "intent": ("checkout.started", "pricing.viewed", "product.searched"),
            "intent left": ("checkout.started", "cart.added", "product.searched", *("cart.removed",) * 3),
            "advocacy": ("review.posted", "rating.given", "forum.posted", "rating.given", "forum.posted"),
            "interest": ("form.submitted", "order.refunded", "webinar.attended", "poll.answered"),
            "interest left": (
                "form.submitted",
                "order.refunded",
                "webinar.attended",
                "form.submitted",
                "order.refunded",
            ),
        }
        name = self.random.choice(tuple(sums))
        shared = None
        if name == "advocacy" and self.random.random() < 0.6:
            shared = self._touch(contact, "content.shared", contact.now, bot=False)
            yield shared
        for position, type_ in enumerate(sums[name]):
            if name.startswith("interest") and position == 2:
                contact.now += DAY
            earlier = 1 if self.random.random() < 0.05 else 0
            members = {"bot": False, "rating": 60, "object_id": OBJECTS[position]}
            yield self._touch(contact, type_, contact.now - earlier, **members)
        if shared:  # without it she is exactly where she would enter
            properties = {"source": shared["source"], "id": shared["id"]}
            yield self._touch(contact, "touchpoint.revoked", contact.now, bot=False, properties=properties)
        if name == "intent":  # engaged-to-buy is lost in exactly this millisecond
            contact.now = self._near(contact.now + math.ceil(14 * DAY * math.log2(38 / 27)))
            yield self._touch(contact, "page.viewed", contact.now)

    def _all_bots(self, contact: _Contact) -> Iterable[dict]:
        """A machine does what a human does."""
        for _ in range(self.random.randint(1, 4)):
            yield self._touch(contact, self.random.choice(KNOWN_TYPES), self._advance(contact), bot=True)

    def _unknown(self, contact: _Contact) -> Iterable[dict]:
        """A type the pack has not heard of yet, on time or late."""
        t = self._advance(contact) - self.random.choice((0, 0, HOUR, 8 * DAY))
        yield self._touch(contact, self.random.choice(UNKNOWN_TYPES), t)

    def _sent(self, contact: _Contact) -> tuple[str, str]:
        """A channel, and a message on it: one of the latest, or another one."""
        if self.random.random() < 0.6:
            contact.messages = [*contact.messages[-3:], self.random.choice(MESSAGES)]
        return self.random.choice(tuple(MAILS)), contact.messages[-1]

    def _click(self, contact: _Contact, channel: str, message: str, t: int, link: str | None = None, **members) -> dict:
        """A click of the message, or an open where its channel knows no clicks."""
        if link:
            members["properties"] = {"link": link, **members.get("properties", {})}
        type_ = f"{channel}.{MAILS[channel][-1]}"
        return self._touch(contact, type_, t, object_id=message, channel=channel, **members)

    def _mailing(self, contact: _Contact) -> Iterable[dict]:
        """Delivered, opened, clicked: within seconds or days, on both edges of the seconds, the delivery told last too."""
        channel, message = self._sent(contact)
        t = delivered_at = self._advance(contact)
        told = [self._touch(contact, f"{channel}.delivered", t, object_id=message, channel=channel)]
        if self.random.random() < 0.2:  # it was sent twice
            before = t - self.random.choice((SECOND, MINUTE))
            told.append(self._touch(contact, f"{channel}.delivered", before, object_id=message, channel=channel))
        for act in MAILS[channel]:
            for _ in range(self.random.choice((0, 1, 1, 2))):
                t = self.random.choice((
                    delivered_at + self.random.choice((-1, 0, 1, 1999, 2000, 2001, 3499, 3500)),
                    t + self.random.randint(2 * SECOND, MINUTE), t + self.random.randint(MINUTE, 2 * DAY),
                ))  # fmt: skip
                members = {"bot": False} if self.random.random() < 0.5 else {}
                properties = {"link": self.random.choice(LINKS)} if act == "clicked" else {}
                if self.random.random() < 0.15:
                    properties["method"] = "HEAD"
                told.append(self._touch(
                    contact, f"{channel}.{act}", t, object_id=message, channel=channel, **members,
                    **({"properties": properties} if properties else {}),
                ))  # fmt: skip
        if self.random.random() < 0.3:
            self.random.shuffle(told)
        contact.now = max(contact.now, t)
        return told

    def _scanner(self, contact: _Contact) -> Iterable[dict]:
        """A machine clicks all there is within seconds, on every edge, in any order; a human clicks some minutes later.

        Before it there may be what makes its clicks lift a tier, and within its seconds what the human did.
        """
        channel, message = self._sent(contact)
        if channel == "push" and self.random.random() < 0.7:
            channel = "email"
        if self.random.random() < 0.3:
            yield from self._nearly_engaged(contact)
        t = self._advance(contact, self.random.choice((HOUR, DAY)))
        if self.random.random() < 0.5:
            delivered_at = t - self.random.choice((0, 1, 500, 1999, 2000, 2001, MINUTE, HOUR))
            yield self._touch(contact, f"{channel}.delivered", delivered_at, object_id=message, channel=channel)
        if self.random.random() < 0.3:
            yield self._touch(contact, "email.opened", t, object_id=message, channel=channel, bot=False)
        unlike = self.random.randint(1, 5)
        offsets = self.random.choices(
            (0, 1, 250, 499, 500, 501, 999, 1000, 1001, 1500, 1999, 2000, 2001, 3000), k=self.random.randint(2, 8)
        )
        if self.random.random() < 0.4:
            offsets.append(self.random.choice((-10_001, -10_000, -9_999, -2_001, -2_000, 2_000, 9_999, 10_000, 10_001)))
        if self.random.random() < 0.6:
            offsets.sort()
        members = {"bot": False} if self.random.random() < 0.8 else {}
        clicks = []
        for offset in offsets:
            link = self.random.choice((*LINKS[:unlike], *LINKS[:unlike], None))
            clicks.append(self._click(contact, channel, message, t + offset, link, **members))
        if self.random.random() < 0.3:
            trap = t + self.random.choice((0, 1, 9_999, 10_000, 10_001))
            clicks.append(self._click(contact, channel, message, trap, properties={"honeypot": True}, bot=False))
        if channel == "email" and self.random.random() < 0.2:  # among all the links is the one that unsubscribes
            t_of_it, link = t + self.random.choice((0, 500, 2_500)), {"link": LINKS[3]}
            clicks.append(
                self._touch(contact, "email.unsubscribed", t_of_it, object_id=message, bot=False, properties=link)
            )
            clicks.append(self._touch(contact, "consent.granted", t_of_it + 1, channel="email", bot=False))
        yield from clicks
        if self.random.random() < 0.3:
            yield dict(self.random.choice(clicks))
        contact.now = t + self.random.choice((MINUTE, 3 * MINUTE, HOUR))
        if self.random.random() < 0.7:
            yield self._click(contact, channel, message, contact.now, self.random.choice(LINKS), bot=False)

    def _nearly_engaged(self, contact: _Contact, *, nearly: bool = False) -> Iterable[dict]:
        """On a day before, from nothing, almost enough interest for a tier of one pack, or of another."""
        contact.now = (contact.now // DAY + 1) * DAY + 9 * HOUR
        if self.random.random() < 0.8:
            yield self._touch(contact, "email.complained", contact.now, bot=False)
            channel = self.random.choice(("sms", "email", "email"))
            yield self._touch(contact, "consent.granted", contact.now + 1, channel=channel, bot=False)
        signs = ("webinar.attended", "poll.answered")
        for type_ in signs if nearly or self.random.random() < 0.5 else ("form.submitted",):
            yield self._touch(contact, type_, contact.now + HOUR, bot=False)
        contact.now += DAY

    def _burst_found_out_late(self, contact: _Contact) -> Iterable[dict]:
        """Two clicks lift a contact, others of the burst come much later, or a honeypot does."""
        yield from self._nearly_engaged(contact)
        channel, message = self.random.choice(("email", "email", "sms")), self.random.choice(MESSAGES)
        t = contact.now
        clicks = [
            self._click(contact, channel, message, t + offset, link, bot=False)
            for offset, link in zip(
                self.random.choice(((0, 400, 900), (0, 10, 1900), (0, 999, 2_500))), LINKS, strict=False
            )
        ]
        honeypot = {"properties": {"honeypot": True}} if self.random.random() < 0.4 else {}
        if honeypot:
            clicks.append(self._click(contact, channel, message, t + 5 * SECOND, bot=False, **honeypot))
        yield from clicks[:2]
        for _ in range(self.random.choice((0, 1, 1, 3, 20))):
            yield self._touch(
                contact,
                self.random.choice(READING),
                self._advance(contact, self.random.choice((MINUTE, DAY))),
                bot=False,
            )
        yield from clicks[2:]
        contact.now = max(contact.now, t + 3 * MINUTE)
        yield self._click(contact, channel, message, contact.now, LINKS[0], bot=False)

    def _seven_days_later(self, contact: _Contact) -> Iterable[dict]:
        """A click; 7 d later, on either edge, a honeypot and other clicks of its seconds: late, or of a message forgotten."""
        message, other = self.random.sample(MESSAGES, 2)
        t = self._advance(contact)
        yield self._click(contact, "email", message, t, LINKS[0], bot=False)
        contact.now = t + 7 * DAY + self.random.choice((-1, 0, 1, 500, 501, SECOND, 2 * SECOND))
        type_ = self.random.choice(("page.viewed", "email.delivered", "push.opened"))
        yield self._touch(contact, type_, contact.now, object_id=other, bot=False)
        edge = contact.newest - 7 * DAY
        for _ in range(self.random.randint(1, 4)):
            moment = edge + self.random.choice((-2, -1, 0, 0, 0, 1, 1, 2))
            honeypot = {"properties": {"honeypot": True}} if self.random.random() < 0.3 else {}
            yield self._click(contact, "email", message, moment, self.random.choice(LINKS), bot=False, **honeypot)

    def _many_messages(self, contact: _Contact) -> Iterable[dict]:
        """As many messages as are remembered, one more or one fewer; then an open of the first seconds after its delivery."""
        self._advance(contact)
        messages = self.random.sample(MESSAGES, self.random.choice((7, 8, 8, 9, 9)))
        first = contact.now
        for message in messages:
            yield self._touch(contact, "push.delivered", contact.now, object_id=message, bot=False)
            if self.random.random() < 0.3:
                heard_of = self.random.choice(messages[: messages.index(message) + 1])
                yield self._touch(contact, "email.opened", contact.now, object_id=heard_of, bot=False)
            self._advance(contact, 200)
        yield self._touch(contact, "push.opened", max(first, contact.now - 1), object_id=messages[0], bot=False)

    def _honeypot(self, contact: _Contact) -> Iterable[dict]:
        """A field or a link that no human sees, within a message or without, on every edge of what it takes back."""
        channel, message = self._sent(contact)
        t = self._advance(contact)
        for _ in range(self.random.randint(1, 6)):
            offset = self.random.choice((-10_001, -10_000, -9_999, -2_001, -2_000, -1_999, 0, 2_000, 2_001, 10_000))
            link, sure = self.random.choice((*LINKS, None)), self.random.random() < 0.7
            yield self._click(contact, channel, message, t + offset, link, **({"bot": False} if sure else {}))
        properties = {"honeypot": True}
        if self.random.random() < 0.7:
            act = self.random.choice(("delivered", *MAILS[channel]))
            yield self._touch(
                contact, f"{channel}.{act}", t, object_id=message, channel=channel, properties=properties, bot=False
            )
            for _ in range(self.random.randint(0, 2)):
                offset = self.random.choice((-10_001, -10_000, -9_999, 0, 2_000, 2_001, 9_999, 10_000, 10_001))
                yield self._click(contact, channel, message, t + offset, self.random.choice(LINKS), bot=False)
        else:
            type_ = self.random.choice(("form.submitted", "consent.granted", "consent.withdrawn", "review.posted"))
            yield self._touch(contact, type_, t, properties=properties, bot=False)
        contact.now = max(contact.now, contact.newest)

    def _rush(self, contact: _Contact) -> Iterable[dict]:
        """More touchpoints in a minute than a human makes, or just not; and one of its seconds that comes later."""
        count, within = self.random.choice(((30, 60_000), (7, 45_000)))
        t = self._advance(contact)
        edge = self.random.choice((within - 1, within, within + 1, within // 2))
        moments = [
            t,
            *sorted(t + self.random.randint(1, edge - 1) for _ in range(count + self.random.choice((-3, -2, -1)))),
        ]
        for moment in [*moments, t + edge, t + edge]:
            type_ = self.random.choice((*READING, *SHOPPING, "podcast.heard"))
            yield self._touch(contact, type_, moment, bot=False, object_id=self.random.choice(OBJECTS))
        contact.now = t + edge
        if self.random.random() < 0.3:
            yield self._touch(contact, "email.clicked", t + edge, bot=False, properties={"method": "HEAD"})

    def _revocation(self, contact: _Contact) -> Iterable[dict]:
        """Of something new, old, revoked already, or never sent; by a bot, late, or twice."""
        t = self._advance(contact, self.random.choice((1, HOUR, DAY)))
        for _ in range(self.random.choice((1, 1, 2, 4))):
            revoked = self.random.choice(contact.sent[-self.random.choice((1, 5, 5, 20, 20, 60, 1000)) :])
            lateness = self.random.choice((0, 0, 0, MINUTE, DAY, self._near(7 * DAY), 20 * DAY))
            members = {} if self.random.random() < 0.2 else {"bot": self.random.random() < 0.04}
            revocation = self._touch(
                contact, "touchpoint.revoked", t - lateness, properties=self._names(revoked), **members
            )
            yield revocation
            if self.random.random() < 0.1:
                yield revocation | {"id": f"{revocation['id']}-again"}

    def _review_deleted(self, contact: _Contact) -> Iterable[dict]:
        """What lifted the contact is taken back, among other contributions before and after it."""
        contact.now = (contact.now // DAY + 1) * DAY + self.random.randrange(DAY)
        if self.random.random() < 0.5:
            yield self._touch(contact, "email.complained", contact.now - HOUR, bot=False)
        yield self._touch(contact, "consent.granted", contact.now, channel="email", bot=False)
        type_ = self.random.choice(("review.posted", "referral.converted", "quote.requested", "webinar.attended"))
        around = {
            "review.posted": ("review.posted", "content.published", "answer.accepted", "game.played"),
            "referral.converted": ("referral.sent", "poll.answered", "content.shared"),
            "quote.requested": ("product.searched", "pricing.viewed", "cart.removed"),
            "webinar.attended": ("article.read", "poll.answered", "video.watched"),
        }[type_]
        revoked, all_sent = None, []
        for _ in range(self.random.randint(2, 8)):
            t = self._advance(contact, self.random.choice((1, MINUTE, HOUR, DAY)))
            sent = self._touch(
                contact, type_ if revoked is None or self.random.random() < 0.1 else self.random.choice(around), t,
                bot=False, rating=80, object_id=self.random.choice(OBJECTS),
            )  # fmt: skip
            yield sent
            all_sent.append(sent)
            if revoked is None or self.random.random() < 0.2:
                revoked = sent
        t = self._advance(contact, self.random.choice((1, HOUR, 3 * DAY)))
        yield self._touch(contact, "touchpoint.revoked", t, bot=False, properties=self._names(revoked))
        if self.random.random() < 0.5:  # its caps are free again
            t = milliseconds(revoked["occurred_at"])
            yield self._touch(contact, revoked["type"], t + 1, bot=False, object_id=revoked.get("object_id"), rating=80)
        if self.random.random() < 0.4:  # another, when she is no longer where she would enter
            t, revoked = self._advance(contact, 8 * DAY), self.random.choice(all_sent)
            yield self._touch(contact, "touchpoint.revoked", t, bot=False, properties=self._names(revoked))

    def _revoked_around_a_reset(self, contact: _Contact) -> Iterable[dict]:
        """Void, or spared by the reset; one of many of its axis, or one that more than 16 have followed."""
        ordered_at = self._advance(contact, DAY)
        sent = []
        for _ in range(self.random.choice((2, 5, 8, 15, 17, 20))):
            t = ordered_at + self.random.choice(
                (-DAY, -HOUR, -1, MINUTE, 5 * MINUTE, self._near(5 * MINUTE), HOUR, DAY)
            )
            sent.append(self._touch(contact, self.random.choice((*SHOPPING, "store.visited")), t, bot=False))
        reset = self.random.choice(("order.completed", "order.completed", "email.complained", None))
        if reset:
            sent.insert(self.random.randint(0, len(sent)), self._touch(contact, reset, ordered_at, bot=False))
        yield from sent
        contact.now = max(contact.now, contact.newest)
        for revoked in self.random.sample(sent, min(len(sent), self.random.randint(1, 5))):
            yield self._touch(contact, "touchpoint.revoked", contact.now, bot=False, properties=self._names(revoked))
        for _ in range(self.random.choice((0, 1, 3))):
            yield self._touch(contact, self.random.choice(SHOPPING), self._advance(contact, HOUR), bot=False)

    def _revoked_after_others(self, contact: _Contact) -> Iterable[dict]:
        """More than 16 have followed it on one axis, or on the only one; or followed what it shared its day with."""
        contact.now = (contact.now // DAY + 1) * DAY
        kind = self.random.random()
        if kind < 0.5:
            first = self._touch(
                contact, self.random.choice(("store.visited", "quote.requested", "cart.added")), contact.now, bot=False
            )
            yield first
            for position in range(self.random.randint(14, 22)):
                type_ = ("wishlist.added", "cart.removed")[position % 2]
                t = self._advance(contact, 8 * HOUR)
                yield self._touch(contact, type_, t, bot=False, object_id=OBJECTS[position % len(OBJECTS)])
            revoked = [first]
        else:
            day = contact.now
            yield self._touch(contact, "consent.granted", day, channel="email", bot=False)
            yield self._touch(contact, "webinar.attended", day + HOUR, bot=False)
            for position in range(self.random.randint(14, 18)):
                t = day - self.random.randint(1, 6 * DAY)
                type_ = self.random.choice(("game.played", "poll.answered", "email.replied", "form.submitted"))
                yield self._touch(contact, type_, t, bot=False, object_id=OBJECTS[position % len(OBJECTS)])
            revoked = [
                self._touch(contact, "chat.started", day + moment, bot=False)
                for moment in self.random.choice(((2 * HOUR,), (2 * HOUR, 3 * HOUR), (HOUR,)))
            ]
            yield from revoked
            contact.now = contact.newest
        for one in revoked:
            yield self._touch(contact, "touchpoint.revoked", contact.now, bot=False, properties=self._names(one))
        yield self._touch(contact, "article.read", self._advance(contact, HOUR), bot=False)

    def _habits(self, contact: _Contact) -> Iterable[dict]:
        """At the same hours of many days, in summer and winter, by the clock of some zone: mornings, around midnight, twice a day."""
        if self.random.random() < 0.4:  # the night in which clocks change
            to_come = [t for t in CLOCKS_CHANGE if t > contact.now]
            if to_come and to_come[0] < contact.retires_at and self.random.random() < 0.5:
                contact.now = to_come[0] - self.random.randint(0, 3 * DAY)
        hours = self.random.choice(((7, 8), (7,), (23, 0), (0, 23, 22), (8, 19), (7, 12, 13, 20), range(24)))
        zone, channel = self.random.choice(ZONES), self.random.choice(CHANNELS)
        first_day = contact.now // DAY + 1
        for day in range(first_day, first_day + self.random.choice((3, 6, 9, 20, 45))):
            t = day * DAY + self.random.choice(hours) * HOUR + self.random.randrange(HOUR)
            edge = self.random.choice((t, t, t, t // HOUR * HOUR, t // HOUR * HOUR - 1))
            told = {"timezone": zone} if self.random.random() < 0.1 else {}
            sure = {"bot": False} if self.random.random() < 0.9 else {}
            type_ = self.random.choice(
                ("page.viewed", "article.read", "email.opened", "push.opened", "answer.accepted")
            )
            yield self._touch(contact, type_, edge, channel=channel, **told, **sure)
            if self.random.random() < 0.3:  # in the same hour, or just not
                again = edge + self.random.choice((0, 1, MINUTE, HOUR - 1, HOUR))
                yield self._touch(contact, "page.viewed", again, channel=channel, bot=False)
        contact.now = max(contact.now, contact.newest)

    def _night_of_the_clocks(self, contact: _Contact) -> Iterable[dict]:
        """Around the moment at which clocks change."""
        to_come = [t for t in CLOCKS_CHANGE if contact.now <= t < contact.retires_at]
        if not to_come:
            return
        contact.now = to_come[0] - 2 * HOUR
        channel = self.random.choice(CHANNELS)
        for offset in (-2 * HOUR, -HOUR - 1, -HOUR, -1, 0, 1, HOUR - 1, HOUR):
            if self.random.random() < 0.6:
                told = {"timezone": "Europe/Paris"} if self.random.random() < 0.4 else {}
                type_ = self.random.choice(("page.viewed", "article.read", "order.refunded", "poll.answered"))
                yield self._touch(contact, type_, to_come[0] + offset, channel=channel, bot=False, **told)
        contact.now = to_come[0] + HOUR

    def _days_in_a_row(self, contact: _Contact) -> Iterable[dict]:
        """One after the other, with a gap sometimes, and told in any order; on the last and the first moment of a day."""
        contact.now = (contact.now // DAY + 1) * DAY
        days = [number + (number > 4 and self.random.random() < 0.3) for number in range(self.random.randint(2, 9))]
        if self.random.random() < 0.3:
            days.insert(self.random.randrange(len(days)), days.pop())
        type_ = self.random.choice(("page.viewed", "article.read", "video.watched", "poll.answered"))
        first_day = contact.now
        for day in days:
            t = first_day + day * DAY + self.random.choice((0, 1, 5 * HOUR, DAY - 1))
            sure = {"bot": False} if self.random.random() < 0.9 else {}
            yield self._touch(contact, type_, t, object_id=self.random.choice(OBJECTS), **sure)
        contact.now = max(contact.now, contact.newest)

    def _campaign(self, contact: _Contact) -> Iterable[dict]:
        """Messages on several channels that are granted, some of them engaged with, before they are known to be delivered too."""
        t = self._advance(contact)
        channels = self.random.sample(tuple(MAILS), self.random.randint(2, 3))
        for channel in channels:
            yield self._touch(contact, "consent.granted", t, channel=channel, bot=False)
        for _ in range(self.random.randint(3, 12)):
            channel, message = self.random.choice(channels), self.random.choice(MESSAGES)
            t = self._advance(contact, self.random.choice((HOUR, DAY)))
            told = [self._touch(contact, f"{channel}.delivered", t, object_id=message, channel=channel)]
            for _ in range(self.random.choice((0, 0, 1, 1, 2, 7))):
                link = self.random.choice((*LINKS, None))
                sure = {"bot": False} if self.random.random() < 0.7 else {}
                moment = t + self.random.choice((SECOND, 3 * SECOND, 3 * SECOND, MINUTE, MINUTE, HOUR, 5 * HOUR))
                elsewhere = {"channel": "web"} if self.random.random() < 0.1 else {}
                told.append(self._click(contact, channel, message, moment, link, **sure) | elsewhere)
            if self.random.random() < 0.3:
                self.random.shuffle(told)
            if self.random.random() < 0.2:
                trap = t + self.random.choice((0, 10 * SECOND, 13 * SECOND, MINUTE))
                told.append(self._click(contact, channel, message, trap, bot=False, properties={"honeypot": True}))
            yield from told
        contact.now = max(contact.now, contact.newest)
        yield from self._buying(contact)

    def _newsletters_without_end(self, contact: _Contact) -> Iterable[dict]:
        """More deliveries than are counted; each message has been forgotten when it is sent again."""
        channel = self.random.choice(tuple(MAILS))
        for number in range(self.random.randint(250, 262)):
            t, message = self._advance(contact, MINUTE), MESSAGES[number % len(MESSAGES)]
            yield self._touch(contact, f"{channel}.delivered", t, object_id=message, channel=channel, bot=False)
            if self.random.random() < 0.1:
                contact.now += 5 * SECOND
                yield self._click(contact, channel, message, contact.now, bot=False)

    MOVES: Mapping[Callable[[Histories, _Contact], Iterable[dict]], float] = MappingProxyType(
        {
            _ordinary: 25,
            _visit: 8,
            _buying: 6,
            _recommending: 6,
            _capped_burst: 5,
            _boundary: 4,
            _late: 8,
            _repeat: 8,
            _flood: 0.3,
            _order: 5,
            _order_long_known: 2,
            _order_after_removal: 0.6,
            _orders_beyond_the_cap: 0.6,
            _refund: 3,
            _consent: 4,
            _gate: 2,
            _erasure: 2,
            _before_erasure: 2,
            _void: 2,
            _silence: 5,
            _window: 2,
            _exact: 3,
            _all_bots: 1,
            _unknown: 2,
            _mailing: 6,
            _scanner: 6,
            _burst_found_out_late: 5,
            _honeypot: 3,
            _seven_days_later: 1.5,
            _many_messages: 1.5,
            _rush: 2,
            _revocation: 6,
            _review_deleted: 5,
            _revoked_around_a_reset: 2,
            _revoked_after_others: 2,
            _habits: 3,
            _night_of_the_clocks: 0.5,
            _days_in_a_row: 2,
            _campaign: 3,
            _newsletters_without_end: 0.15,
        }
    )
    """Every move and how often it is made."""


def touchpoints(seed: int, count: int, contacts: int | None = None) -> list[dict]:
    """The log of a seed: `count` touchpoints of at least `contacts` contacts (default: one for every 100)."""
    return Histories(seed, contacts or max(1, count // 100)).touchpoints(count)


def write_jsonl(path: Path, log: Iterable[dict]) -> None:
    """One touchpoint a line, UTF-8."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_lines(log))


def _lines(log: Iterable[dict]) -> Iterator[str]:
    for touchpoint in log:
        yield json.dumps(touchpoint, ensure_ascii=False, separators=(",", ":")) + "\n"
