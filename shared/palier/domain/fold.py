"""The fold: one touchpoint into the state of its contact, in the eleven steps of SEMANTICS.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.domain.caps import use_cap
from palier.domain.changes import EVERY_TIER, Cause, change_held, erase
from palier.domain.compiled import UNKNOWN_RULE, CompiledPack, CompiledRule, scale
from palier.domain.consent import apply_consent, gate_is_open
from palier.domain.demotion import apply_demotions, may_be_due
from palier.domain.digests import short_number_of
from palier.domain.limits import LATENESS_MS, NEVER
from palier.domain.messages import (
    CLICKED,
    DELIVERED,
    IS_CLICK,
    IS_GENUINE,
    IS_SCORED,
    entry_of,
    remember_delivery,
    remember_entry,
)
from palier.domain.outcome import (
    BOT,
    HUMAN,
    SUSPECT,
    Capped,
    Duplicate,
    Erased,
    Late,
    Noted,
    Outcome,
    Scored,
    TierChange,
    Unknown,
    Verdict,
)
from palier.domain.remembered import MARK, NO_MARK, digest_of, is_remembered, mark_of, remember
from palier.domain.renewal import renew
from palier.domain.reversal import reverse_message, revoke, tiers_refused
from palier.domain.scoring import advance, contribute, reset
from palier.domain.tiers import earn, earned_tiers, held_tiers
from palier.domain.trust import NO_EVIDENCE, evidence_of, link_of, own_evidence, verdict_of

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
    digest, remembered = digest_of(touchpoint.source, touchpoint.id), state.remembered
    if digest in remembered and is_remembered(state, digest):
        return _DUPLICATE

    # 2. Erased
    if state.erased_at != NEVER and _is_erased(state, touchpoint, rule, compiled):
        return _erased(state, touchpoint, rule, compiled)

    # 3. Newer pack, then expire
    changes: list[TierChange] = []
    if state.pack_version != compiled.version or state.layout != compiled.layout:
        changes = renew(state, touchpoint.contact_id, compiled)
    if state.earned and t > state.as_of and may_be_due(state, t, compiled):
        changes += apply_demotions(state, touchpoint.contact_id, t, compiled)

    # 4. Erasure
    if rule.erases:
        return Noted((*changes, *erase(state, touchpoint, compiled)))

    # 5. Verdict, then consent
    newest = state.as_of - state.ahead
    is_late = t < state.as_of - LATENESS_MS
    message, row, evidence = -1, b"", NO_EVIDENCE
    verdict: Verdict = HUMAN
    kind = rule.message
    if kind and touchpoint.object_id and not is_late:
        message = short_number_of(touchpoint.object_id)
        if kind != DELIVERED:
            row = state.messages.get(message, b"")
    properties = touchpoint.properties
    if (
        row
        or touchpoint.bot
        or touchpoint.crawler
        or (properties is not None and ("honeypot" in properties or "method" in properties))
        or (len(remembered) >= compiled.flood_bytes and t - newest < compiled.flood_ms)
    ):
        if is_late:
            evidence = own_evidence(touchpoint, compiled.trust)
        else:
            evidence = evidence_of(state, touchpoint, row, kind, compiled)
        verdict = verdict_of(evidence, compiled)
    is_bot = verdict == BOT
    gate_moved = rule.consents and _consent(state, touchpoint, rule, compiled, by_bot=is_bot)

    # 6. Clock
    state.ahead = 0
    if t > state.as_of:
        advance(state, t, compiled)
    remember(state, digest, t, state.as_of - newest)

    # 7. Late, 8. Caps
    factor = compiled.sources.get(touchpoint.source, 1.0) if compiled.sources else 1.0
    if verdict == SUSPECT:
        factor = round(factor * compiled.trust.suspect, 4)
    mark = digest[:MARK]
    if mark == NO_MARK:
        mark = mark_of(digest)
    outcome: Outcome = _SCORED
    if not rule.known:
        outcome = _UNKNOWN
    elif is_late:
        outcome = _LATE
    elif rule.weighting is None or is_bot or not factor:
        outcome = _NOTED
    elif rule.capped and not use_cap(state, touchpoint, rule, mark):
        outcome = _CAPPED

    # 9. Reversal, resets, then the contribution, then what is remembered of the message
    reversal, convicts = None, False
    if evidence and message >= 0 and kind != DELIVERED:
        convicts = not compiled.convicting_evidence.isdisjoint(evidence)
        if convicts:
            reversal = reverse_message(state, message, t, compiled)
    elif rule.revokes and not is_bot:
        reversal = revoke(state, touchpoint, compiled)
    if rule.resets and not is_bot:
        reset(state, t, rule.resets, compiled)
    if outcome is _SCORED:
        critical = touchpoint.rating is not None and touchpoint.rating < rule.critical_below
        weighting = rule.critical_weighting if critical else rule.weighting
        if weighting is not None and factor != 1.0:
            weighting = scale(weighting, factor, compiled)
        if weighting is not None:
            contribute(state, touchpoint, rule, weighting, mark, compiled)
    if message >= 0:
        if kind == DELIVERED:
            remember_delivery(state, message, t)
        else:
            flags = IS_SCORED if outcome is _SCORED else 0
            if verdict == HUMAN and factor:
                flags |= IS_GENUINE
            link = ""
            if kind == CLICKED:
                flags, link = flags | IS_CLICK, link_of(touchpoint)
            remember_entry(state, message, entry_of(t, link, mark, flags), convicts=convicts)

    # 10. Membership
    earned, refused = earned_tiers(state, compiled), 0
    if reversal is not None:
        refused = tiers_refused(state, reversal, compiled)
        earned &= ~refused
    if earned != state.earned:
        earn(state, earned, compiled)

    # 11. Transition
    held = held_tiers(state, compiled) if state.earned else 0
    if held != state.held:
        by_scores, cause = EVERY_TIER, _cause(state, held, rule, compiled, by_bot=is_bot)
        if gate_moved:
            by_scores, cause = 0, "permission"
        elif reversal is not None and reversal.taken_back:
            cause = "reversal"
        contact_id = touchpoint.contact_id
        changes.append(change_held(state, held, cause, contact_id, touchpoint, compiled, by_scores, refused, evidence))
    if changes or evidence or reversal is not None:
        taken_back, not_reversible = (0, 0) if reversal is None else (reversal.taken_back, reversal.not_reversible)
        bot_withdrawal = is_bot and bool(rule.withdraws)
        return type(outcome)(tuple(changes), verdict, evidence, taken_back, not_reversible, bot_withdrawal)
    return outcome


def _is_erased(state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack) -> bool:
    """Step 2: from before the erasure, or the contact is erased and this is no human's grant."""
    if touchpoint.occurred_at <= state.erased_at:
        return True
    return state.is_erased and not (rule.grants and verdict_of(own_evidence(touchpoint, pack.trust), pack) != BOT)


def _erased(state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack) -> Outcome:
    """What is said of it; a no that is newer than the erasure moves that forward."""
    moves = touchpoint.occurred_at > state.erased_at and (rule.erases or bool(rule.withdraws))
    if moves:
        state.erased_at = touchpoint.occurred_at
    evidence = own_evidence(touchpoint, pack.trust)
    if not evidence:
        return _ERASED
    verdict = verdict_of(evidence, pack)
    return Erased((), verdict, evidence, bot_withdrawal=moves and verdict == BOT and bool(rule.withdraws))


def _consent(
    state: ContactState, touchpoint: Touchpoint, rule: CompiledRule, pack: CompiledPack, *, by_bot: bool
) -> bool:
    """Step 5; True if the gate opened or closed."""
    was_open = gate_is_open(state, pack)
    apply_consent(state, touchpoint, rule, pack, by_bot=by_bot)
    return gate_is_open(state, pack) != was_open


def _cause(state: ContactState, held: int, rule: CompiledRule, pack: CompiledPack, *, by_bot: bool) -> Cause:
    """A conversion if the rule fulfils an axis by which a lost tier is left."""
    lost = state.held & ~held
    if rule.fulfils and not by_bot:
        for tier in pack.tiers:
            if tier.bit & lost and not rule.fulfils.isdisjoint(axis for axis, _ in tier.leave):
                return "conversion"
    return "touchpoint"
