"""A campaign goes out: delivered, opened (by people or machines), clicked, answered with a visit or with a farewell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from palier_simulator.campaigns import CAMPAIGNS, Campaign
from palier_simulator.chance import Weighted, exponential
from palier_simulator.journeys import JOURNEYS
from palier_simulator.rhythm import HOUR_MS
from palier_simulator.sources import MAILER, PUSH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

    from palier_simulator.contacts import Contact
    from palier_simulator.upstream import Upstream
    from palier_simulator.visit import Visitor

SENT_WITHIN_MS = 50 * 60_000
BOUNCES = 0.004
OPENED_BY_MACHINE = 0.25  # a mail client's privacy proxy fetches the pictures, whoever reads
COMPLAINS = 0.15  # of those who leave because of a mail
OPENED_AFTER_DAYS = 0.2  # mean, in active time
BARELY_THERE = 0.02  # visits a day below which a contact hardly looks at mail
BARELY_OPENS = 0.3
LINKS = 6

LEADS_TO = {campaign: Weighted(campaign.leads_to) for campaign in CAMPAIGNS}


class Mailing:
    """The mailer and the push gateway."""

    def __init__(self, upstream: Upstream, visitor: Visitor, random: Random) -> None:
        self._upstream = upstream
        self._visitor = visitor
        self._random = random.random

    def launch(self, campaign: Campaign, at: int, contacts: Iterable[Contact]) -> Iterator[Contact]:
        """Sends the campaign at `at` (ms) to its audience. Yields the contacts it revives."""
        campaign_id = f"{campaign.name}-{datetime.fromtimestamp(at // 1000, UTC):%Y-%m-%d}"
        for contact in contacts:
            if campaign.addresses(contact):
                delivered_at = at + int(self._random() * SENT_WITHIN_MS)
                if self._deliver(campaign, campaign_id, contact, delivered_at):
                    yield contact

    def _deliver(self, campaign: Campaign, campaign_id: str, contact: Contact, at: int) -> bool:
        """One message, from delivery to click. True if it revives the contact."""
        random, report, persona = self._random, self._upstream.report, contact.persona
        channel, message = campaign.channel, f"{campaign.channel}-{campaign_id}"
        source = MAILER if channel == "email" else PUSH
        if channel == "email" and random() < BOUNCES:
            report(contact, source, "email.bounced", at, object_id=message, campaign_id=campaign_id)
            return False
        report(contact, source, f"{channel}.delivered", at, object_id=message, campaign_id=campaign_id)
        if random() < persona.unsubscribes:
            self._leave(campaign_id, contact, channel, at + int(exponential(random(), HOUR_MS)))
            return False
        if channel == "email" and random() < OPENED_BY_MACHINE:
            report(contact, source, "email.opened", at + 3_000, object_id=message, campaign_id=campaign_id, proxy=True)
        attention = BARELY_OPENS if persona.phases[contact.phase].visits < BARELY_THERE else 1.0
        if random() >= persona.opens * campaign.lift * attention:
            return False
        offset = contact.zone.utc_offset_ms
        at = persona.rhythm.later(at + offset, exponential(random(), OPENED_AFTER_DAYS)) - offset
        report(contact, source, f"{channel}.opened", at, object_id=message, campaign_id=campaign_id)
        if random() >= persona.clicks:
            return False
        at += int(exponential(random(), 40_000))
        link = f"link-{1 + int(random() * LINKS)}-{campaign_id}"
        report(contact, source, f"{channel}.clicked", at, object_id=link, campaign_id=campaign_id)
        self._visitor.play(JOURNEYS[LEADS_TO[campaign].pick(random())], contact, at + 2_000, campaign_id)
        return random() < campaign.revives

    def _leave(self, campaign_id: str, contact: Contact, channel: str, at: int) -> None:
        """The contact has had enough of us on this channel, or altogether."""
        if channel == "push":
            self._upstream.report(contact, PUSH, "consent.withdrawn", at, campaign_id=campaign_id)
            contact.allows.discard("push")
        elif self._random() < COMPLAINS:
            self._upstream.report(contact, MAILER, "email.complained", at, campaign_id=campaign_id)
            contact.allows.clear()
        else:
            self._upstream.report(contact, MAILER, "email.unsubscribed", at, campaign_id=campaign_id)
            contact.allows.discard("email")
