"""What came of one touchpoint: a closed union of outcomes, each with the tier changes it caused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Direction: TypeAlias = Literal["up", "down", "lateral"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One contribution that speaks for a tier change."""

    touchpoint_id: str
    source: str
    type: str
    channel: str
    object_id: str | None
    campaign_id: str | None
    axis: str
    weight: float
    """Points when it happened."""
    worth: float
    """Points left of them at the moment of the change, floored to 4 decimals."""
    occurred_at: int


@dataclass(frozen=True, slots=True)
class TierChange:
    """The set of tiers a contact holds has changed. Scores are floored to 4 decimals already."""

    contact_id: str
    sequence: int
    from_tier: str
    to_tier: str
    direction: Direction
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    occurred_at: int
    cause: str
    """touchpoint, inactivity, conversion, permission, erasure or pack; an open list."""
    touchpoint_id: str | None
    touchpoint_source: str | None
    held: tuple[str, ...]
    channels: tuple[str, ...]
    scores: dict[str, float]
    thresholds: dict[str, dict[str, float]]
    reasons: tuple[Reason, ...]
    since: int
    """When the headline tier `to_tier` began; a lateral change keeps it."""


@dataclass(frozen=True, slots=True)
class Scored:
    """It counted: its weights are in the scores."""

    name: ClassVar[str] = "scored"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """Nothing to score: its rule has no weights, it erased the contact, or a bot did it."""

    name: ClassVar[str] = "noted"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Capped:
    """Enough of its kind have counted that day."""

    name: ClassVar[str] = "capped"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Seen before; nothing changed."""

    name: ClassVar[str] = "duplicate"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Late:
    """Older than the lateness limit: not scored, though consent and resets hold."""

    name: ClassVar[str] = "late"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Erased:
    """From before the contact's erasure, or for an erased contact; nothing changed."""

    name: ClassVar[str] = "erased"
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The pack has no rule for its type."""

    name: ClassVar[str] = "unknown"
    changes: tuple[TierChange, ...] = ()


Outcome: TypeAlias = Scored | Noted | Capped | Duplicate | Late | Erased | Unknown
