"""Distinct types and days: per slot of the pack, the newest time of each of the newest few.

A tier asks whether at least n lie after some moment, so the n newest answer for all; also after a reset, which drops
the oldest. A type is noted with its newest time, a UTC day with its newest millisecond of the day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palier.domain.limits import DAY_MS, NEVER

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, DistinctTest, Slot
    from palier.domain.state import ContactState
    from palier.domain.words import WordRef


def note_type(noted: dict[WordRef, int], ref: WordRef, occurred_at: int, most: int) -> None:
    """A touchpoint of a type has gained."""
    if ref not in noted:
        noted[ref] = occurred_at
        if len(noted) > most:
            del noted[min(noted, key=noted.__getitem__)]
    elif occurred_at > noted[ref]:
        noted[ref] = occurred_at


def note_day(noted: dict[Any, int], occurred_at: int, most: int) -> None:
    """A touchpoint has gained, on its UTC day."""
    day, millisecond = divmod(occurred_at, DAY_MS)
    if day not in noted:
        noted[day] = millisecond
        if len(noted) > most:
            del noted[min(noted)]
    elif millisecond > noted[day]:
        noted[day] = millisecond


def newest_times(noted: dict[Any, int], of: str) -> list[int]:
    """When each of the noted types or days last gained."""
    if of == "days":
        return [day * DAY_MS + millisecond for day, millisecond in noted.items()]
    return list(noted.values())


def count_newer(state: ContactState, test: DistinctTest) -> int:
    """How many types or days have gained strictly after the beginning of the window."""
    start = state.as_of - test.window_ms
    return sum(newest > start for newest in newest_times(state.distinct[test.slot], test.of))


def holds(state: ContactState, test: DistinctTest) -> bool:
    """The tier's distinct condition holds at `as_of`."""
    return len(state.distinct[test.slot]) >= test.at_least and count_newer(state, test) >= test.at_least


def forget_void(state: ContactState, axis: int, pack: CompiledPack) -> None:
    """After a reset of `axis`: what last gained at or before it no longer counts."""
    for place, slot in enumerate(pack.slots):
        if slot.axis == axis:
            state.distinct[place] = _newer(state.distinct[place], slot, state.reset_at[axis])


def forget_gain(state: ContactState, axis: int, occurred_at: int, left: int, pack: CompiledPack) -> None:
    """A gain of `axis` is taken back; `left`: the newest of its day that is left, NEVER if there is none.

    Which types are left nobody knows: one that was last seen at that moment is seen again with its next touchpoint.
    """
    day, millisecond = divmod(occurred_at, DAY_MS)
    for place, slot in enumerate(pack.slots):
        if slot.axis != axis:
            continue
        noted = state.distinct[place]
        if slot.of == "types":
            for ref in [ref for ref, newest in noted.items() if newest == occurred_at]:
                del noted[ref]
        elif noted.get(day) == millisecond:
            if left == NEVER:
                del noted[day]
            else:
                noted[day] = left % DAY_MS


def newest(noted: dict[WordRef, int], of: str, most: int) -> dict[WordRef, int]:
    """The newest few."""
    times = dict(zip(noted, newest_times(noted, of), strict=True))
    return {key: noted[key] for key in sorted(noted, key=times.__getitem__, reverse=True)[:most]}


def _newer(noted: dict[WordRef, int], slot: Slot, moment: int) -> dict[WordRef, int]:
    times = zip(noted.items(), newest_times(noted, slot.of), strict=True)
    return dict(item for item, newest in times if newest > moment)
