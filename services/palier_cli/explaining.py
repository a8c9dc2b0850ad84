"""One contact's story out of a log: the state at a moment and every tier change up to it. Pure: lines in, a value out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from palier.contracts.decoding import decode_line
from palier.contracts.moments import format_moment
from palier.contracts.refusal import Refusal
from palier.contracts.tier_change import tier_change_json
from palier.domain.demotion import expire
from palier.domain.explain import explain
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier_cli.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from palier.domain.explain import Explanation
    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack

MOMENTS: Final = frozenset({"at", "erased_at", "since", "lost_at", "occurred_at"})


@dataclass(slots=True)
class Story:
    """What a log tells of one contact up to a moment."""

    contact_id: str
    at_ms: int = 0
    """The moment told: the one asked for, else the newest occurred_at of the log."""
    touchpoints: int = 0
    """The contact's, up to that moment."""
    left_out: int = 0
    """The contact's, from after that moment."""
    refused: int = 0
    """Lines that are no touchpoint, anybody's."""
    judgement: Judgement = field(default_factory=Judgement)
    changes: list[TierChange] = field(default_factory=list)
    state: ContactState = field(default_factory=ContactState.new)


def tell(lines: Iterable[bytes], contact_id: str, pack: RulePack, *, latest_ms: int, at_ms: int | None) -> Story:
    """Fold one contact's touchpoints, in order of arrival, up to a moment, and let the demotions due until then happen.

    Args:
        lines: one touchpoint each, as JSON; those of other contacts only move the log's present.
        contact_id: whose story.
        pack: the rules.
        latest_ms: a touchpoint that claims to be later than this (plus 5 min for clocks that differ) is refused.
        at_ms: the moment; touchpoints from after it have not happened yet. None: the newest occurred_at of the log.
    """
    story = Story(contact_id)
    for line in lines:
        touchpoint = decode_line(line, latest_ms)
        if isinstance(touchpoint, Refusal):
            story.refused += 1
            continue
        story.at_ms = max(story.at_ms, touchpoint.occurred_at)
        if touchpoint.contact_id != contact_id:
            continue
        if at_ms is not None and touchpoint.occurred_at > at_ms:
            story.left_out += 1
            continue
        story.touchpoints += 1
        outcome = fold(story.state, touchpoint, pack)
        story.changes += outcome.changes
        story.judgement.add(outcome)
    if at_ms is not None:
        story.at_ms = at_ms
    story.changes += expire(story.state, contact_id, story.at_ms, pack)
    return story


def explanation_of(story: Story, pack: RulePack) -> Explanation:
    """Where the contact stands at the story's moment."""
    return explain(story.state, story.at_ms, pack)


def to_json(explanation: Explanation, story: Story, pack: RulePack) -> bytes:
    """The explanation for machines: the members of `Explanation`, moments as RFC 3339, and the tier changes as events."""
    members = {
        "contact_id": story.contact_id,
        **_with_moments(asdict(explanation)),
        "changes": [msgspec.Raw(tier_change_json(change, pack, story.at_ms)) for change in story.changes],
        "judgement": story.judgement,
        "pack": {"name": pack.name, "version": pack.version, "digest": pack.digest},
    }
    return msgspec.json.format(msgspec.json.encode(members), indent=2)


def _with_moments(members: dict[str, Any]) -> dict[str, Any]:
    return {
        name: format_moment(value) if name in MOMENTS and value is not None else _deeper(value)
        for name, value in members.items()
    }


def _deeper(value: Any) -> Any:
    if isinstance(value, dict):
        return _with_moments(value)
    if isinstance(value, list | tuple):
        return [_deeper(item) for item in value]
    return value
