"""Fitting a state to the pack: for a new contact, and when a newer pack has other names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain.contributions import drop_evidence
from palier.domain.limits import NEVER
from palier.domain.words import spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack
    from palier.domain.state import ContactState


def arrange(state: ContactState, pack: CompiledPack) -> None:
    """Puts the state's positions in the order of `pack`: a new contact's first touchpoint, or a pack of other names.

    What the new pack has under the same name is kept; a new axis starts at 0; an axis it dropped is forgotten; a tier
    it dropped is no longer held, which the next change tells.
    """
    old = spell(state.layout)
    old_axes, old_tiers, old_slots = ([name for name in part.split(",") if name] for part in (old or "//").split("/"))
    old_axes = [name.partition(":")[0] for name in old_axes]
    came_from = [old_axes.index(name) if name in old_axes else None for name in pack.axes]
    state.scores = [0 if place is None else state.scores[place] for place in came_from]
    state.reset_at = [NEVER if place is None else state.reset_at[place] for place in came_from]
    dropped = [
        slots
        for place, slots in enumerate(state.rings + state.strongest)
        if place % max(len(old_axes), 1) not in came_from
    ]
    state.rings = [b"" if place is None else state.rings[place] for place in came_from]
    state.strongest = [b"" if place is None else state.strongest[place] for place in came_from]
    distinct = {name.rpartition(":")[0]: noted for name, noted in zip(old_slots, state.distinct, strict=True)}
    state.distinct = [
        dict(sorted(distinct.get(f"{pack.axes[slot.axis]}:{slot.of}", {}).items(), key=lambda at: -at[1])[: slot.most])
        for slot in pack.slots
    ]
    ranks = {tier.name: tier.bit for tier in pack.tiers}
    earned = [name for rank, name in enumerate(old_tiers) if state.earned >> rank & 1]
    held = [name for rank, name in enumerate(old_tiers) if state.held >> rank & 1]
    state.retired = sorted({*state.retired, *held} - ranks.keys())
    state.earned = sum(ranks.get(name, 0) for name in earned)
    state.held = sum(ranks.get(name, 0) for name in held)
    state.layout = pack.layout
    for slot in set(b"".join(dropped)):
        drop_evidence(state, slot)
