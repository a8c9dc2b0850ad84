"""States that an older release wrote, brought to the shape of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from palier.domain.caps import NO_OBJECT
from palier.domain.digests import SHORT
from palier.domain.evidence import unpack_evidence
from palier.domain.limits import NEVER
from palier.domain.remembered import MARK, NO_MARK, digest_of, mark_of

if TYPE_CHECKING:
    from palier.domain.state import ContactState
    from palier.domain.words import WordRef

_MOST_COUNTED: Final = 100_000
"""No cap is as high: a greater count is damage."""


def add_marks(state: ContactState) -> None:
    """For a state of versions 1 and 2, which did not mark what scored, nor note when a tier was entered.

    A contribution that may be a reason says which touchpoint it was; of others, and of what used a cap, it is lost.

    Raises:
        ValueError: no such state was ever written; other errors are possible for the same reason.
    """
    caps: dict[int, dict[WordRef, Any]] = state.caps
    state.caps = {day: {type_: _rows(used) for type_, used in of_day.items()} for day, of_day in caps.items()}
    marks = bytearray(MARK * len(state.codes))
    for slot, packed in state.evidence.items():
        if not 0 <= slot < len(state.codes):
            raise ValueError(f"slot {slot} of {len(state.codes)}")
        touchpoint_id, source = unpack_evidence(state, packed)[:2]
        marks[slot * MARK : (slot + 1) * MARK] = mark_of(digest_of(source, touchpoint_id))
    state.marks = bytes(marks)
    state.entered = [NEVER] * state.earned.bit_count()


def _rows(used: int | bytes) -> bytes:
    """Of a count, or of the digests of objects."""
    if isinstance(used, int):
        if not 0 <= used <= _MOST_COUNTED:
            raise ValueError(f"{used} touchpoints under one cap")
        return (NO_OBJECT + NO_MARK) * used
    return b"".join(used[at : at + SHORT] + NO_MARK for at in range(0, len(used), SHORT))
