"""Who is out there: six kinds of contacts, as data. Rates are per day of real time, averaged over the week.

Every persona goes through phases of attachment, so that contacts rise and fall through the tiers over a year: somebody
becomes engaged, buys, lapses, comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from palier_simulator.rhythm import COMMUTER, NIGHT_OWL, ROUND_THE_CLOCK, SHOPPING, Rhythm

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False)
class Phase:
    """A stretch of a contact's life: `visits` per day for about `days`, then one of `then` (name -> weight)."""

    days: float
    visits: float
    then: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Persona:
    """A kind of contact.

    Attributes:
        share: weight among all contacts.
        rhythm: when in the week it is active.
        first: journeys of the first visit (name -> weight).
        journeys: journeys of all later visits (name -> weight).
        phases: phases of attachment by name; life begins with the first.
        opens, clicks: chance that a delivered message is opened, and an opened one clicked.
        unsubscribes: chance per delivered message.
        ratings: what it gives, per cent of the scale.
        app: chance that it prefers the mobile app.
        bot: no human; its touchpoints say so.
    """

    name: str
    share: float
    rhythm: Rhythm
    first: Mapping[str, float]
    journeys: Mapping[str, float]
    phases: Mapping[str, Phase]
    opens: float
    clicks: float
    unsubscribes: float
    ratings: tuple[int, ...] = (60, 80, 100)
    app: float = 0.4
    bot: bool = False


# What any human does once in a while, added to the journeys of each.
HOUSEKEEPING: dict[str, float] = {
    "cookie-banner": 0.6,
    "allow-sms": 0.4,
    "allow-push": 0.6,
    "mute-push": 0.5,
    "go-quiet": 0.25,
    "ask-erasure": 0.06,
}
FIRST_VISIT: dict[str, float] = {"sign-up": 55, "install-app": 20, "store-card": 10, "look-in": 15}

READER = Persona(
    name="reader",
    share=36,
    rhythm=COMMUTER,
    first=FIRST_VISIT,
    journeys={"read": 62, "watch": 18, "play": 6, "webinar": 2, "browse": 6, "share": 1, "discuss": 1} | HOUSEKEEPING,
    phases={
        "curious": Phase(days=20, visits=0.22, then={"keen": 6, "away": 4}),
        "keen": Phase(days=40, visits=0.26, then={"fading": 7, "away": 3}),
        "fading": Phase(days=30, visits=0.06, then={"away": 7, "keen": 3}),
        "away": Phase(days=90, visits=0.006, then={"curious": 1}),
    },
    opens=0.38,
    clicks=0.22,
    unsubscribes=0.0015,
)
SHOPPER = Persona(
    name="shopper",
    share=24,
    rhythm=SHOPPING,
    first=FIRST_VISIT | {"store-card": 30},
    journeys={"browse": 34, "shop": 26, "store": 14, "quote": 4, "read": 8, "praise": 2, "complain": 2} | HOUSEKEEPING,
    phases={
        "looking": Phase(days=15, visits=0.20, then={"buying": 7, "away": 3}),
        "buying": Phase(days=30, visits=0.30, then={"resting": 7, "away": 3}),
        "resting": Phase(days=40, visits=0.04, then={"looking": 5, "away": 5}),
        "away": Phase(days=100, visits=0.006, then={"looking": 1}),
    },
    opens=0.30,
    clicks=0.25,
    unsubscribes=0.002,
)
FAN = Persona(
    name="fan",
    share=10,
    rhythm=NIGHT_OWL,
    first={"sign-up": 6, "install-app": 4},
    journeys={
        "read": 22,
        "watch": 10,
        "play": 8,
        "discuss": 18,
        "praise": 10,
        "create": 8,
        "share": 8,
        "refer": 5,
        "browse": 8,
        "shop": 6,
        "store": 2,
    }
    | HOUSEKEEPING,
    phases={
        "discovering": Phase(days=25, visits=0.22, then={"devoted": 7, "away": 3}),
        "devoted": Phase(days=35, visits=0.32, then={"cooling": 1}),
        "cooling": Phase(days=50, visits=0.03, then={"away": 7, "devoted": 3}),
        "away": Phase(days=110, visits=0.004, then={"discovering": 1}),
    },
    opens=0.55,
    clicks=0.35,
    unsubscribes=0.0004,
    ratings=(80, 100, 100),
    app=0.6,
)
CRITIC = Persona(
    name="critic",
    share=5,
    rhythm=NIGHT_OWL,
    first=FIRST_VISIT,
    journeys={"praise": 24, "complain": 25, "discuss": 3, "shop": 14, "browse": 14, "read": 14} | HOUSEKEEPING,
    phases={
        "annoyed": Phase(days=25, visits=0.25, then={"sulking": 1}),
        "sulking": Phase(days=50, visits=0.03, then={"annoyed": 1}),
    },
    opens=0.35,
    clicks=0.15,
    unsubscribes=0.006,
    ratings=(0, 20, 20, 40),
)
GHOST = Persona(
    name="ghost",
    share=20,
    rhythm=COMMUTER,
    first=FIRST_VISIT | {"store-card": 25},
    journeys={"look-in": 60, "read": 25, "browse": 12, "store": 3} | HOUSEKEEPING,
    phases={"absent": Phase(days=180, visits=0.008, then={"absent": 1})},
    opens=0.05,
    clicks=0.04,
    unsubscribes=0.001,
)
BOT = Persona(
    name="bot",
    share=5,
    rhythm=ROUND_THE_CLOCK,
    first={"fill-forms": 1, "crawl": 1},
    journeys={"crawl": 85, "fill-forms": 15},
    phases={
        "running": Phase(days=60, visits=0.12, then={"running": 7, "paused": 3}),
        "paused": Phase(60, 0.01, {"running": 1}),
    },
    opens=0.9,
    clicks=0.9,
    unsubscribes=0.0,
    app=0.0,
    bot=True,
)
PERSONAS: tuple[Persona, ...] = (READER, SHOPPER, FAN, CRITIC, GHOST, BOT)
