"""Step 10: which tiers a contact earns by its scores, and the names for sets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain import distinct
from palier.domain.consent import gate_is_open
from palier.domain.pack import UNENGAGED, RulePack

if TYPE_CHECKING:
    from collections.abc import Collection

    from palier.domain.compiled import CompiledPack
    from palier.domain.state import ContactState


def headline(held: Collection[str], pack: RulePack) -> str:
    """The highest-ranked of the tiers held; `unengaged` if there is none."""
    return next((tier.name for tier in reversed(pack.tiers) if tier.name in held), UNENGAGED)


def headline_of(held: int, pack: CompiledPack) -> str:
    """The same for a set of bits."""
    return pack.tiers[held.bit_length() - 1].name if held else UNENGAGED


def names_of(tiers: int, pack: CompiledPack) -> tuple[str, ...]:
    """The names of a set of bits, sorted."""
    return tuple(sorted(tier.name for tier in pack.tiers if tier.bit & tiers))


def earned_tiers(state: ContactState, pack: CompiledPack) -> int:
    """The tiers earned at `as_of`: kept above their leave thresholds, entered at their enter thresholds."""
    scores, before, earned = state.scores, state.earned, 0
    for tier in pack.tiers:
        if tier.bit & before:
            for axis, limit in tier.leave:
                if scores[axis] <= limit:
                    break
            else:
                earned |= tier.bit
        else:
            for axis, limit in tier.enter:
                if scores[axis] < limit:
                    break
            else:
                if tier.distinct is None or distinct.holds(state, tier.distinct):
                    earned |= tier.bit
    return earned


def earn(state: ContactState, earned: int, pack: CompiledPack) -> None:
    """The tiers earned from now on; for each the state keeps the `as_of` at which it was entered."""
    before = state.earned
    if earned == before:
        return
    entered, kept = [], iter(state.entered)
    for tier in pack.tiers:
        since = next(kept) if tier.bit & before else state.as_of
        if tier.bit & earned:
            entered.append(since)
    state.earned, state.entered = earned, entered


def held_tiers(state: ContactState, pack: CompiledPack) -> int:
    """The earned tiers if a permission channel is granted, else none."""
    return state.earned if gate_is_open(state, pack) else 0
