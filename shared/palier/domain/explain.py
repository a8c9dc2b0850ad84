"""Why this tier, what is missing for the next, and when will it be lost: an explanation as a value."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from palier.domain import distinct
from palier.domain.changes import reasons
from palier.domain.consent import gate_is_open, granted_channels
from palier.domain.demotion import expire, losses
from palier.domain.limits import NEVER
from palier.domain.numbers import floored
from palier.domain.renewal import is_renewed, renew
from palier.domain.scoring import advance
from palier.domain.tiers import headline, names_of
from palier.domain.words import spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack, CompiledTier
    from palier.domain.outcome import Reason
    from palier.domain.pack import RulePack
    from palier.domain.state import ContactState


@dataclass(frozen=True, slots=True)
class ScoreNeed:
    """An axis, the points it has and those a tier asks for; `missing` is 0 where there are enough."""

    axis: str
    score: float
    required: float
    missing: float


@dataclass(frozen=True, slots=True)
class DistinctNeed:
    """How many types or days a tier asks for within a window, and how many there are."""

    of: Literal["types", "days"]
    axis: str
    found: int
    required: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class TierOutlook:
    """One tier of the pack, as it stands with this contact."""

    name: str
    meaning: str
    earned: bool
    held: bool
    """Earned, and a permission channel is granted."""
    lost_at: int | None
    """When an earned tier will be lost if nothing happens; None for others, and for one that never will."""
    scores: tuple[ScoreNeed, ...]
    distinct: DistinctNeed | None

    @property
    def scores_suffice(self) -> bool:
        """Every axis has reached its enter threshold."""
        return all(need.missing == 0 for need in self.scores)

    @property
    def distinct_suffices(self) -> bool:
        """There are enough types or days, or the tier does not ask."""
        return self.distinct is None or self.distinct.found >= self.distinct.required


@dataclass(frozen=True, slots=True)
class Permission:
    """The gate: without a granted permission channel no tier is held."""

    is_open: bool
    granted: tuple[str, ...]
    """Every granted channel, sorted; also those that open no gate."""
    opened_by: tuple[str, ...]
    """The pack's permission channels, sorted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a contact stands at a moment."""

    at: int
    """The moment told; never before the newest one taken into account."""
    known: bool
    """False for a contact without state, and after an erasure."""
    erased_at: int | None
    sequence: int
    """Number of the latest tier change, counting what a newer pack changes and demotions due until `at`."""
    headline: str
    since: int | None
    """When the headline began; None if it never changed."""
    held: tuple[str, ...]
    earned: tuple[str, ...]
    permission: Permission
    scores: dict[str, float]
    tiers: tuple[TierOutlook, ...]
    """Every tier of the pack, ascending in rank."""
    contributions: dict[str, tuple[Reason, ...]]
    """Per axis up to five contributions that count, greatest worth first."""


def explain(state: ContactState, at: int, pack: RulePack) -> Explanation:
    """Where the contact stands at `at` by this pack, every demotion due until then applied; `state` is left as it is."""
    compiled = pack.compiled
    state = deepcopy(state)
    known = state.as_of != NEVER
    if not is_renewed(state, compiled):
        renew(state, "", compiled)
    expire(state, "", at, pack)
    advance(state, at, compiled)
    held = names_of(state.held, compiled)
    lost_at = {tier.name: moment for tier, moment in losses(state, compiled)}
    return Explanation(
        at=state.as_of,
        known=known,
        erased_at=None if state.erased_at == NEVER else state.erased_at,
        sequence=state.sequence,
        headline=headline(held, pack),
        since=None if state.since == NEVER else state.since,
        held=held,
        earned=names_of(state.earned, compiled),
        permission=Permission(
            gate_is_open(state, compiled), granted_channels(state), tuple(sorted(map(spell, compiled.permission_refs)))
        ),
        scores=dict(zip(compiled.axes, map(floored, state.scores), strict=True)),
        tiers=tuple(_outlook(state, tier, lost_at.get(tier.name), compiled) for tier in compiled.tiers),
        contributions={name: reasons(state, [axis], compiled) for axis, name in enumerate(compiled.axes)},
    )


def _outlook(state: ContactState, tier: CompiledTier, lost_at: int | None, pack: CompiledPack) -> TierOutlook:
    needs = tuple(_score_need(pack.axes[axis], state.scores[axis], limit) for axis, limit in tier.enter)
    return TierOutlook(
        name=tier.name,
        meaning=tier.source.meaning,
        earned=bool(tier.bit & state.earned),
        held=bool(tier.bit & state.held),
        lost_at=lost_at,
        scores=needs,
        distinct=_distinct_need(state, tier),
    )


def _score_need(axis: str, score: float, required: float) -> ScoreNeed:
    missing = 0.0 if score >= required else max(-floored(score - required), 0.0001)
    return ScoreNeed(axis, floored(score), required, missing)


def _distinct_need(state: ContactState, tier: CompiledTier) -> DistinctNeed | None:
    asked, test = tier.source.distinct, tier.distinct
    if asked is None or test is None:
        return None
    found = distinct.count_newer(state, test)
    return DistinctNeed(asked.of, asked.axis, found, asked.at_least, asked.window_ms)
