"""Golden timelines: what happens to a contact and what comes of it, as lines that a newcomer reads without a manual.

A line is a moment, what happened, and after `|` the scores it left behind (points, cut to one decimal), in brackets the
verdict if it is not human, with what it rests on, and after `->` the headline tier it led to, with the cause. A line
without a touchpoint is a demotion: nothing happened.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from domain_kit.contact import Contact, moment
from palier.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.domain.outcome import TierChange

_LINE = re.compile(
    r"d(?P<day>\d+) +(?P<time>(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d(\.\d{3})?))?) +(?P<what>[^|]+?) *(\|.*)?"
)
_NOTHING = "nothing happens"
_LATER = "..."


class Line(NamedTuple):
    """When, what, what it left behind, and the tier it led to."""

    when: str
    what: str
    left: str
    tier: str


def replayed(text: str) -> str:
    """The timeline told anew: its title and what happened are taken from `text`, all that came of it is folded."""
    title, _, body = text.partition("\n\n")
    contact, lines = Contact(), []
    for line in body.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a line of a timeline: {line!r}")
        if match["what"] != _LATER:
            lines += _told(contact, match)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told = "\n".join(_written(line, widths) for line in lines)
    return f"{title}\n\n{told}\n"


def _told(contact: Contact, match: re.Match[str]) -> Iterator[Line]:
    """A line for each demotion that was due, then one for what happened."""
    what, ms = match["what"], round(float(match["second"] or 0) * SECOND_MS)
    when = int(match["day"]), int(match["hour"]), int(match["minute"]), ms
    verdict = ""
    if what == _NOTHING:
        changes, left = contact.waits(*when), None
    else:
        type_, *members = what.split()
        outcome = contact.does(type_, *when, **_members(members))
        changes = outcome.changes
        left = None if outcome.name in ("scored", "noted") else outcome.name
        if outcome.evidence:
            verdict = f" [{outcome.verdict}: {', '.join(outcome.evidence)}]"
    own = ""
    for change in changes:
        if change.cause == "inactivity":
            yield Line(_when(change.occurred_at), _LATER, _scores(change.scores), _tier(change))
        else:
            own = _tier(change)
    scores = dict(zip(contact.pack.compiled.axes, contact.state.scores, strict=False))  # an erased contact has none
    told = f"{left or _scores(scores)}{verdict}".strip()
    yield Line(f"d{match['day']:<4} {match['time']}", what, told, own)


def _members(texts: list[str]) -> dict[str, object]:
    """What a line says of a touchpoint beside its type."""
    names = {"object": "object_id", "campaign": "campaign_id", "agent": "crawler", "revokes": "id"}
    values = {"rating": int, "bot": "yes".__eq__, "honeypot": "yes".__eq__, "crawler": "crawler".__eq__}
    members: dict[str, object] = {}
    properties: dict[str, object] = {}
    for name, _, value in (text.partition("=") for text in texts):
        member = names.get(name, name)
        into = properties if name in ("link", "method", "honeypot", "revokes") else members
        into[member] = values.get(member, str)(value)
    return members | {"properties": properties} if properties else members


def _when(at: int) -> str:
    day, rest = divmod(at - moment(), DAY_MS)
    hour, minute = divmod(rest // MINUTE_MS, HOUR_MS // MINUTE_MS)
    return f"d{day:<4} {hour:02}:{minute:02}"


def _written(line: Line, widths: list[int]) -> str:
    when, what, left, tier = (text.ljust(width) for text, width in zip(line, widths, strict=True))
    return f"{when}  {what} | {left}  {tier}".rstrip()


def _scores(scores: dict[str, float]) -> str:
    return ", ".join(f"{axis} {int(score * 10) / 10:g}" for axis, score in scores.items() if score >= 0.1)


def _tier(change: TierChange) -> str:
    also = ""
    if change.direction == "lateral":
        also = "".join([f" +{name}" for name in change.gained] + [f" -{name}" for name in change.lost])
    return f"-> {change.to_tier}{also} ({change.cause})"
