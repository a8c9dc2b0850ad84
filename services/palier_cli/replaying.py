"""The same fold as the worker's, over a log and without Kafka. No clock, no files: lines in, tier changes out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal
from palier.domain.demotion import expire
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier_cli.judgement import Judgement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack


@dataclass(slots=True)
class Replay:
    """What a replay has come to."""

    contacts: dict[str, ContactState] = field(default_factory=dict)
    """Every contact in order of first appearance; of an erased one only its stub."""
    lines: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Touchpoints by the name of their outcome."""
    judgement: Judgement = field(default_factory=Judgement)
    causes: Counter[str] = field(default_factory=Counter)
    """Tier changes by cause."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Refused lines by reason."""


def replay(
    lines: Iterable[bytes],
    pack: RulePack,
    *,
    latest_ms: int,
    until_ms: int | None,
    changed: Callable[[TierChange, int], None],
    refused: Callable[[int, Refusal], None],
) -> Replay:
    """Fold a log in order of arrival, then, with `until_ms`, take every demotion due at or before it.

    Args:
        lines: one touchpoint each, as JSON.
        pack: the rules.
        latest_ms: a touchpoint that claims to be later than this (plus 5 min for clocks that differ) is refused.
        until_ms: None leaves every contact as its own last touchpoint left it.
        changed: called with each tier change and its recorded_at: the largest occurred_at read so far.
        refused: called with the number of each refused line, from 1, and why.
    """
    result = Replay()
    contacts, outcomes, causes = result.contacts, result.outcomes, result.causes
    newest = number = 0
    for number, line in enumerate(lines, start=1):
        touchpoint = decode_line(line, latest_ms)
        if isinstance(touchpoint, Refusal):
            result.refusals[touchpoint.reason.value] += 1
            refused(number, touchpoint)
            continue
        newest = max(newest, touchpoint.occurred_at)
        state = contacts.get(touchpoint.contact_id)
        if state is None:
            state = contacts[touchpoint.contact_id] = ContactState.new()
        outcome = fold(state, touchpoint, pack)
        outcomes[outcome.name] += 1
        result.judgement.add(outcome)
        for change in outcome.changes:
            causes[change.cause] += 1
            changed(change, newest)
    result.lines = number
    if until_ms is not None:
        for contact_id, state in contacts.items():
            for change in expire(state, contact_id, until_ms, pack):
                causes[change.cause] += 1
                changed(change, until_ms)
    return result
