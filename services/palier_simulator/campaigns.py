"""What marketing sends: campaigns as data, each launched on fixed days of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier_simulator.contacts import Contact


@dataclass(frozen=True, slots=True, eq=False)
class Campaign:
    """A message sent to everybody who allows it and belongs to its audience.

    Attributes:
        name: with the date of the launch, the `campaign_id`.
        channel: email or push.
        first_day: a day of launch, in days since 1970-01-01 (a Thursday).
        every_days: days between launches.
        hour: hour of the launch, UTC.
        leads_to: journeys that a click begins (name -> weight).
        personas: names of the personas addressed; empty: all.
        phases: names of the phases addressed; empty: all.
        lift: factor on the personas' chance of opening.
        revives: chance that a click starts the contact's life with us anew (its first phase).
    """

    name: str
    channel: str
    first_day: int
    every_days: int
    hour: int
    leads_to: Mapping[str, float]
    personas: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    lift: float = 1.0
    revives: float = 0.1

    def launched_on(self, day: int) -> bool:
        """Whether it goes out on this day since 1970-01-01."""
        return (day - self.first_day) % self.every_days == 0

    def addresses(self, contact: Contact) -> bool:
        """Whether the contact is in the audience and lets us write on this channel."""
        return (
            self.channel in contact.allows
            and (not self.personas or contact.persona.name in self.personas)
            and (not self.phases or contact.phase in self.phases)
        )


MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = 4, 5, 6, 7, 8, 9

CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign("weekly-letter", "email", TUESDAY, 7, 6, {"read": 6, "watch": 2, "browse": 1, "answer-mail": 0.2}),
    Campaign("weekend-tips", "push", FRIDAY, 7, 15, {"play": 3, "read": 2, "browse": 2}, lift=0.5),
    Campaign("new-arrivals", "email", THURSDAY, 28, 9, {"browse": 4, "shop": 3}, frozenset({"shopper", "fan", "critic"})),
    Campaign("season-sale", "email", WEDNESDAY, 91, 5, {"shop": 6, "browse": 3}, lift=1.5, revives=0.4),
    Campaign("webinar-invitation", "email", MONDAY, 49, 10, {"webinar": 1}, frozenset({"reader", "fan"}), lift=0.8),
    Campaign("win-back", "email", MONDAY, 35, 8, {"browse": 3, "read": 3}, phases=frozenset({"away", "sulking"}), revives=0.6),
    Campaign("tell-us", "email", SATURDAY, 42, 9, {"praise": 3, "discuss": 1}, frozenset({"shopper", "fan", "critic"})),
    Campaign("bring-a-friend", "email", SATURDAY, 63, 10, {"refer": 3, "share": 1}, frozenset({"fan", "shopper"})),
)  # fmt: skip
