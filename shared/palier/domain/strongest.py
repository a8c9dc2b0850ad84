"""The strongest contributions of an axis: the reasons of its tier changes.

All contributions of an axis decay alike, so their order by worth never changes: log2 of the weight (without its sign)
plus the time in half-lives, here called strength, orders them for good. The state lists, per axis, the slots of those
that may be reasons, strongest first: five, and on an axis that some rule resets a few more of the ring. For a reset
voids what is older than some moment, and then a contribution rises among the five unless five stronger ones are as new
as itself. That matters only for a reset that arrives out of order, so those few are let go when it would be late.
"""

from __future__ import annotations

from bisect import insort
from math import exp2
from typing import TYPE_CHECKING, Final

from palier.domain.contributions import AS_BYTES, TIME_BYTES, drop_evidence, magnitudes_of, points_of, time_of
from palier.domain.limits import LATENESS_MS, STRONGEST

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, Part
    from palier.domain.state import ContactState

_from_bytes: Final = int.from_bytes


def enlist(state: ContactState, slot: int, part: Part, pack: CompiledPack) -> bool:
    """Lists a new contribution where its strength ranks it; False if it is too weak."""
    axis, half_life, slots = part.axis, part.half_life, state.strongest[part.axis]
    times, codes = state.times, state.codes
    magnitudes = magnitudes_of(state, axis, pack) if state.weightings else pack.magnitudes[axis]
    at, rank = slot * TIME_BYTES, len(slots)
    new = part.magnitude + _from_bytes(times[at : at + TIME_BYTES], "big") / half_life
    while rank:
        other = slots[rank - 1]
        at = other * TIME_BYTES
        if new <= magnitudes[codes[other]] + _from_bytes(times[at : at + TIME_BYTES], "big") / half_life:
            break
        rank -= 1
    if rank >= STRONGEST and not part.fulfillable:
        return False
    kept = slots[:rank] + AS_BYTES[slot] + slots[rank:]
    if len(kept) <= STRONGEST:
        state.strongest[axis] = kept
        return True
    rising = _may_rise(state, axis, kept) if part.fulfillable else b""
    state.strongest[axis] = kept[:STRONGEST] + rising
    for other in kept[STRONGEST:]:
        if other not in rising:
            drop_evidence(state, other)
    return rank < STRONGEST or slot in rising


def delist_void(state: ContactState, axis: int) -> None:
    """After a reset: what it made void gives no reasons any more, nor what had left the ring before it."""
    slots, ring, reset_at = state.strongest[axis], state.rings[axis], state.reset_at[axis]
    horizon = state.as_of - LATENESS_MS
    kept = bytearray()
    for rank, slot in enumerate(slots):
        t = time_of(state, slot)
        if t > reset_at and slot in ring and (rank < STRONGEST or t > horizon):
            kept.append(slot)
    state.strongest[axis] = bytes(kept)
    for slot in slots:
        if slot not in kept:
            drop_evidence(state, slot)


def keep_strongest(state: ContactState, axis: int) -> None:
    """Nothing behind the five will rise any more, or nobody knows by which order."""
    slots = state.strongest[axis]
    state.strongest[axis] = slots[:STRONGEST]
    for slot in slots[STRONGEST:]:
        drop_evidence(state, slot)


def rank_anew(state: ContactState, pack: CompiledPack) -> None:
    """For a pack with other half-lives: puts every list in the order of the strengths they make."""
    for axis, half_life in enumerate(pack.half_lives):
        magnitudes, slots = magnitudes_of(state, axis, pack), state.strongest[axis]
        ranked = [(magnitudes[state.codes[slot]] + time_of(state, slot) / half_life, slot) for slot in slots]
        state.strongest[axis] = bytes(slot for _, slot in sorted(ranked, reverse=True))


def strongest(state: ContactState, axis: int, pack: CompiledPack) -> list[tuple[float, float, int, bytes]]:
    """Worth at `as_of`, weight, time and evidence of the contributions of an axis that may be reasons."""
    half_life, points = pack.half_lives[axis], points_of(state, axis, pack)
    found = []
    for slot in state.strongest[axis]:
        weight, t = points[state.codes[slot]], time_of(state, slot)
        found.append((weight * exp2((t - state.as_of) / half_life), weight, t, state.evidence[slot]))
    return found


def _may_rise(state: ContactState, axis: int, slots: bytes) -> bytes:
    """Of those behind the five strongest, the ones that a reset yet to come, though not a late one, could bring up."""
    ring, horizon = state.rings[axis], state.as_of - LATENESS_MS
    newest = sorted(time_of(state, slot) for slot in slots[:STRONGEST])
    rising = bytearray()
    for slot in slots[STRONGEST:]:
        t = time_of(state, slot)
        if t > horizon and t > newest[-STRONGEST] and slot in ring:
            rising.append(slot)
        insort(newest, t)
    return bytes(rising)
