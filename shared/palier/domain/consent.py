"""Step 5: which channels the contact has granted, and the gate that follows from it.

Per channel the newest consent counts. It is held as one number, twice its time, plus one for a withdrawal: the greater
number is the newer consent, and of two at the same time the withdrawal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain.pack import EVERY_CHANNEL, ITS_CHANNEL
from palier.domain.words import shorten, spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, CompiledRule
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

MOST_CHANNELS = 64
"""Channels are an open list; beyond so many the one with the oldest consent that opens no gate is forgotten."""


def apply_consent(
    state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack, *, by_bot: bool
) -> None:
    """Grants and withdraws what the rule says. A bot's grants are void, its withdrawals hold: the safe side."""
    t = touchpoint.occurred_at
    if not by_bot:
        for channel in rule.grants:
            _consent(state, touchpoint.channel if channel == ITS_CHANNEL else channel, t << 1, pack)
    for channel in rule.withdraws:
        if channel == EVERY_CHANNEL:
            state.withdrawn_all = max(state.withdrawn_all, t)
        else:
            _consent(state, touchpoint.channel if channel == ITS_CHANNEL else channel, t << 1 | 1, pack)


def _consent(state: ContactState, channel: str, verdict: int, pack: CompiledPack) -> None:
    ref, consents = shorten(channel), state.consents
    consents[ref] = max(verdict, consents.get(ref, verdict))
    if len(consents) > MOST_CHANNELS:
        spare = [other for other in consents if other not in pack.permission_refs] or list(consents)
        del consents[min(spare, key=lambda other: consents[other])]


def gate_is_open(state: ContactState, pack: CompiledPack) -> bool:
    """At least one permission channel is granted."""
    withdrawn_all, permission = state.withdrawn_all, pack.permission_refs
    for ref, verdict in state.consents.items():
        if not verdict & 1 and verdict >> 1 > withdrawn_all and ref in permission:
            return True
    return False


def granted_channels(state: ContactState) -> tuple[str, ...]:
    """Every granted channel, sorted by name."""
    return tuple(
        sorted(
            spell(ref)
            for ref, verdict in state.consents.items()
            if not verdict & 1 and verdict >> 1 > state.withdrawn_all
        )
    )
