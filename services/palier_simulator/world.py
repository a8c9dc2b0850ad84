"""The simulated world: contacts visit, campaigns go out, and all of it arrives at the platform, in order of arrival.

Pure: no clock, no I/O; the same profile gives the same records. Time goes on in steps of a minute: its visits and
launches are played out at once, their touchpoints put into the minutes they will arrive in, and its arrivals sorted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING

from palier_simulator.campaigns import CAMPAIGNS
from palier_simulator.chance import Weighted, exponential
from palier_simulator.contacts import Contact, populate
from palier_simulator.journeys import JOURNEYS
from palier_simulator.mailing import Mailing
from palier_simulator.personas import PERSONAS
from palier_simulator.rhythm import DAY_MS, MINUTE_MS, ROUND_THE_CLOCK
from palier_simulator.upstream import Upstream
from palier_simulator.visit import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier_simulator.arrival import Arrival
    from palier_simulator.personas import Persona

MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
SECONDS_PER_DAY = 86_400
SIGNS_UP_AGAIN = 0.04  # chance, per visit, of somebody who allows us nothing
TRACKED_AFTER_ERASURE = 0.5
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
        self._minute = profile.start_ms // MINUTE_MS
        self._launches_from = -(-profile.start_ms // MINUTE_MS)  # the first whole minute
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
        while end_ms is None or self._minute * MINUTE_MS < end_ms:
            self._play(self._minute)
            arrivals = self._upstream.arriving(self._minute)
            if end_ms is not None and end_ms < (self._minute + 1) * MINUTE_MS:  # the end lies within it
                cut = bisect_left(arrivals, end_ms, key=attrgetter("at"))
                self._upstream.put_back(self._minute, arrivals[cut:])
                yield from arrivals[:cut]
                return
            yield from arrivals
            self._minute += 1

    def _play(self, minute: int) -> None:
        """Everything that begins in this minute."""
        if minute % MINUTES_PER_HOUR == 0 and minute >= self._launches_from:
            self._launches_from = minute + 1  # the minute in which the history ended is played again when it goes on
            self._launch(minute)
        while visits := self._visits.pop(minute, None):  # a hurried contact may come again within the minute
            for at, contact in visits:
                if at == contact.next_visit:  # else the plan has changed since
                    self._visit(contact, at)

    def _launch(self, minute: int) -> None:
        """Campaigns of this hour go out; some of their readers begin anew with us."""
        day, hour = divmod(minute // MINUTES_PER_HOUR, HOURS_PER_DAY)
        now = minute * MINUTE_MS
        for campaign in CAMPAIGNS:
            if campaign.hour == hour and campaign.launched_on(day):
                for contact in self._mailing.launch(campaign, now, self._contacts):
                    self._enter(contact, next(iter(contact.persona.phases)), now)
                    self._plan_next(contact, now)

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
        if contact.gone:
            self._after_erasure(contact, at)
        else:
            self._plan_next(contact, at)

    def _after_erasure(self, contact: Contact, at: int) -> None:
        """The tracker has often not heard of it yet; and a few come back, as somebody we know nothing about."""
        if self._random.random() < TRACKED_AFTER_ERASURE:
            self._visitor.play(JOURNEYS["look-in"], contact, at + int(exponential(self._random.random(), DAY_MS)))
        if self._random.random() < RETURNS_AFTER_ERASURE:
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
        self._visits[at // MINUTE_MS].append((at, contact))

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
