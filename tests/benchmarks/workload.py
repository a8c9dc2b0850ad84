"""What every candidate folds: touchpoints of many contacts over 90 days, the same for the same seed.

About 300 bytes of JSON each, in order of arrival: most a little out of order, some late, some twice, some by bots.
A few contacts are very busy and most are not; some read, some shop, some take part. The simulator of the services tells
better stories, but makes a tenth as many a second; here only the mix matters.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS: Final = 90
DAY_MS: Final = 86_400_000
START_MS: Final = 1_767_225_600_000  # 2026-01-01T00:00:00Z; long past, so nothing is refused as too far ahead

DUPLICATES: Final = 0.01
DELAYED: Final = 0.05  # by up to two hours: a phone without a network
LATE: Final = 0.002  # by up to ten days
BOTS: Final = 0.01
SIGNS_UP: Final = 0.7
BUSY: Final = 1.5  # the exponent that makes some contacts busier than others
TAIL: Final = 4_096  # of so many latest touchpoints one is sent again


class Kind(NamedTuple):
    """A touchpoint type: its share of the traffic, who sees it, where, and what it is done to."""

    type: str
    share: float
    source: str
    channel: str
    object_prefix: str | None
    rated: bool = False
    priced: bool = False


MAILER, WEB, SHOP, APP, COMMUNITY, TILL = "mailer", "web-tracker", "shop", "mobile-app", "community", "store-till"

KINDS: Final = (
    Kind("email.delivered", 14, MAILER, "email", "mail"),
    Kind("email.opened", 14, MAILER, "email", "mail"),
    Kind("email.clicked", 5, MAILER, "email", "mail"),
    Kind("email.unsubscribed", 0.1, MAILER, "email", "mail"),
    Kind("page.viewed", 22, WEB, "web", "page"),
    Kind("article.read", 6, WEB, "web", "article"),
    Kind("video.watched", 3, APP, "mobile", "video"),
    Kind("poll.answered", 1, APP, "mobile", "poll"),
    Kind("game.played", 1, APP, "mobile", "game"),
    Kind("form.submitted", 0.5, WEB, "web", "form"),
    Kind("chat.started", 0.5, WEB, "chat", None),
    Kind("newsletter.subscribed", 0.5, WEB, "email", None),
    Kind("product.viewed", 14, SHOP, "web", "product"),
    Kind("product.searched", 4, SHOP, "web", None),
    Kind("pricing.viewed", 1, SHOP, "web", "product"),
    Kind("wishlist.added", 1, SHOP, "web", "product"),
    Kind("cart.added", 2.5, SHOP, "web", "product"),
    Kind("cart.removed", 0.6, SHOP, "web", "product"),
    Kind("checkout.started", 1, SHOP, "web", "order"),
    Kind("order.completed", 0.8, SHOP, "web", "order", priced=True),
    Kind("store.visited", 1, TILL, "store", "store"),
    Kind("rating.given", 0.8, COMMUNITY, "community", "product", rated=True),
    Kind("review.posted", 0.4, COMMUNITY, "community", "product", rated=True),
    Kind("referral.sent", 0.4, COMMUNITY, "social", None),
    Kind("referral.converted", 0.1, COMMUNITY, "social", None),
    Kind("content.shared", 1, COMMUNITY, "social", "article"),
    Kind("forum.posted", 0.8, COMMUNITY, "community", "thread"),
    Kind("answer.accepted", 0.2, COMMUNITY, "community", "thread"),
    Kind("content.liked", 1.5, COMMUNITY, "social", "article"),
    Kind("consent.granted", 0.7, APP, "push", None),
    Kind("consent.withdrawn", 0.1, APP, "push", None),
    Kind("survey.declined", 0.5, APP, "mobile", "survey"),  # a type that the default pack does not know
)
SIGN_UP: Final = Kind("newsletter.subscribed", 0, WEB, "email", None)

PERSONAS: Final = (  # of 20 contacts, and how much more or less of a source's traffic they make
    (9, {MAILER: 1.2, WEB: 1.3, APP: 1.2, SHOP: 0.3, COMMUNITY: 0.2, TILL: 0.3}),  # readers
    (8, {MAILER: 1.0, WEB: 0.7, APP: 0.7, SHOP: 2.0, COMMUNITY: 0.3, TILL: 2.0}),  # shoppers
    (3, {MAILER: 0.8, WEB: 1.2, APP: 1.2, SHOP: 0.6, COMMUNITY: 5.0, TILL: 0.5}),  # fans
)
BOUNDS_OF: Final = tuple(
    tuple(accumulate(kind.share * more[kind.source] for kind in KINDS)) for many, more in PERSONAS for _ in range(many)
)

AGENTS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36",
)
NEWSLETTER_DAYS: Final = 7
CAMPAIGNS: Final = ("2026-spring-sale", "frühling", "win-back")  # besides the newsletter of the week
CAMPAIGN_OFF_MAIL: Final = 0.1


class Arrival(NamedTuple):
    """One record of the topic."""

    key: bytes
    value: bytes


def arrivals(count: int, contacts: int, seed: int = 7) -> Iterator[Arrival]:
    """`count` touchpoints of at most `contacts` contacts, in order of arrival."""
    chance = Random(seed)
    seen = bytearray(contacts)
    latest: list[Arrival] = []
    for number in range(count):
        if latest and chance.random() < DUPLICATES:
            yield latest[int(chance.random() * len(latest))]
            continue
        contact = int(contacts * chance.random() ** BUSY)
        kind = draw_kind(chance, contact, first=not seen[contact])
        seen[contact] = 1
        occurred_at = START_MS + number * DAYS * DAY_MS // count - _delay_ms(chance)
        contact_id = f"contact-{contact:07}"
        arrival = Arrival(contact_id.encode(), touchpoint_json(chance, kind, contact_id, max(START_MS, occurred_at)))
        if len(latest) < TAIL:
            latest.append(arrival)
        else:
            latest[number % TAIL] = arrival
        yield arrival


def contacts_for(touchpoints: int) -> int:
    """As many contacts as give each some twenty touchpoints, within 20 000 and 200 000."""
    return max(20_000, min(200_000, touchpoints // 20))


def draw_kind(chance: Random, contact: int, *, first: bool = False) -> Kind:
    """What a contact does next; most are met first when they sign up."""
    if first and chance.random() < SIGNS_UP:
        return SIGN_UP
    bounds = BOUNDS_OF[contact % len(BOUNDS_OF)]
    return KINDS[bisect(bounds, chance.random() * bounds[-1])]


def touchpoint_json(chance: Random, kind: Kind, contact_id: str, occurred_at: int) -> bytes:
    """The value of one record; object, campaign, rating and the rest are drawn."""
    number = f"{chance.getrandbits(128):032x}"
    touchpoint_id = f"{number[:8]}-{number[8:12]}-4{number[13:16]}-a{number[17:20]}-{number[20:]}"
    members = [f'{{"id":"{touchpoint_id}","source":"{kind.source}","type":"{kind.type}","channel":"{kind.channel}"']
    members.append(f',"contact_id":"{contact_id}","occurred_at":"{rfc_3339(occurred_at)}"')
    if kind.object_prefix is not None:
        members.append(f',"object_id":"{kind.object_prefix}-{int(chance.random() ** 2 * 5_000)}"')
    if kind.source is MAILER:
        members.append(f',"campaign_id":"2026-newsletter-{(occurred_at - START_MS) // DAY_MS // NEWSLETTER_DAYS:02}"')
    elif chance.random() < CAMPAIGN_OFF_MAIL:
        members.append(f',"campaign_id":"{CAMPAIGNS[int(chance.random() * len(CAMPAIGNS))]}"')
    if kind.rated:
        members.append(f',"rating":{(0, 40, 60, 80, 100, 100)[int(chance.random() * 6)]}')
    if kind.priced:
        members.append(f',"value":{{"amount":"{chance.randrange(5, 300)}.90","currency":"EUR"}}')
    if chance.random() < BOTS:
        members.append(',"bot":true')
    if kind.source in (WEB, SHOP):
        members.append(f',"user_agent":"{AGENTS[int(chance.random() * 3)]}"')
    elif kind.source is APP:
        members.append(',"timezone":"Europe/Vienna"')
    if chance.random() < 0.2:
        members.append(f',"properties":{{"variant":"{"ab"[number < "8"]}","position":{number.count("0")}}}')
    return f"{''.join(members)}}}".encode()


def rfc_3339(moment_ms: int) -> str:
    """Milliseconds since the epoch as most producers write them; moments of 90 days only, hence the table of days."""
    day, rest = divmod(moment_ms - START_MS, DAY_MS)
    second, millisecond = divmod(rest, 1_000)
    return f"{_DAYS[day]}T{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}.{millisecond:03}Z"


def _days() -> tuple[str, ...]:
    lengths = (31, 28, 31)  # January to March of 2026 are 90 days
    return tuple(f"2026-{month:02}-{day:02}" for month, length in enumerate(lengths, 1) for day in range(1, length + 1))


_DAYS: Final = _days()


def _delay_ms(chance: Random) -> int:
    """How long a touchpoint was on its way."""
    luck = chance.random()
    longest_ms = 10 * DAY_MS if luck < LATE else 7_200_000 if luck < LATE + DELAYED else 5_000
    return int(chance.random() * longest_ms)
