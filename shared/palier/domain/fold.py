"""The fold: one touchpoint into the state of its contact, in the eleven steps of SEMANTICS.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain.caps import use_cap
from palier.domain.changes import EVERY_TIER, Cause, change_held, erase
from palier.domain.compiled import UNKNOWN_RULE, CompiledPack, CompiledRule
from palier.domain.consent import apply_consent, gate_is_open
from palier.domain.demotion import apply_demotions, may_be_due
from palier.domain.limits import LATENESS_MS, NEVER
from palier.domain.outcome import Capped, Duplicate, Erased, Late, Noted, Outcome, Scored, TierChange, Unknown
from palier.domain.remembered import digest_of, is_remembered, remember
from palier.domain.renewal import renew
from palier.domain.scoring import advance, contribute, reset
from palier.domain.tiers import earned_tiers, held_tiers

if TYPE_CHECKING:
    from palier.domain.pack import RulePack
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

_SCORED, _NOTED, _CAPPED, _LATE, _UNKNOWN = Scored(), Noted(), Capped(), Late(), Unknown()
_DUPLICATE, _ERASED = Duplicate(), Erased()


def fold(state: ContactState, touchpoint: Touchpoint, pack: RulePack) -> Outcome:
    """Takes the touchpoint into account; changes the state it is handed and says what came of it."""
    compiled = pack.compiled
    rule = compiled.rules.get(touchpoint.type, UNKNOWN_RULE)
    t = touchpoint.occurred_at

    # 1. Duplicate
    digest = digest_of(touchpoint.source, touchpoint.id)
    if digest in state.remembered and is_remembered(state, digest):
        return _DUPLICATE

    # 2. Erased
    if t <= state.erased_at:
        return _ERASED
    if state.as_of == NEVER and state.erased_at != NEVER and (touchpoint.bot or not rule.grants):
        if rule.erases or rule.withdraws:
            state.erased_at = t
        return _ERASED

    # 3. Newer pack, then expire
    changes: list[TierChange] = []
    if state.pack_version != compiled.version or state.layout != compiled.layout:
        changes = renew(state, touchpoint.contact_id, compiled)
    if state.earned and t > state.as_of and may_be_due(state, t, compiled):
        changes += apply_demotions(state, touchpoint.contact_id, t, compiled)

    # 4. Erasure
    if rule.erases:
        return Noted((*changes, *erase(state, touchpoint, compiled)))

    # 5. Consent
    gate_moved = rule.consents and _consent(state, touchpoint, rule, compiled)

    # 6. Clock
    newest = state.as_of - state.ahead
    state.ahead = 0
    if t > state.as_of:
        advance(state, t, compiled)
    remember(state, digest, t, state.as_of - newest)

    # 7. Late, 8. Caps
    outcome: Outcome = _SCORED
    if not rule.known:
        outcome = _UNKNOWN
    elif t < state.as_of - LATENESS_MS:
        outcome = _LATE
    elif rule.weighting is None or touchpoint.bot:
        outcome = _NOTED
    elif rule.capped and not use_cap(state, touchpoint, rule):
        outcome = _CAPPED

    # 9. Resets, then the contribution
    if rule.resets and not touchpoint.bot:
        reset(state, t, rule.resets, compiled)
    if outcome is _SCORED:
        critical = touchpoint.rating is not None and touchpoint.rating < rule.critical_below
        weighting = rule.critical_weighting if critical else rule.weighting
        if weighting is not None:
            contribute(state, touchpoint, rule, weighting, compiled)

    # 10. Membership
    state.earned = earned_tiers(state, compiled)

    # 11. Transition
    held = held_tiers(state, compiled) if state.earned else 0
    if held != state.held:
        cause = "permission" if gate_moved else _cause(state, held, touchpoint, rule, compiled)
        by_scores = 0 if gate_moved else EVERY_TIER
        changes.append(change_held(state, held, cause, touchpoint.contact_id, touchpoint, compiled, by_scores))
    return type(outcome)(tuple(changes)) if changes else outcome


def _consent(state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack) -> bool:
    """Step 5; True if the gate opened or closed."""
    was_open = gate_is_open(state, pack)
    apply_consent(state, touchpoint, rule, pack)
    return gate_is_open(state, pack) != was_open


def _cause(state: ContactState, held: int, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack) -> Cause:
    """A conversion if the rule fulfils an axis by which a lost tier is left."""
    lost = state.held & ~held
    if rule.fulfils and not touchpoint.bot:
        for tier in pack.tiers:
            if tier.bit & lost and not rule.fulfils.isdisjoint(axis for axis, _ in tier.leave):
                return "conversion"
    return "touchpoint"
