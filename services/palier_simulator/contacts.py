"""Invented contacts: pseudonymous ids, a persona, a time zone, habits of their own."""

from __future__ import annotations

from math import cos, exp, log, pi, sqrt
from typing import TYPE_CHECKING, NamedTuple

from palier_simulator.chance import Weighted
from palier_simulator.personas import PERSONAS, Persona
from palier_simulator.rhythm import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

TEMPO_SPREAD = 0.5  # standard deviation of the logarithm of how busy contacts of one persona are
KNOWN_AT_START = 0.7  # share of contacts that show up in the first days; the others join later
FIRST_DAYS = 6
MARKETING_CHANNELS = ("email", "push", "sms")
UNTIL_LAST_DAYS = 0.9  # nobody joins in the last tenth


class Zone(NamedTuple):
    """Where contacts live. Standard time the year round: an hour in summer is not worth a database of zones."""

    name: str
    utc_offset_ms: int
    currency: str


ZONES = Weighted(
    {
        Zone("Europe/Paris", 1 * HOUR_MS, "EUR"): 40,
        Zone("Europe/London", 0, "GBP"): 15,
        Zone("Europe/Helsinki", 2 * HOUR_MS, "EUR"): 8,
        Zone("America/New_York", -5 * HOUR_MS, "USD"): 15,
        Zone("America/Los_Angeles", -8 * HOUR_MS, "USD"): 8,
        Zone("America/Sao_Paulo", -3 * HOUR_MS, "BRL"): 5,
        Zone("Asia/Kolkata", 5 * HOUR_MS + HOUR_MS // 2, "INR"): 5,
        Zone("Asia/Singapore", 8 * HOUR_MS, "SGD"): 4,
    }
)
PERSONA = Weighted({persona: persona.share for persona in PERSONAS})
BROWSERS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6)")
PHONES = ("Mozilla/5.0 (Linux; Android 15)", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)")
CRAWLER = "SampleCrawler/2.1 (+https://crawler.example/about)"


class Contact:
    """One contact's life so far. `tempo` scales its persona's visits; `allows`: channels we may write on."""

    __slots__ = ("allows", "gone", "id", "joined", "key", "next_visit", "persona", "phase", "phase_ends", "prefers_app", "tempo", "user_agent", "zone")  # fmt: skip

    def __init__(
        self, number: int, persona: Persona, zone: Zone, tempo: float, user_agent: str, *, prefers_app: bool
    ) -> None:
        self.id = f"c-{number:06d}"
        self.key = self.id.encode()
        self.persona = persona
        self.zone = zone
        self.tempo = tempo
        self.user_agent = user_agent
        self.prefers_app = prefers_app
        self.phase = next(iter(persona.phases))
        self.phase_ends = 0
        self.allows: set[str] = set()
        self.next_visit = 0
        self.joined = False
        self.gone = False

    @property
    def reachable(self) -> bool:
        """Whether we may write on any channel; a cookie consent is no leave to."""
        return not self.allows.isdisjoint(MARKETING_CHANNELS)


def populate(count: int, start_ms: int, end_ms: int, random: Random) -> Iterator[tuple[int, Contact]]:
    """`count` contacts with the moment (ms) of their first visit."""
    for number in range(1, count + 1):
        persona = PERSONA.pick(random.random())
        zone = ZONES.pick(random.random())
        tempo = _log_normal(random, TEMPO_SPREAD)
        prefers_app = random.random() < persona.app
        agents = (CRAWLER,) if persona.bot else PHONES if prefers_app else BROWSERS
        agent = agents[int(random.random() * len(agents))]
        contact = Contact(number, persona, zone, tempo, agent, prefers_app=prefers_app)
        known = random.random() < KNOWN_AT_START
        span = min(FIRST_DAYS * DAY_MS, end_ms - start_ms) if known else (end_ms - start_ms) * UNTIL_LAST_DAYS
        yield start_ms + int(random.random() * span), contact


def _log_normal(random: Random, deviation: float) -> float:
    """A positive factor with median 1 (Box-Muller, so that only `random()` is drawn on)."""
    return exp(deviation * sqrt(-2.0 * log(1.0 - random.random())) * cos(2.0 * pi * random.random()))
