"""A rule pack: every number the fold uses, as one frozen value. `palier.packs` reads one from TOML."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.domain.compiled import CompiledPack

UNENGAGED: Final = "unengaged"
"""The headline of a contact who holds no tier: rank 0 of every pack."""

ITS_CHANNEL: Final = "@"
"""In `grants` and `withdraws`: the channel of the touchpoint itself."""

EVERY_CHANNEL: Final = "*"
"""In `withdraws`: every channel, also those not seen yet."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that is scored. It halves every `half_life_ms`."""

    name: str
    half_life_ms: int


@dataclass(frozen=True, slots=True)
class Distinct:
    """At least so many touchpoint types, or UTC days, must have gained on `axis` within the window."""

    of: Literal["types", "days"]
    axis: str
    at_least: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A landing of the staircase: entered when every axis of `enter` is reached, left when one of `leave` is."""

    name: str
    enter: Mapping[str, float]
    leave: Mapping[str, float]
    distinct: Distinct | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class ClickBurst:
    """So many clicks of one message within a span are a scanner's."""

    clicks: int
    within_ms: int
    reverses: bool = False
    """It is strong evidence, and takes back what was scored around it."""


@dataclass(frozen=True, slots=True)
class ManyLinks:
    """Clicks on so many links of one message within a span are a scanner's."""

    links: int
    within_ms: int
    reverses: bool = False


@dataclass(frozen=True, slots=True)
class Flood:
    """So many touchpoints of one contact in less than a span are no human's."""

    touchpoints: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What speaks against a touchpoint's being a human's. As it is here it judges by the sender's flag alone."""

    flag: bool = True
    """The sender's own `bot`."""
    honeypot: bool = False
    """What no human sees was touched."""
    crawler: bool = False
    """The user agent declares itself a crawler."""
    head_request: bool = False
    """A click that asked for the head of the page only."""
    too_soon_ms: int = 0
    """A message opened or clicked sooner than that after its delivery; 0: whenever it was is well."""
    click_burst: ClickBurst | None = None
    many_links: ManyLinks | None = None
    flood: Flood | None = None
    suspect: float = 0.5
    """What a suspect's points count."""
    kinds_for_bot: int = 2
    """So many kinds of weak evidence make a bot."""
    reversal_ms: int = 0
    """How far from a conviction other touchpoints of its message are convicted with it; 0: none are, and a burst is weak
    evidence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one type of touchpoint does. Weights are in points per axis; an absent cap is None."""

    type: str
    weights: Mapping[str, float] = field(default_factory=dict)
    critical_weights: Mapping[str, float] = field(default_factory=dict)
    """Replace `weights` when the rating is below `critical_below`."""
    critical_below: int | None = None
    per_day: int | None = None
    per_object: int | None = None
    grants: tuple[str, ...] = ()
    withdraws: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    """Axes that this touchpoint fulfils: a tier lost by it is a conversion."""
    zero: bool = False
    """Resets every axis, and converts nothing."""
    erases: bool = False
    message: Literal["delivered", "opened", "clicked"] | None = None
    """What happened to the message that is its object."""
    revokes: bool = False
    """Takes back the touchpoint that its properties name."""


@dataclass(frozen=True)
class RulePack:
    """Axes, tiers (ascending in rank; `unengaged` is implied below them), rules by type and the permission channels."""

    name: str
    version: int
    digest: str
    """SHA-256, hexadecimal, of what the pack says (not of its comments or layout)."""
    axes: tuple[Axis, ...]
    tiers: tuple[Tier, ...]
    rules: Mapping[str, Rule]
    permission_channels: frozenset[str]
    trust: Trust = Trust()
    sources: Mapping[str, float] = field(default_factory=dict)
    """What the points of a source count, 0 to 1; of others they count in full."""

    @cached_property
    def compiled(self) -> CompiledPack:
        """The same pack in the shape the fold reads fastest; made once.

        Raises:
            ValueError: a tier or rule names an axis the pack does not have, or a number is out of range.
        """
        from palier.domain.compiled import compile_pack  # compiled.py builds on this file

        return compile_pack(self)
