"""Demotion needs no event: when a tier will be lost if nothing happens, and losing it."""

from __future__ import annotations

from math import ceil, exp2, log2
from typing import TYPE_CHECKING, Final

from palier.domain.arrange import arranged_copy
from palier.domain.changes import change_held
from palier.domain.consent import gate_is_open
from palier.domain.renewal import is_renewed, renew
from palier.domain.scoring import advance
from palier.domain.tiers import earn, held_tiers

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, CompiledTier
    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack
    from palier.domain.state import ContactState

_JUST_ABOVE: Final = 1 + 1e-9


def next_demotion_at(state: ContactState, pack: RulePack) -> int | None:
    """When the first of the earned tiers will be lost if nothing happens; None if none ever will.

    What a newer pack is going to take away is due at `as_of`; what it is going to give does not count.
    """
    compiled = pack.compiled
    if not state.earned and not state.retired:
        return None
    if state.pack_version != compiled.version or state.layout != compiled.layout:  # is_renewed, without a call
        if state.layout != compiled.layout:
            state = arranged_copy(state, compiled)
        if state.retired or (state.held and not gate_is_open(state, compiled)):
            return state.as_of
    return min((moment for _, moment in losses(state, compiled)), default=None)


def expire(state: ContactState, contact_id: str, until: int, pack: RulePack) -> list[TierChange]:
    """Applies every demotion due at or before `until`, earliest first; gives the changes of the held set.

    A contact who has not met the pack yet meets it first, if she falls due by it.
    """
    compiled, changes = pack.compiled, []
    if not is_renewed(state, compiled):
        due = next_demotion_at(state, pack)
        if due is None or due > until:
            return []
        changes = renew(state, contact_id, compiled)
    return changes + apply_demotions(state, contact_id, until, compiled)


def apply_demotions(state: ContactState, contact_id: str, until: int, pack: CompiledPack) -> list[TierChange]:
    """`expire` for a contact who has met the pack."""
    changes = []
    while state.earned:
        due = losses(state, pack)
        first = min((moment for _, moment in due), default=None)
        if first is None or first > until:
            break
        state.ahead += first - state.as_of
        advance(state, first, pack)
        # By decree: what rounding makes of the scores at that moment is not asked.
        earn(state, state.earned & ~sum(tier.bit for tier, moment in due if moment == first), pack)
        held = held_tiers(state, pack)
        if held != state.held:
            changes.append(change_held(state, held, "inactivity", contact_id, None, pack))
    return changes


def may_be_due(state: ContactState, until: int, pack: CompiledPack) -> bool:
    """False if surely no demotion is due at or before `until`: the fold's way of asking hardly anything.

    A score still a billionth above its leave threshold at that moment reaches it milliseconds later: far more than
    rounding can hide.
    """
    scores, elapsed = state.scores, state.as_of - until
    for tier in pack.tiers:
        if tier.bit & state.earned:
            for axis, limit in tier.leave:
                if scores[axis] * exp2(elapsed / pack.half_lives[axis]) <= limit * _JUST_ABOVE:
                    return True
    return False


def losses(state: ContactState, pack: CompiledPack) -> list[tuple[CompiledTier, int]]:
    """Every earned tier that will be lost, and when."""
    return [
        (tier, min(_reached_at(state, axis, limit, pack) for axis, limit in tier.leave))
        for tier in pack.tiers
        if tier.bit & state.earned and tier.leave
    ]


def _reached_at(state: ContactState, axis: int, limit: float, pack: CompiledPack) -> int:
    """When the axis will have decayed to the limit."""
    score = state.scores[axis]
    return state.as_of + ceil(pack.half_lives[axis] * log2(score / limit)) if score > limit else state.as_of
