"""Step 5: was it a human? What speaks against it, and the verdict that follows.

Any strong evidence makes a bot, and so do as many kinds of weak evidence as the pack asks for; fewer make a suspect.
What the pack switches off is neither counted nor told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from palier.domain.digests import short_digest_of
from palier.domain.messages import (
    CLICKED,
    HAS_CONVICTION,
    HAS_DELIVERY,
    clicks_of,
    convicted_at,
    delivered_at,
    entries_of,
)
from palier.domain.outcome import BOT, HUMAN, SUSPECT
from palier.domain.remembered import came_at_once

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack
    from palier.domain.outcome import Verdict
    from palier.domain.pack import Trust
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

NO_EVIDENCE: Final[tuple[str, ...]] = ()


def verdict_of(evidence: tuple[str, ...], pack: CompiledPack) -> Verdict:
    """What the evidence amounts to."""
    if not evidence:
        return HUMAN
    if len(evidence) >= pack.trust.kinds_for_bot or not pack.strong_evidence.isdisjoint(evidence):
        return BOT
    return SUSPECT


def own_evidence(touchpoint: Touchpoint, trust: Trust) -> tuple[str, ...]:
    """What a touchpoint shows by itself, whatever came before it."""
    found = _own_strong(touchpoint, trust)
    if trust.head_request and _is_head_request(touchpoint):
        found.append("head-request")
    return tuple(found)


def evidence_of(
    state: ContactState, touchpoint: Touchpoint, row: bytes, kind: int, pack: CompiledPack
) -> tuple[str, ...]:
    """The same, and what the contact's memory shows.

    `row`: what is remembered of the message it opens or clicks, empty without one; `kind`: which of the two.
    """
    trust, t = pack.trust, touchpoint.occurred_at
    shows = touchpoint.bot or touchpoint.crawler or touchpoint.properties is not None
    found = _own_strong(touchpoint, trust) if shows else []
    if row:
        head = row[0]
        if head & HAS_CONVICTION and trust.reversal_ms and abs(t - convicted_at(row)) <= trust.reversal_ms:
            found.append("convicted")
        if kind == CLICKED and entries_of(row) >= pack.clicks_before_burst:
            _add_bursts(found, row, touchpoint, trust)
        if head & HAS_DELIVERY and 0 <= t - delivered_at(row) < trust.too_soon_ms:
            found.append("too-soon")
    if shows and trust.head_request and _is_head_request(touchpoint):
        found.append("head-request")
    flood = trust.flood
    if (
        flood
        and len(state.remembered) >= pack.flood_bytes
        and came_at_once(state, t, flood.touchpoints, flood.within_ms)
    ):
        found.append("flood")
    return tuple(found) if found else NO_EVIDENCE


def link_of(touchpoint: Touchpoint) -> str:
    """The link that was clicked; empty if none is told."""
    properties = touchpoint.properties
    link = None if properties is None else properties.get("link")
    return link if isinstance(link, str) else ""


def _own_strong(touchpoint: Touchpoint, trust: Trust) -> list[str]:
    found = []
    if touchpoint.bot and trust.flag:
        found.append("bot")
    if trust.honeypot and touchpoint.properties is not None and touchpoint.properties.get("honeypot") is True:
        found.append("honeypot")
    if touchpoint.crawler and trust.crawler:
        found.append("crawler")
    return found


def _is_head_request(touchpoint: Touchpoint) -> bool:
    properties = touchpoint.properties
    return properties is not None and properties.get("method") == "HEAD"


def _add_bursts(found: list[str], row: bytes, touchpoint: Touchpoint, trust: Trust) -> None:
    """Too many clicks of a message in too short a time, this one among them; or clicks on too many of its links."""
    clicks, t = clicks_of(row), touchpoint.occurred_at
    burst, links = trust.click_burst, trust.many_links
    if burst is not None and len(clicks) + 1 >= burst.clicks:
        times = [at for at, _ in clicks]
        if any(
            _count(times, start, burst.within_ms) + 1 >= burst.clicks for start in _starts(times, t, burst.within_ms)
        ):
            found.append("click-burst")
    link = link_of(touchpoint)
    if links is not None and link and len(clicks) + 1 >= links.links:
        own, linked = short_digest_of(link), [click for click in clicks if click[1]]
        for start in _starts([at for at, _ in linked], t, links.within_ms):
            end = start + links.within_ms
            if len({other for at, other in linked if start <= at <= end} | {own}) >= links.links:
                found.append("many-links")
                break


def _starts(times: list[int], t: int, within_ms: int) -> list[int]:
    """Where the spans may begin that end no earlier than `t`."""
    return [t, *(at for at in times if t - within_ms <= at < t)]


def _count(times: list[int], start: int, within_ms: int) -> int:
    end = start + within_ms
    return sum(start <= at <= end for at in times)
