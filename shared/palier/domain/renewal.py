"""A newer pack meets a contact: her memberships are evaluated anew before anything else happens to her."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain.arrange import arrange
from palier.domain.changes import change_held
from palier.domain.limits import NEVER, STRONGEST
from palier.domain.strongest import keep_strongest
from palier.domain.tiers import earn, earned_tiers, headline_of, held_tiers
from palier.domain.words import spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack
    from palier.domain.outcome import TierChange
    from palier.domain.state import ContactState


def is_renewed(state: ContactState, pack: CompiledPack) -> bool:
    """The contact's memberships are those that this pack gives."""
    return state.pack_version == pack.version and state.layout == pack.layout


def renew(state: ContactState, contact_id: str, pack: CompiledPack) -> list[TierChange]:
    """Evaluates her memberships by the pack, as of the newest moment taken into account; gives what changes by it.

    `as_of` stays where it is. So it does not matter when this is done, as long as nothing else is done before it.
    """
    if state.layout != pack.layout:
        arrange(state, pack)
    state.pack_version = pack.version
    if state.as_of == NEVER:  # new, or woken
        return []
    for axis, slots in enumerate(state.strongest):
        if len(slots) > STRONGEST and axis not in pack.fulfillable:
            keep_strongest(state, axis)
    before = state.earned
    earn(state, earned_tiers(state, pack), pack)
    if not pack.has_messages:
        state.messages = {}
    held = held_tiers(state, pack)
    if held == state.held and not state.retired and headline_of(held, pack) == spell(state.headline):
        return []
    return [change_held(state, held, "pack", contact_id, None, pack, by_scores=before ^ state.earned)]
