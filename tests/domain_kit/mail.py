"""A pack with messages and everything that tells humans from machines, in numbers that are easy to add up."""

from __future__ import annotations

from dataclasses import replace

from domain_kit.contact import small_pack
from palier.domain.limits import MINUTE_MS, SECOND_MS
from palier.domain.pack import ClickBurst, Flood, ManyLinks, Rule, RulePack, Trust

TRUST = Trust(
    flag=True,
    honeypot=True,
    crawler=True,
    head_request=True,
    too_soon_ms=2 * SECOND_MS,
    click_burst=ClickBurst(clicks=3, within_ms=SECOND_MS, reverses=True),
    many_links=ManyLinks(links=3, within_ms=2 * SECOND_MS, reverses=True),
    flood=Flood(touchpoints=30, within_ms=MINUTE_MS),
    suspect=0.5,
    kinds_for_bot=2,
    reversal_ms=10 * SECOND_MS,
)
GENTLE = replace(
    TRUST,
    click_burst=replace(TRUST.click_burst, reverses=False),
    many_links=replace(TRUST.many_links, reverses=False),
)
"""Bursts are weak evidence."""


def mail_pack(trust: Trust = TRUST, **changes) -> RulePack:
    """The small pack, and mail: an open is worth 1, a click 2, without caps."""
    pack = small_pack()
    rules = dict(pack.rules) | {
        rule.type: rule
        for rule in (
            Rule("mail.sent", message="delivered"),
            Rule("mail.opened", {"warmth": 1}, message="opened"),
            Rule("mail.clicked", {"warmth": 2}, message="clicked"),
            Rule("mail.clicked.capped", {"warmth": 2}, per_day=1, message="clicked"),
        )
    }
    return replace(pack, rules=rules | changes.pop("rules", {}), trust=trust, **changes)
