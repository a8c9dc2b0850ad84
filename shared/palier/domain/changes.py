"""Step 11: the held set has changed, and one TierChange says so, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from palier.domain.consent import granted_channels
from palier.domain.evidence import unpack_evidence
from palier.domain.limits import STRONGEST
from palier.domain.numbers import floored
from palier.domain.outcome import Direction, Reason, TierChange
from palier.domain.pack import UNENGAGED
from palier.domain.strongest import strongest
from palier.domain.tiers import headline_of, names_of
from palier.domain.words import shorten, spell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from palier.domain.compiled import CompiledPack, Threshold
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

Cause = Literal["touchpoint", "inactivity", "conversion", "permission", "erasure", "pack", "reversal"]
EVERY_TIER: Final = -1
"""As a set of bits."""


def change_held(
    state: ContactState,
    held: int,
    cause: Cause,
    contact_id: str,
    touchpoint: Touchpoint | None,
    pack: CompiledPack,
    by_scores: int = EVERY_TIER,
    by_enter: int = 0,
    evidence: tuple[str, ...] = (),
) -> TierChange:
    """Records that the contact now holds `held`, at `as_of`, and tells it.

    `by_scores`: the tiers that thresholds have decided about, if not about all of them; of others none are told.
    `by_enter`: those of the lost ones that were kept at their enter thresholds only. `evidence`: what speaks against the touchpoint.
    """
    gained, lost = held & ~state.held, state.held & ~held
    concerned = [tier for tier in pack.tiers if tier.bit & (gained | lost)]
    axes = sorted({axis for tier in concerned for axis in tier.axes})
    lost_names = tuple(sorted((*names_of(lost, pack), *state.retired)))
    before, direction = _move_headline(state, headline_of(held, pack), state.as_of, pack)
    state.held, state.retired = held, []
    return TierChange(
        contact_id=contact_id,
        sequence=state.sequence,
        from_tier=before,
        to_tier=spell(state.headline),
        direction=direction,
        gained=names_of(gained, pack),
        lost=lost_names,
        occurred_at=state.as_of,
        cause=cause,
        touchpoint_id=touchpoint.id if touchpoint else None,
        touchpoint_source=touchpoint.source if touchpoint else None,
        held=names_of(held, pack),
        channels=granted_channels(state),
        scores=dict(zip(pack.axes, map(floored, state.scores), strict=True)),
        thresholds={
            tier.name: _named(tier.enter if tier.bit & (gained | by_enter) else tier.leave, pack)
            for tier in concerned
            if tier.bit & by_scores
        },
        reasons=reasons(state, axes, pack),
        since=state.since,
        evidence=evidence,
    )


def erase(state: ContactState, touchpoint: Touchpoint, pack: CompiledPack) -> tuple[TierChange, ...]:
    """Step 4: every tier held is lost, and the contact becomes a stub."""
    moment = max(touchpoint.occurred_at, state.as_of)
    lost = names_of(state.held, pack)
    changes: tuple[TierChange, ...] = ()
    if lost:
        before, direction = _move_headline(state, UNENGAGED, moment, pack)
        change = TierChange(
            contact_id=touchpoint.contact_id,
            sequence=state.sequence,
            from_tier=before,
            to_tier=UNENGAGED,
            direction=direction,
            gained=(),
            lost=lost,
            occurred_at=moment,
            cause="erasure",
            touchpoint_id=touchpoint.id,
            touchpoint_source=touchpoint.source,
            held=(),
            channels=(),
            scores={},
            thresholds={},
            reasons=(),
            since=moment,
        )
        changes = (change,)
    state.forget_everything()
    state.erased_at = moment
    return changes


def reasons(state: ContactState, axes: Iterable[int], pack: CompiledPack) -> tuple[Reason, ...]:
    """Up to five contributions on `axes`, the greatest in worth first, then the newest."""
    found = [
        (-abs(worth), -t, axis, worth, weight, evidence)
        for axis in axes
        for worth, weight, t, evidence in strongest(state, axis, pack)
    ]
    return tuple(
        _reason(state, evidence, pack.axes[axis], weight, worth, -newest)
        for _, newest, axis, worth, weight, evidence in sorted(found)[:STRONGEST]
    )


def _reason(state: ContactState, evidence: bytes, axis: str, weight: float, worth: float, t: int) -> Reason:
    touchpoint_id, source, type_, channel, object_id, campaign_id = unpack_evidence(state, evidence)
    return Reason(
        touchpoint_id=touchpoint_id,
        source=source,
        type=type_,
        channel=channel,
        object_id=object_id,
        campaign_id=campaign_id,
        axis=axis,
        weight=weight,
        worth=floored(worth),
        occurred_at=t,
    )


def _move_headline(state: ContactState, after: str, moment: int, pack: CompiledPack) -> tuple[str, Direction]:
    """Takes the next sequence number and the new headline; gives the old one and the direction."""
    before = spell(state.headline)
    state.sequence += 1
    if after != before:
        state.headline, state.since = shorten(after), moment
    # A tier that a newer pack dropped, 1, stands between `unengaged`, 0, and all others.
    ranks = {UNENGAGED: 0, **{tier.name: rank for rank, tier in enumerate(pack.tiers, start=2)}}
    rise = ranks[after] - ranks.get(before, 1)
    return before, "lateral" if after == before else "up" if rise > 0 else "down"


def _named(thresholds: tuple[Threshold, ...], pack: CompiledPack) -> dict[str, float]:
    return {pack.axes[axis]: limit for axis, limit in thresholds}
