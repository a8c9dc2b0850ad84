"""Step 9, at its beginning: what was scored is taken back, because a machine did it or its source revokes it.

A contribution is found by its mark as long as a ring has it. What every ring has lost keeps its points.
"""

from __future__ import annotations

from math import exp2
from typing import TYPE_CHECKING, Final

from palier.domain.caps import give_back
from palier.domain.contributions import AS_BYTES, drop_evidence, points_of, time_of
from palier.domain.distinct import forget_gain
from palier.domain.limits import DAY_MS, NEVER
from palier.domain.messages import clear_entries
from palier.domain.remembered import MARK, digest_of, mark_of
from palier.domain.strongest import keep_strongest

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

_NOTHING: Final = 1e-9
"""A score below this is what rounding has left of none."""


class Reversal:
    """What one touchpoint has taken back of others."""

    def __init__(self) -> None:
        self.taken_back = 0
        """Touchpoints of which at least one axis gave something back."""
        self.not_reversible = 0
        """Touchpoints that at least one axis has lost out of its ring, or that are not known at all."""
        self.oldest_gain: dict[int, int] = {}
        """Per axis, the time of the oldest gain that was taken back and had counted."""


def reverse_message(state: ContactState, message: int, convicted_at: int, pack: CompiledPack) -> Reversal:
    """A message is convicted: whatever of it was scored around that time is a machine's too."""
    reversal = Reversal()
    for mark, occurred_at in clear_entries(state, message, convicted_at, pack.trust.reversal_ms):
        _take_back(state, mark, occurred_at, pack, reversal)
    return reversal


def revoke(state: ContactState, touchpoint: Touchpoint, pack: CompiledPack) -> Reversal:
    """The touchpoint names another one that is to count no more."""
    reversal, properties = Reversal(), touchpoint.properties or {}
    touchpoint_id, source = properties.get("id"), properties.get("source")
    if isinstance(touchpoint_id, str) and touchpoint_id:
        if not isinstance(source, str) or not source:
            source = touchpoint.source
        _take_back(state, mark_of(digest_of(source, touchpoint_id)), NEVER, pack, reversal)
    return reversal


def tiers_refused(state: ContactState, reversal: Reversal, pack: CompiledPack) -> int:
    """The earned tiers that may have been entered by what was taken back, and would not be entered without it.

    Leave thresholds are too kind to them: the slack between the two would let a scanner's lift stand.
    """
    refused, entered, gains = 0, iter(state.entered), reversal.oldest_gain
    for tier in pack.tiers:
        if tier.bit & state.earned:
            since = next(entered)
            asked = any(axis in gains and gains[axis] <= since for axis, _ in tier.enter)
            if asked and any(state.scores[axis] < limit for axis, limit in tier.enter):
                refused |= tier.bit
    return refused


def _take_back(state: ContactState, mark: bytes, occurred_at: int, pack: CompiledPack, reversal: Reversal) -> None:
    """Every contribution of that mark in the rings; only those of a time, unless it is NEVER."""
    found = []
    for ring in state.rings:
        for slot in ring:
            if (
                slot not in found
                and state.marks[slot * MARK : (slot + 1) * MARK] == mark
                and (occurred_at == NEVER or time_of(state, slot) == occurred_at)
            ):
                found.append(slot)
    if not found:
        reversal.not_reversible += 1
    for slot in found:
        reversal.taken_back += 1
        if _is_incomplete(state, slot, pack):
            reversal.not_reversible += 1
    # Axis by axis, on each in order of arrival: what happens on one does not touch the others.
    for axis in range(len(pack.axes)):
        for slot in state.rings[axis]:
            if slot in found:
                _leave_axis(state, axis, slot, pack, reversal)
    for slot in found:
        give_back(state, time_of(state, slot), mark)
        drop_evidence(state, slot)


def _is_incomplete(state: ContactState, slot: int, pack: CompiledPack) -> bool:
    """The ring of an axis it weighed on has lost it."""
    code = state.codes[slot]
    lost = [axis for axis, ring in enumerate(state.rings) if slot not in ring]
    return any(points_of(state, axis, pack)[code] for axis in lost)


def _leave_axis(state: ContactState, axis: int, slot: int, pack: CompiledPack, reversal: Reversal) -> None:
    t, as_byte, weights = time_of(state, slot), AS_BYTES[slot], points_of(state, axis, pack)
    points, counted = weights[state.codes[slot]], t > state.reset_at[axis]
    if counted:
        score = state.scores[axis] - points * exp2((t - state.as_of) / pack.half_lives[axis])
        state.scores[axis] = score if score >= _NOTHING else 0
        keep_strongest(state, axis)
        state.strongest[axis] = state.strongest[axis].replace(as_byte, b"")
    state.rings[axis] = state.rings[axis].replace(as_byte, b"")
    if counted and points > 0:
        reversal.oldest_gain[axis] = min(t, reversal.oldest_gain.get(axis, t))
        day = t // DAY_MS
        gains = [
            at
            for other in state.rings[axis]
            if weights[state.codes[other]] > 0
            and (at := time_of(state, other)) // DAY_MS == day
            and at > state.reset_at[axis]
        ]
        forget_gain(state, axis, t, max(gains, default=NEVER), pack)
