"""The simulated world: contacts visit, campaigns go out, and all of it arrives at the platform, in order of arrival.

Pure: no clock, no I/O; the same profile gives the same records. Time goes on in steps of an hour: the hour's visits and
launches are played out at once, their touchpoints put into the hours they will arrive in, and the hour's arrivals sorted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from palier_simulator.campaigns import CAMPAIGNS
from palier_simulator.chance import Weighted, exponential
from palier_simulator.contacts import Contact, populate
from palier_simulator.journeys import JOURNEYS
from palier_simulator.mailing import Mailing
from palier_simulator.personas import PERSONAS
from palier_simulator.rhythm import DAY_MS, HOUR_MS, ROUND_THE_CLOCK
from palier_simulator.upstream import Upstream
from palier_simulator.visit import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier_simulator.arrival import Arrival
    from palier_simulator.personas import Persona

HOURS_PER_DAY = 24
SECONDS_PER_DAY = 86_400
SIGNS_UP_AGAIN = 0.04  # chance, per visit, of somebody who allows us nothing
RETURNS_AFTER_ERASURE = 0.15
ERASED_FOR_MS = 20 * DAY_MS

FIRST_JOURNEY = {persona: Weighted(persona.first) for persona in PERSONAS}
LATER_JOURNEY = {persona: Weighted(persona.journeys) for persona in PERSONAS}
NEXT_PHASE = {phase: Weighted(phase.then) for persona in PERSONAS for phase in persona.phases.values()}


@dataclass(frozen=True, slots=True)
class Profile:
    """What makes one run differ from another: number of contacts, seed, first and last moment (ms since the epoch)."""

    contacts: int
    seed: int
    start_ms: int
    end_ms: int


def touchpoints(profile: Profile) -> Iterator[Arrival]:
    """Every record of the profile's time, in order of arrival; all of them lawful, some late, some twice."""
    return World(profile).history()


class World:
    """Contacts, their plans and the records under way, at one moment of simulated time."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._random = Random(profile.seed)  # noqa: S311 - to be repeatable is the point
        self._upstream = Upstream(self._random)
        self._visitor = Visitor(self._upstream, self._random)
        self._mailing = Mailing(self._upstream, self._visitor, self._random)
        self._visits: defaultdict[int, list[tuple[int, Contact]]] = defaultdict(list)
        self._hour = self._launched = profile.start_ms // HOUR_MS
        self._boost = 0.0  # 0: everybody lives by the own rhythm; else visits come this much faster, day and night
        self._contacts: list[Contact] = []
        for at, contact in populate(profile.contacts, profile.start_ms, profile.end_ms, self._random):
            self._contacts.append(contact)
            self._plan(contact, at)

    def history(self) -> Iterator[Arrival]:
        """Records that arrive before the profile's end."""
        return self._go_on(self._profile.end_ms)

    def live(self, per_second: float) -> Iterator[Arrival]:
        """After the history, without end: everybody hurries, so that about `per_second` records come each second.

        Begins where the history ended, with what was still under way then. Whoever delivers waits for each record's `at`.
        """
        per_day = sum(_expected_per_day(contact) for contact in self._contacts if not contact.gone)
        self._boost = per_second * SECONDS_PER_DAY / per_day if per_day else 1.0
        self._visits.clear()
        for contact in self._contacts:
            if not contact.gone:
                self._plan_next(contact, self._profile.end_ms)
        return self._go_on(None)

    def _go_on(self, end_ms: int | None) -> Iterator[Arrival]:
        while end_ms is None or self._hour * HOUR_MS < end_ms:
            self._play(self._hour)
            arrivals = self._upstream.arriving(self._hour)
            for index, arrival in enumerate(arrivals):
                if end_ms is not None and arrival.at >= end_ms:
                    self._upstream.put_back(self._hour, arrivals[index:])
                    return
                yield arrival
            self._hour += 1

    def _play(self, hour: int) -> None:
        """Everything that begins in this hour."""
        if hour >= self._launched:  # the hour in which the history ended is played again when it goes on live
            self._launched = hour + 1
            day, hour_of_day = divmod(hour, HOURS_PER_DAY)
            for campaign in CAMPAIGNS:
                if campaign.hour == hour_of_day and campaign.launched_on(day):
                    for contact in self._mailing.launch(campaign, hour * HOUR_MS, self._contacts):
                        self._enter(contact, next(iter(contact.persona.phases)), hour * HOUR_MS)
                        self._plan_next(contact, hour * HOUR_MS)
        while visits := self._visits.pop(hour, None):  # a hurried contact may come again within the hour
            for at, contact in visits:
                if at == contact.next_visit:  # else the plan has changed since
                    self._visit(contact, at)

    def _visit(self, contact: Contact, at: int) -> None:
        persona = contact.persona
        if not contact.joined:
            contact.joined = True
            journey = FIRST_JOURNEY[persona].pick(self._random.random())
            self._enter(contact, next(iter(persona.phases)), at)
        elif not contact.reachable and not persona.bot and self._random.random() < SIGNS_UP_AGAIN:
            journey = "sign-up"
        else:
            journey = LATER_JOURNEY[persona].pick(self._random.random())
        self._visitor.play(JOURNEYS[journey], contact, at)
        if not contact.gone:
            self._plan_next(contact, at)
        elif self._random.random() < RETURNS_AFTER_ERASURE:  # as somebody we know nothing about
            contact.gone = contact.joined = False
            self._plan(contact, at + ERASED_FOR_MS + int(exponential(self._random.random(), ERASED_FOR_MS)))

    def _plan_next(self, contact: Contact, now: int) -> None:
        """Draws the next visit after `now`; on the way the contact's attachment may change.

        A Poisson process forgets: when the drawn moment lies beyond the phase, a new draw from the phase's end is exact.
        """
        random = self._random.random
        rhythm = ROUND_THE_CLOCK if self._boost else contact.persona.rhythm
        offset = contact.zone.utc_offset_ms
        while True:
            phase = contact.persona.phases[contact.phase]
            per_day = phase.visits * contact.tempo * (self._boost or 1.0)
            at = rhythm.later(now + offset, exponential(random(), 1.0 / per_day)) - offset
            if at < contact.phase_ends:
                break
            now = max(now, contact.phase_ends)
            self._enter(contact, NEXT_PHASE[phase].pick(random()), now)
        self._plan(contact, at)

    def _plan(self, contact: Contact, at: int) -> None:
        contact.next_visit = at
        self._visits[at // HOUR_MS].append((at, contact))

    def _enter(self, contact: Contact, phase: str, now: int) -> None:
        """The contact's attachment changes, for the phase's length give or take 60 %."""
        contact.phase = phase
        length = contact.persona.phases[phase].days * (0.4 + 1.2 * self._random.random())
        contact.phase_ends = now + int(length * DAY_MS)


def _expected_per_day(contact: Contact) -> float:
    """Touchpoints per day that the contact's visits bring in its present phase."""
    return contact.persona.phases[contact.phase].visits * contact.tempo * TOUCHPOINTS_PER_VISIT[contact.persona]


def _touchpoints_per_visit(persona: Persona) -> float:
    weighed = sum(weight * JOURNEYS[name].expected_touchpoints() for name, weight in persona.journeys.items())
    return weighed / sum(persona.journeys.values())


TOUCHPOINTS_PER_VISIT = {persona: _touchpoints_per_visit(persona) for persona in PERSONAS}
