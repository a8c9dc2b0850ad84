"""Steps 6 and 9: decay, resets, and what a touchpoint adds."""

from __future__ import annotations

from math import exp2
from typing import TYPE_CHECKING

from palier.domain.contributions import add_contribution, points_of, time_of
from palier.domain.distinct import forget_void, note_day, note_type
from palier.domain.evidence import pack_evidence
from palier.domain.limits import RESET_TOLERANCE_MS
from palier.domain.strongest import delist_void, enlist

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, CompiledRule, Weighting
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint


def advance(state: ContactState, moment: int, pack: CompiledPack) -> None:
    """Decays every axis to `moment`, which becomes `as_of`; never backwards."""
    elapsed = state.as_of - moment
    if elapsed < 0:
        scores, half_lives = state.scores, pack.half_lives
        for axis, score in enumerate(scores):
            if score:
                scores[axis] = score * exp2(elapsed / half_lives[axis])
        state.as_of = moment


def contribute(
    state: ContactState,
    touchpoint: Touchpoint,
    rule: CompiledRule,
    weighting: Weighting,
    mark: bytes,
    pack: CompiledPack,
) -> None:
    """Adds what a touchpoint that scores weighs; where a reset has made it void it only takes its place in the ring."""
    t, as_of, scores, reset_at = touchpoint.occurred_at, state.as_of, state.scores, state.reset_at
    slot, listed = add_contribution(state, t, weighting, mark), False
    for part in weighting.parts:
        axis, points = part.axis, part.points
        if t > reset_at[axis]:
            score = scores[axis] + (points if t == as_of else points * exp2((t - as_of) / part.half_life))
            scores[axis] = 0 if points < 0 and score < 0 else score
            days, types = part.days, part.types
            if days is not None:
                note_day(state.distinct[days.place], t, days.most)
            if types is not None:
                note_type(state.distinct[types.place], rule.ref, t, types.most)
            if enlist(state, slot, part, pack):
                listed = True
    if listed:
        state.evidence[slot] = pack_evidence(state, touchpoint)


def reset(state: ContactState, occurred_at: int, axes: tuple[int, ...], pack: CompiledPack) -> None:
    """Nothing the axes gained up to five minutes past `occurred_at` counts any more, whenever it arrives."""
    reset_at = occurred_at + RESET_TOLERANCE_MS
    for axis in axes:
        if reset_at > state.reset_at[axis]:
            state.reset_at[axis] = reset_at
            state.scores[axis] = min(state.scores[axis], _remaining(state, axis, pack))
            forget_void(state, axis, pack)
            delist_void(state, axis)


def _remaining(state: ContactState, axis: int, pack: CompiledPack) -> float:
    """What the contributions of the ring that are newer than the axis' reset are worth at `as_of`."""
    half_life, points = pack.half_lives[axis], points_of(state, axis, pack)
    remaining = 0.0
    for slot in state.rings[axis]:
        t = time_of(state, slot)
        if t > state.reset_at[axis]:
            remaining += points[state.codes[slot]] * exp2((t - state.as_of) / half_life)
    return max(0, remaining)  # an integer zero is a byte in the encoded state, a float nine
