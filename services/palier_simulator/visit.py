"""One visit: a contact walks through the steps of a journey, and each step becomes a touchpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from palier_simulator.chance import exponential
from palier_simulator.contacts import Contact
from palier_simulator.objects import choose
from palier_simulator.sources import APP

if TYPE_CHECKING:
    from random import Random

    from palier_simulator.journeys import Journey
    from palier_simulator.upstream import Upstream

MEAN_CENTS = 6_000


class Visitor:
    """Plays journeys and remembers what the contact allows us afterwards."""

    def __init__(self, upstream: Upstream, random: Random) -> None:
        self._upstream = upstream
        self._random = random

    def play(self, journey: Journey, contact: Contact, at: int, campaign_id: str | None = None) -> None:
        """Reports every step the contact takes from `at` (ms) on."""
        random = self._random.random
        source = APP if journey.anywhere and contact.prefers_app else journey.source
        about: dict[str, str] = {}
        first = True
        for step in journey.steps:
            if random() >= step.chance:
                if step.needed:
                    return
                continue
            for _ in range(1 + int(random() * step.times)):
                if not first:
                    at += int(exponential(random(), step.pause) * 1_000)
                first = False
                if step.about is not None and (step.fresh or step.about not in about):
                    about[step.about] = choose(step.about, self._random)
                self._upstream.report(
                    contact,
                    source,
                    step.type,
                    at,
                    channel=step.channel,
                    object_id=about[step.about] if step.about is not None else None,
                    campaign_id=campaign_id,
                    rating=self._rating(contact) if step.rated else None,
                    value=self._amount(contact) if step.paid else None,
                )
            if step.type in CONSENTS:
                CONSENTS[step.type](contact, step.channel or source.channel)

    def _rating(self, contact: Contact) -> int:
        ratings = contact.persona.ratings
        return ratings[int(self._random.random() * len(ratings))]

    def _amount(self, contact: Contact) -> dict[str, str]:
        cents = 500 + int(exponential(self._random.random(), MEAN_CENTS))
        return {"amount": f"{cents // 100}.{cents % 100:02d}", "currency": contact.zone.currency}


def _erase(contact: Contact) -> None:
    contact.allows.clear()
    contact.gone = True


Effect = Callable[[Contact, str], object]

# What a step changes in the world itself: whom campaigns may still address.
CONSENTS: dict[str, Effect] = {
    "newsletter.subscribed": lambda contact, _: contact.allows.add("email"),
    "notification.subscribed": lambda contact, _: contact.allows.add("push"),
    "consent.granted": lambda contact, channel: contact.allows.add(channel),
    "consent.withdrawn": lambda contact, channel: contact.allows.discard(channel),
    "contact.erased": lambda contact, _: _erase(contact),
}
