"""Step 9: what touchpoints add to the axes, what is remembered of it, and resets.

Per axis the state keeps a ring of its latest 16 contributions by arrival, as rows of 8 bytes (time and hundredths of a
point): enough to recompute the axis after a reset. And it keeps the five of greatest worth, strongest first, each a
row followed by its evidence: the reasons of a tier change. All contributions of an axis decay alike, so their order
never changes, and log2 of the weight plus the time in half-lives orders them for good.
"""

from __future__ import annotations

from bisect import insort
from math import exp2, log2
from struct import Struct
from typing import TYPE_CHECKING, Final

from palier.domain import distinct
from palier.domain.compiled import POINTS, CompiledPack, CompiledRule, Weight
from palier.domain.evidence import pack_evidence
from palier.domain.limits import DAY_MS, LATENESS_MS, RESET_TOLERANCE_MS, RING, STRONGEST

if TYPE_CHECKING:
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

ROW: Final = Struct(">HIh")
_RING_BYTES: Final = RING * ROW.size


def advance(state: ContactState, moment: int, pack: CompiledPack) -> None:
    """Decays every axis to `moment`, which becomes `as_of`; not backwards."""
    elapsed = state.as_of - moment
    if elapsed < 0:
        state.scores = [
            score * exp2(elapsed / half_life) for score, half_life in zip(state.scores, pack.half_lives, strict=True)
        ]
        state.as_of = moment


def contribute(
    state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, weights: tuple[Weight, ...], pack: CompiledPack
) -> None:
    """Adds the weights of a touchpoint that scores; where a reset has made it void it only takes its place in the ring."""
    t = touchpoint.occurred_at
    evidence = b""
    for axis, points, hundredths, days_slot, types_slot in weights:
        row = ROW.pack(t >> 32, t & 0xFFFF_FFFF, hundredths)
        state.rings[axis] = (state.rings[axis] + row)[-_RING_BYTES:]
        if t <= state.reset_at[axis]:
            continue
        half_life = pack.half_lives[axis]
        state.scores[axis] = max(0.0, state.scores[axis] + points * exp2((t - state.as_of) / half_life))
        if days_slot is not None:
            distinct.note(state.distinct[days_slot], t // DAY_MS, t, pack.slots[days_slot].most)
        if types_slot is not None:
            distinct.note(state.distinct[types_slot], rule.ref, t, pack.slots[types_slot].most)
        strongest = state.strongest[axis]
        if (
            axis in pack.fulfillable
            or len(strongest) < STRONGEST
            or _strength(row, half_life) > _strength(strongest[-1], half_life)
        ):
            evidence = evidence or pack_evidence(state, touchpoint)
            insort(strongest, row + evidence, key=lambda record: -_strength(record, half_life))
            _let_go(strongest, state.as_of - LATENESS_MS)


def _strength(record: bytes, half_life: int) -> float:
    """Orders the contributions of an axis by the greatness of their worth, at any moment."""
    high, low, hundredths = ROW.unpack_from(record)
    strength: float = log2(abs(hundredths)) + (high << 32 | low) / half_life
    return strength


def occurred_at(record: bytes) -> int:
    """The time of a row or record."""
    return int.from_bytes(record[:6], "big")


def _let_go(strongest: list[bytes], horizon: int) -> None:
    """Keeps the five strongest, and those that a reset yet to come, though not a late one, could bring among them.

    A reset voids what is older than some moment, so a record may rise among the five unless five stronger ones are as
    new as itself.
    """
    if len(strongest) > STRONGEST:
        newest = sorted(map(occurred_at, strongest[:STRONGEST]))
        kept = strongest[:STRONGEST]
        for record in strongest[STRONGEST:]:
            t = occurred_at(record)
            if t > horizon and newest[-STRONGEST] < t:
                kept.append(record)
                insort(newest, t)
        strongest[:] = kept


def reset(state: ContactState, occurred: int, axes: tuple[int, ...], pack: CompiledPack) -> None:
    """Nothing the axes gained up to five minutes past `occurred` counts any more, whenever it arrives."""
    reset_at = occurred + RESET_TOLERANCE_MS
    for axis in axes:
        if reset_at > state.reset_at[axis]:
            state.reset_at[axis] = reset_at
            _recompute(state, axis, pack.half_lives[axis])
            distinct.forget_before(state, axis, reset_at, pack)


def _recompute(state: ContactState, axis: int, half_life: int) -> None:
    """The axis is worth what its ring still says, but never more than it was; reasons go the same way."""
    remaining, rows = 0.0, set()
    for row in (state.rings[axis][at : at + ROW.size] for at in range(0, len(state.rings[axis]), ROW.size)):
        t = occurred_at(row)
        if t > state.reset_at[axis]:
            remaining += ROW.unpack(row)[2] / POINTS * exp2((t - state.as_of) / half_life)
            rows.add(row)
    state.scores[axis] = min(state.scores[axis], max(0.0, remaining))
    state.strongest[axis] = [record for record in state.strongest[axis] if record[: ROW.size] in rows]
