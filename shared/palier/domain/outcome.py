"""What came of one touchpoint: a closed union of outcomes, each with the tier changes it caused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

Direction: TypeAlias = Literal["up", "down", "lateral"]
Verdict: TypeAlias = Literal["human", "suspect", "bot"]

HUMAN: Final = "human"
SUSPECT: Final = "suspect"
BOT: Final = "bot"
EVIDENCE: Final = (
    "bot",
    "honeypot",
    "crawler",
    "convicted",
    "click-burst",
    "many-links",
    "too-soon",
    "head-request",
    "flood",
)
"""What may speak against a touchpoint, in the order in which it is told."""


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
    """touchpoint, inactivity, conversion, permission, erasure, pack or reversal; an open list."""
    touchpoint_id: str | None
    touchpoint_source: str | None
    held: tuple[str, ...]
    channels: tuple[str, ...]
    scores: dict[str, float]
    thresholds: dict[str, dict[str, float]]
    reasons: tuple[Reason, ...]
    since: int
    """When the headline tier `to_tier` began; a lateral change keeps it."""
    evidence: tuple[str, ...] = ()
    """What spoke against the touchpoint that caused it."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What every outcome says."""

    changes: tuple[TierChange, ...] = ()
    verdict: Verdict = HUMAN
    evidence: tuple[str, ...] = ()
    """Why not human, in the order of `EVIDENCE`."""
    taken_back: int = 0
    """Touchpoints it has taken back, wholly or in part."""
    not_reversible: int = 0
    """Touchpoints it should have taken back, and could not, or not wholly."""
    bot_withdrawal: bool = False
    """A bot withdrew, and it holds."""


@dataclass(frozen=True, slots=True)
class Scored(_Judged):
    """It counted: its weights are in the scores."""

    name: ClassVar[str] = "scored"


@dataclass(frozen=True, slots=True)
class Noted(_Judged):
    """Nothing to score: its rule has no weights, it erased the contact, or a bot did it."""

    name: ClassVar[str] = "noted"


@dataclass(frozen=True, slots=True)
class Capped(_Judged):
    """Enough of its kind have counted that day."""

    name: ClassVar[str] = "capped"


@dataclass(frozen=True, slots=True)
class Duplicate(_Judged):
    """Seen before; nothing changed."""

    name: ClassVar[str] = "duplicate"


@dataclass(frozen=True, slots=True)
class Late(_Judged):
    """Older than the lateness limit: not scored, though consent and resets hold."""

    name: ClassVar[str] = "late"


@dataclass(frozen=True, slots=True)
class Erased(_Judged):
    """From before the contact's erasure, or for an erased contact; nothing changed."""

    name: ClassVar[str] = "erased"


@dataclass(frozen=True, slots=True)
class Unknown(_Judged):
    """The pack has no rule for its type."""

    name: ClassVar[str] = "unknown"


Outcome: TypeAlias = Scored | Noted | Capped | Duplicate | Late | Erased | Unknown
