"""The contributions a contact remembers: the latest 16 of every axis by arrival, and the five strongest of every axis.

A touchpoint that scored takes one slot, whatever axes it weighs on: its time (5 bytes of `times`), its weighting's code
(a byte of `codes`, see weightings.py), its mark (3 bytes of `marks`, see remembered.py) and, while it may be a reason,
which touchpoint it was (`evidence`). Per axis, `rings` lists the slots of the latest 16 contributions by arrival,
`strongest` those that may be reasons, strongest first (strongest.py). A slot that nobody lists is free, and is filled
again.

Five bytes hold the milliseconds since the contact's base, which is `era` times 17 years; it moves on when a touchpoint
lies 35 years past it, and what then lies before it is forgotten.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from palier.domain.limits import RING, STRONGEST
from palier.domain.remembered import MARK
from palier.domain.weightings import MOST_OWN, OWN, magnitudes_in, weights_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.domain.compiled import CompiledPack, Weighting
    from palier.domain.state import ContactState

TIME_BYTES: Final = 5
_TIME_BITS: Final = 8 * TIME_BYTES
_ERA_BITS: Final = _TIME_BITS - 1
AS_BYTES: Final = tuple(bytes((slot,)) for slot in range(256))
"""Each slot as the byte that lists it."""


def add_contribution(state: ContactState, occurred_at: int, weighting: Weighting, mark: bytes) -> int:
    """A contribution arrives and enters the ring of every axis it weighs on, as yet without evidence; gives its slot."""
    rings, axes = state.rings, weighting.axes
    for axis in axes:
        ring = rings[axis]
        if len(ring) == RING:
            rings[axis] = ring[1:]
            _leave_ring(state, axis, ring[0])
    slot = _fill_slot(state, occurred_at, weighting.code or _own_code(state, weighting.word), mark)
    as_byte = AS_BYTES[slot]
    for axis in axes:
        rings[axis] += as_byte
    return slot


def _fill_slot(state: ContactState, occurred_at: int, code: bytes, mark: bytes) -> int:
    since_base = occurred_at - (state.era << _ERA_BITS)
    if since_base >> _TIME_BITS:
        _move_base(state, occurred_at)
        since_base = occurred_at - (state.era << _ERA_BITS)
    time, free, times, codes = since_base.to_bytes(TIME_BYTES, "big"), state.free, state.times, state.codes
    if not free:
        state.times = times + time
        state.codes = codes + code
        state.marks += mark
        return len(codes)
    slot = free[0]
    at = slot * TIME_BYTES
    state.free = free[1:]
    state.times = times[:at] + time + times[at + TIME_BYTES :]
    marks, at = state.marks, slot * MARK
    state.marks = marks[:at] + mark + marks[at + MARK :]
    if codes[slot] != code[0]:
        state.codes = codes[:slot] + code + codes[slot + 1 :]
    return slot


def _leave_ring(state: ContactState, axis: int, slot: int) -> None:
    """A slot has left the ring of an axis. Behind the five strongest, only what is in the ring may be a reason."""
    if slot not in state.evidence:
        free_unlisted(state, slot)
    elif state.strongest[axis].find(slot, STRONGEST) >= 0:
        state.strongest[axis] = state.strongest[axis].replace(AS_BYTES[slot], b"")
        drop_evidence(state, slot)


def drop_evidence(state: ContactState, slot: int) -> None:
    """A slot has left the list of strongest contributions of an axis: unless another axis lists it, it gives no reasons."""
    for slots in state.strongest:
        if slot in slots:
            return
    state.evidence.pop(slot, None)
    free_unlisted(state, slot)


def free_unlisted(state: ContactState, slot: int) -> None:
    """A slot without evidence is free once it is in no ring."""
    for ring in state.rings:
        if slot in ring:
            return
    state.free += AS_BYTES[slot]


def time_of(state: ContactState, slot: int) -> int:
    """When the touchpoint of a slot occurred."""
    since_base = int.from_bytes(state.times[slot * TIME_BYTES : (slot + 1) * TIME_BYTES], "big")
    return since_base + (state.era << _ERA_BITS)


def _move_base(state: ContactState, occurred_at: int) -> None:
    """Moves the base to 17 to 35 years before a touchpoint, and forgets what lies before it."""
    era = max(0, (occurred_at >> _ERA_BITS) - 1)
    times = []
    for slot in range(len(state.codes)):
        since_base = time_of(state, slot) - (era << _ERA_BITS)
        if since_base < 0 and slot not in state.free:
            state.rings = [ring.replace(AS_BYTES[slot], b"") for ring in state.rings]
            state.strongest = [others.replace(AS_BYTES[slot], b"") for others in state.strongest]
            drop_evidence(state, slot)
        times.append(max(0, since_base).to_bytes(TIME_BYTES, "big"))
    state.era, state.times = era, b"".join(times)


def points_of(state: ContactState, axis: int, pack: CompiledPack) -> Sequence[float]:
    """What each code adds to an axis, 0 for one that does not weigh on it."""
    points = pack.points[axis]
    if state.weightings:
        name = pack.axes[axis]
        points = (*points, *(weights_of(word).get(name, 0.0) for word in state.weightings))
    return points


def magnitudes_of(state: ContactState, axis: int, pack: CompiledPack) -> Sequence[float]:
    """log2 of the same without their sign."""
    magnitudes = pack.magnitudes[axis]
    if state.weightings:
        name = pack.axes[axis]
        magnitudes = (*magnitudes, *(magnitudes_in(word).get(name, -inf) for word in state.weightings))
    return magnitudes


def _own_code(state: ContactState, word: str) -> bytes:
    """The code of a weighting that is not well known: its place in the contact's own list, made if need be."""
    if word not in state.weightings:
        if len(state.weightings) == MOST_OWN:
            _collect_weightings(state)
        state.weightings.append(word)
    return AS_BYTES[OWN + state.weightings.index(word)]


def _collect_weightings(state: ContactState) -> None:
    """Makes room in the contact's own list.

    A pack has fewer weightings than fit, so it takes several packs to fill the list with weightings all in use; then
    the axis with the most contributions forgets one.
    """
    while len(used := _own_codes_in_use(state)) == MOST_OWN:
        axis = max(range(len(state.rings)), key=lambda axis: len(state.rings[axis]) + len(state.strongest[axis]))
        slot = (state.rings[axis] or state.strongest[axis])[0]
        state.rings[axis] = state.rings[axis].replace(AS_BYTES[slot], b"")
        state.strongest[axis] = state.strongest[axis].replace(AS_BYTES[slot], b"")
        drop_evidence(state, slot)
    renumbered = bytearray(range(256))
    for place, code in enumerate(used):
        renumbered[code] = OWN + place
    state.weightings = [state.weightings[code - OWN] for code in used]
    state.codes = state.codes.translate(renumbered)


def _own_codes_in_use(state: ContactState) -> list[int]:
    free = state.free
    return sorted({code for slot, code in enumerate(state.codes) if code >= OWN and slot not in free})
