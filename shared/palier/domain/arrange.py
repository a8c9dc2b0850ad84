"""Fitting a state to the pack: at a contact's first touchpoint, and when a newer pack has other axes or tiers."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from palier.domain import distinct
from palier.domain.contributions import drop_evidence
from palier.domain.limits import NEVER
from palier.domain.state import NO_PACK
from palier.domain.strongest import keep_strongest, rank_anew
from palier.domain.words import spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack
    from palier.domain.state import ContactState
    from palier.domain.words import WordRef


def arrange(state: ContactState, pack: CompiledPack) -> None:
    """Puts the state's positions in the order of `pack`.

    What the new pack has under the same name is kept; a new axis starts at 0; an axis it dropped is forgotten; a tier
    it dropped is no longer held. Memberships are left for `renew` to evaluate and to tell.
    """
    state.pack_version = NO_PACK
    if not state.layout:  # new, or a stub: nothing to keep
        _begin(state, pack)
        return
    axes, tiers, slots = (part.split(",") if part else [] for part in spell(state.layout).split("/"))
    _arrange_distinct(state, slots, pack)
    _arrange_tiers(state, tiers, pack)
    _arrange_axes(state, axes, pack)
    state.layout = pack.layout


def arranged_copy(state: ContactState, pack: CompiledPack) -> ContactState:
    """How `arrange` would leave the state; to be looked at only, for it shares much with the original."""
    arranged = copy(state)
    arranged.evidence = dict(state.evidence)
    arrange(arranged, pack)
    return arranged


def _begin(state: ContactState, pack: CompiledPack) -> None:
    axes = len(pack.axes)
    state.scores, state.reset_at = [0] * axes, [NEVER] * axes
    state.rings, state.strongest = [b""] * axes, [b""] * axes
    state.distinct = [{} for _ in pack.slots]
    state.layout = pack.layout


def _arrange_axes(state: ContactState, axes: list[str], pack: CompiledPack) -> None:
    """`axes`: each name with its half-life, as they are arranged now."""
    old = [axis.partition(":")[0] for axis in axes]
    came_from = [old.index(name) if name in old else None for name in pack.axes]
    listed = set(b"".join(state.rings + state.strongest))
    state.scores = [0 if place is None else state.scores[place] for place in came_from]
    state.reset_at = [NEVER if place is None else state.reset_at[place] for place in came_from]
    state.rings = [b"" if place is None else state.rings[place] for place in came_from]
    state.strongest = [b"" if place is None else state.strongest[place] for place in came_from]
    for slot in listed - set(b"".join(state.rings)):
        drop_evidence(state, slot)
    for slot in listed & state.evidence.keys():
        if not any(slot in slots for slots in state.strongest):
            del state.evidence[slot]
    for axis, (name, half_life) in enumerate(zip(pack.axes, pack.half_lives, strict=True)):
        if f"{name}:{half_life}" not in axes:
            keep_strongest(state, axis)
    rank_anew(state, pack)  # another half-life orders otherwise


def _arrange_tiers(state: ContactState, old: list[str], pack: CompiledPack) -> None:
    bits = {tier.name: tier.bit for tier in pack.tiers}
    earned = [name for rank, name in enumerate(old) if state.earned >> rank & 1]
    held = [name for rank, name in enumerate(old) if state.held >> rank & 1]
    state.retired = sorted({*state.retired, *held} - bits.keys())
    entered = {bits[name]: since for name, since in zip(earned, state.entered, strict=True) if name in bits}
    state.entered = [entered[bit] for bit in sorted(entered)]
    state.earned = sum(entered)
    state.held = sum(bits.get(name, 0) for name in held)


def _arrange_distinct(state: ContactState, old: list[str], pack: CompiledPack) -> None:
    noted: dict[str, dict[WordRef, int]] = {}
    for name, of_slot in zip(old, state.distinct, strict=True):
        noted[name.rpartition(":")[0]] = of_slot
    state.distinct = [
        distinct.newest(noted.get(f"{pack.axes[slot.axis]}:{slot.of}", {}), slot.of, slot.most) for slot in pack.slots
    ]
