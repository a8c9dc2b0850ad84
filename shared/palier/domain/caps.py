"""Step 8: how many touchpoints of a type score per UTC day, and per object and day.

Per day and type the state holds a row of seven bytes for each touchpoint that scored, in order of arrival: a digest of
its object (of the empty string for one without, and where objects are not capped), and its mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from palier.domain.digests import SHORT, short_digest_of
from palier.domain.limits import DAY_MS, LATENESS_MS
from palier.domain.remembered import MARK

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledRule
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

ROW: Final = SHORT + MARK
NO_OBJECT: Final = short_digest_of("")


def use_cap(state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, mark: bytes) -> bool:
    """True if the touchpoint may score, and then every counter of its rule has gone up; False if any was full."""
    day = touchpoint.occurred_at // DAY_MS
    today = state.caps.get(day)
    rows = b"" if today is None else today.get(rule.ref, b"")
    if rule.per_day is not None and len(rows) >= rule.per_day * ROW:
        return False
    digest = NO_OBJECT
    if rule.per_object is not None:
        if touchpoint.object_id:
            digest = short_digest_of(touchpoint.object_id)
            if digest in rows and _count(digest, rows) >= rule.per_object:
                return False
        elif rule.per_day is None:
            return True  # nothing to count it by
    rows += digest + mark
    if today is None:
        if state.caps:
            _forget_days(state)
        state.caps[day] = {rule.ref: rows}
    else:
        today[rule.ref] = rows
    return True


def give_back(state: ContactState, occurred_at: int, mark: bytes) -> None:
    """A touchpoint scores no more: what it used of the counters of its day and type is free again."""
    day = occurred_at // DAY_MS
    today = state.caps.get(day)
    if today is None:
        return
    for type_, rows in today.items():
        for at in range(0, len(rows), ROW):
            if rows[at + SHORT : at + ROW] == mark:
                today[type_] = rows[:at] + rows[at + ROW :]
                if not today[type_]:
                    del today[type_]
                    if not today:
                        del state.caps[day]
                return


def _count(digest: bytes, rows: bytes) -> int:
    return sum(rows[at : at + SHORT] == digest for at in range(0, len(rows), ROW))


def _forget_days(state: ContactState) -> None:
    """Drops days that only late touchpoints could still ask for, once the day opened first is one of them."""
    caps, oldest = state.caps, (state.as_of - LATENESS_MS) // DAY_MS
    if next(iter(caps)) < oldest:
        state.caps = {day: used for day, used in caps.items() if day >= oldest}
