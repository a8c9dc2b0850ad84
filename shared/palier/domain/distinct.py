"""Distinct types and days: per slot of the pack, the newest time of each of the newest few.

A tier asks whether at least n lie after some moment, so the n newest answer for all; also after a reset, which drops
the oldest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, DistinctTest
    from palier.domain.state import ContactState
    from palier.domain.words import WordRef


def note(noted: dict[WordRef, int], key: WordRef, occurred_at: int, most: int) -> None:
    """Something with a positive weight happened under `key` (a type, or a UTC day)."""
    if occurred_at > noted.get(key, -1):
        noted[key] = occurred_at
        if len(noted) > most:
            del noted[min(noted, key=noted.__getitem__)]


def count_newer(noted: dict[WordRef, int], moment: int) -> int:
    """How many were last seen strictly after `moment`."""
    return sum(newest > moment for newest in noted.values())


def holds(state: ContactState, test: DistinctTest) -> bool:
    """The tier's distinct condition holds at `as_of`."""
    noted = state.distinct[test.slot]
    return len(noted) >= test.at_least and count_newer(noted, state.as_of - test.window_ms) >= test.at_least


def forget_before(state: ContactState, axis: int, reset_at: int, pack: CompiledPack) -> None:
    """A reset of `axis`: what was last seen at or before it no longer counts."""
    for slot, noted in zip(pack.slots, state.distinct, strict=True):
        if slot.axis == axis:
            for key in [key for key, newest in noted.items() if newest <= reset_at]:
                del noted[key]
