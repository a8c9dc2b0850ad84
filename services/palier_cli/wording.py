"""Scores, moments and tier changes in words a marketer reads without a manual. Pure text: no colours, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from palier.contracts.limits import DAY_MS
from palier.contracts.moments import to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from palier_cli.judgement import Judgement

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Contribution(Protocol):
    """What a touchpoint added to an axis: a domain `Reason` or its counterpart in an event."""

    @property
    def type(self) -> str:
        """Touchpoint type."""

    @property
    def axis(self) -> str:
        """The axis it counts on."""

    @property
    def worth(self) -> float:
        """What is left of its weight, in points."""


class Change(Protocol):
    """What is needed of a tier change to put it in words."""

    @property
    def cause(self) -> str:
        """Why: touchpoint, inactivity, conversion, permission, erasure, pack, reversal."""

    @property
    def direction(self) -> str:
        """up, down or lateral, by rank of the headline tier."""

    @property
    def from_tier(self) -> str:
        """Headline tier before."""

    @property
    def to_tier(self) -> str:
        """Headline tier from now on."""

    @property
    def gained(self) -> Sequence[str]:
        """Tiers entered."""

    @property
    def lost(self) -> Sequence[str]:
        """Tiers left."""

    @property
    def channels(self) -> Sequence[str] | None:
        """Channels with permission; like the rest below, absent from the event of an erasure."""

    @property
    def scores(self) -> Mapping[str, float] | None:
        """Points per axis."""

    @property
    def thresholds(self) -> Mapping[str, Mapping[str, float]] | None:
        """Per tier and axis: enter of those gained, leave of those lost."""

    @property
    def reasons(self) -> Sequence[Contribution] | None:
        """The strongest contributions."""


def day(moment_ms: int) -> str:
    """A UTC day: 2026-03-01."""
    return to_datetime(moment_ms).strftime("%Y-%m-%d")


def minute(moment_ms: int) -> str:
    """A UTC moment to the minute: 2026-03-01 14:05."""
    return to_datetime(moment_ms).strftime("%Y-%m-%d %H:%M")


def duration(span_ms: int) -> str:
    """A span of time in its largest fitting unit, rounded down: 9 days, 1 hour, less than a minute."""
    for unit_ms, name in ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")):
        count = span_ms // unit_ms
        if count >= 1:
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "less than a minute"


def points(value: float) -> str:
    """A score: at most one decimal, rounded down, so that nothing reads as reached that is not."""
    return f"{int(value * 10 + 1e-6) / 10:.1f}".removesuffix(".0")  # 1e-6: binary fractions


def signed(value: float) -> str:
    """A contribution with its sign, at most one decimal: +30, +11.6, -6."""
    return f"{value:+.1f}".removesuffix(".0")


def contributions(reasons: Iterable[Contribution]) -> str:
    """Contributions summed by touchpoint type, in their order: `checkout.started +30, email.clicked x3 +8.7`."""
    worths: dict[str, list[float]] = {}
    for reason in reasons:
        worths.setdefault(reason.type, []).append(reason.worth)
    return ", ".join(
        f"{type_}{f' x{len(of_type)}' if len(of_type) > 1 else ''} {signed(sum(of_type))}"
        for type_, of_type in worths.items()
    )


def steps(change: Change) -> str:
    """From where to where; a lateral change keeps the headline tier, so then what was gained and lost beside it."""
    if change.direction != "lateral":
        return f"{change.from_tier} -> {change.to_tier}"
    return f"{change.to_tier} ({beside(change)})"


def beside(change: Change) -> str:
    """Tiers gained and lost: `+engaged-to-buy -engaged`."""
    return " ".join([*(f"+{tier}" for tier in change.gained), *(f"-{tier}" for tier in change.lost)])


def because(change: Change) -> str:
    """Why a contact changed tier, as half a sentence."""
    match change.cause:
        case "inactivity":
            return f"silent too long: {_faded(change)}"
        case "conversion":
            return f"converted: {' and '.join(_axes(change, change.lost))} fulfilled"
        case "permission" if change.gained:
            return f"permission given: {', '.join(change.channels or ())}"
        case "permission":
            return "permission withdrawn"
        case "erasure":
            return "erased on request"
        case "pack":
            return "by a newer rule pack"
        case "reversal" if change.lost:
            return f"taken back, a machine did it or it was revoked: {_fallen(change)}"
        case "reversal":
            return "taken back what had cost points"
        case _ if change.gained:
            # On the axes of the tiers entered only: one touchpoint may lose a tier and gain another at once.
            axes = _axes(change, change.gained)
            return f"because {contributions(reason for reason in change.reasons or () if reason.axis in axes)}"
        case _:
            return _fallen(change)


def judgement(found: Judgement, touchpoints: int) -> str:
    """How many touchpoints a machine made, or may have made, what says so, and what was taken back."""
    verdicts = (f"{found.bots} by machines, worth nothing", f"{found.suspects} in doubt, worth less")
    told = [verdict for verdict in verdicts if not verdict.startswith("0 ")]
    evidence = ", ".join(f"{kind} {count}" for kind, count in found.evidence.most_common())
    sentences = [f"Of {touchpoints} touchpoints {' and '.join(told)} ({evidence})."] if told else []
    if found.bot_withdrawals:
        sentences.append(f"A machine withdrew {times(found.bot_withdrawals)}, and it holds.")
    if found.taken_back:
        sentences.append(f"Points were taken back {times(found.taken_back)}.")
    if found.not_reversible:
        sentences.append(
            f"Points that should have been taken back stayed {times(found.not_reversible)}, at least in part."
        )
    return " ".join(sentences)


def times(count: int) -> str:
    """Once, or 3 times."""
    return "once" if count == 1 else f"{count} times"


def _axes(change: Change, tiers: Iterable[str]) -> list[str]:
    """The axes whose thresholds decided about these tiers."""
    thresholds = change.thresholds or {}
    return sorted({axis for tier in tiers for axis in thresholds.get(tier, ())})


def _fallen(change: Change) -> str:
    """Which scores are down to what the lost tiers need, or under it."""
    scores, limits = change.scores or {}, _limits_reached(change)
    return ", ".join(f"{axis} down to {points(scores.get(axis, 0.0))}" for axis in limits) or "scores fell"


def _faded(change: Change) -> str:
    """The same where nothing but time did it: the scores are then exactly at the limits, whatever rounding made of them."""
    return (
        ", ".join(f"{axis} down to {points(limit)}" for axis, limit in _limits_reached(change).items()) or "scores fell"
    )


def _limits_reached(change: Change) -> dict[str, float]:
    scores, thresholds = change.scores or {}, change.thresholds or {}
    limits = sorted(item for tier in change.lost for item in thresholds.get(tier, {}).items())
    return {axis: limit for axis, limit in limits if scores.get(axis, 0.0) <= limit}
