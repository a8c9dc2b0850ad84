"""The shape of a rule pack's TOML, with every rule it must keep. Pydantic does the checking and names what is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from palier.domain.limits import MESSAGE_ENTRIES, MOST_AXES, MOST_TIERS
from palier.domain.pack import EVERY_CHANNEL, UNENGAGED

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f]+$", max_length=100)]
"""A touchpoint type, as upstream apps write it."""
Channel = Annotated[str, StringConstraints(pattern=r"^[^\s*@\x00-\x1f\x7f]+$", max_length=100)]
ChannelOrOwn = Annotated[str, StringConstraints(pattern=r"^(@|[^\s*@\x00-\x1f\x7f]+)$", max_length=100)]
ChannelOwnOrEvery = Annotated[str, StringConstraints(pattern=r"^(@|\*|[^\s*@\x00-\x1f\x7f]+)$", max_length=100)]
Points = Annotated[float, Field(ge=-300, le=300, allow_inf_nan=False)]
Limit = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Days = Annotated[float, Field(ge=0.01, le=3_650, allow_inf_nan=False)]
Cap = Annotated[int, Field(ge=1, le=1_000)]
Seconds = Annotated[float, Field(ge=0.001, le=3_600, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Source = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]


class _Table(BaseModel):
    """A TOML table: its members have the types written here, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class AxisTable(_Table):
    """`[axes]`, one line each."""

    half_life_days: Days


class DistinctTable(_Table):
    """How many types, or UTC days, must have gained on an axis lately."""

    of: Literal["types", "days"]
    axis: str
    at_least: int = Field(ge=1, le=100)
    within_days: Days


class TierTable(_Table):
    """`[[tiers]]`, lowest rank first."""

    name: Name
    meaning: str = Field("", max_length=500)
    enter: dict[str, Limit] = Field(min_length=1)
    leave: dict[str, Limit] = Field(min_length=1)
    distinct: DistinctTable | None = None


class PermissionTable(_Table):
    """`[permission]`."""

    channels: list[Channel] = Field(min_length=1, max_length=50)


class CriticalTable(_Table):
    """Weights of a touchpoint whose rating is below a limit."""

    below: int = Field(ge=1, le=100)
    weights: dict[str, Points]


class TouchpointTable(_Table):
    """`[touchpoints]`, one line a type."""

    weights: dict[str, Points] = Field(default_factory=dict)
    critical: CriticalTable | None = None
    per_day: Cap | None = None
    per_object: Cap | None = None
    grants: list[ChannelOrOwn] = Field(default_factory=list, max_length=50)
    withdraws: list[ChannelOwnOrEvery] = Field(default_factory=list, max_length=50)
    resets: list[str] = Field(default_factory=list)
    zero: bool = False
    erases: bool = False
    message: Literal["delivered", "opened", "clicked"] | None = None
    revokes: bool = False


class TooSoonTable(_Table):
    """An open or click sooner after the delivery than a human is."""

    within_seconds: Seconds


class ClickBurstTable(_Table):
    """So many clicks of one message at once."""

    clicks: int = Field(ge=3, le=MESSAGE_ENTRIES)
    within_seconds: Seconds
    reverses: bool = False


class ManyLinksTable(_Table):
    """So many links of one message at once."""

    links: int = Field(ge=2, le=MESSAGE_ENTRIES)
    within_seconds: Seconds
    reverses: bool = False


class FloodTable(_Table):
    """So many touchpoints of one contact at once."""

    touchpoints: int = Field(ge=5, le=120)
    within_seconds: Seconds


class TrustTable(_Table):
    """`[trust]`: what speaks against a human."""

    flag: bool = True
    honeypot: bool = False
    crawler: bool = False
    head_request: bool = False
    too_soon: TooSoonTable | None = None
    click_burst: ClickBurstTable | None = None
    many_links: ManyLinksTable | None = None
    flood: FloodTable | None = None
    suspect: Share = 0.5
    kinds_for_bot: int = Field(2, ge=1, le=4)
    reversal_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 10


class PackFile(_Table):
    """A whole rule pack."""

    name: Name
    version: int = Field(ge=1, le=2_000_000_000)
    axes: dict[Name, AxisTable] = Field(min_length=1, max_length=MOST_AXES)
    tiers: list[TierTable] = Field(min_length=1, max_length=MOST_TIERS)
    permission: PermissionTable
    touchpoints: dict[Word, TouchpointTable] = Field(min_length=1, max_length=2_000)
    trust: TrustTable | None = None
    sources: dict[Source, Share] = Field(default_factory=dict, max_length=1_000)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """What no single member can show: the parts must fit one another. The first misfit is told."""
        _check_tier_names(self.tiers)
        for tier in self.tiers:
            _check_tier(tier, self.axes)
        for type_, rule in self.touchpoints.items():
            _check_rule(type_, rule, self.axes)
        if self.trust:
            _check_decimals("trust", self.trust.suspect, 2)
        for source, share in self.sources.items():
            _check_decimals(f"source {source!r}", share, 2)
        return self


def _check_tier_names(tiers: list[TierTable]) -> None:
    names = [tier.name for tier in tiers]
    for name in names:
        if name == UNENGAGED:
            raise ValueError(f"tier {name!r}: the name is taken by the rank below all tiers")
        if names.count(name) > 1:
            raise ValueError(f"tier {name!r}: there are {names.count(name)} of that name")


def _check_tier(tier: TierTable, axes: dict[str, AxisTable]) -> None:
    where = f"tier {tier.name!r}"
    for axis in (*tier.enter, *tier.leave, *([tier.distinct.axis] if tier.distinct else [])):
        _check_axis(where, axis, axes)
    for axis, leave in tier.leave.items():
        if axis not in tier.enter:
            raise ValueError(f"{where}: it is left by {axis!r}, which is not among the axes it is entered by")
        if leave >= tier.enter[axis]:
            raise ValueError(f"{where}: leave {leave:g} is not below enter {tier.enter[axis]:g}")
    for limit in (*tier.enter.values(), *tier.leave.values()):
        _check_decimals(where, limit, 4)


def _check_rule(type_: str, rule: TouchpointTable, axes: dict[str, AxisTable]) -> None:
    where = f"touchpoint {type_!r}"
    critical = rule.critical.weights if rule.critical else {}
    for axis in (*rule.weights, *critical, *rule.resets):
        _check_axis(where, axis, axes)
    for points in (*rule.weights.values(), *critical.values()):
        if points == 0:
            raise ValueError(f"{where}: a weight of 0 has no meaning; leave the axis out")
        _check_decimals(where, points, 2)
    if rule.critical and not rule.weights:
        raise ValueError(f"{where}: critical weights replace weights, and there are none")
    if rule.per_object is not None and rule.per_day is None:
        raise ValueError(f"{where}: per_object needs per_day, or a contact's memory would grow without bound")
    if rule.per_day is not None and not rule.weights:
        raise ValueError(f"{where}: a cap without weights has no meaning")
    if rule.erases and rule != TouchpointTable(erases=True):
        raise ValueError(f"{where}: what erases a contact can do nothing else")
    if rule.revokes and rule != TouchpointTable(revokes=True):
        raise ValueError(f"{where}: what revokes a touchpoint can do nothing else")
    if EVERY_CHANNEL in rule.withdraws and len(rule.withdraws) > 1:
        raise ValueError(f"{where}: withdraws {EVERY_CHANNEL!r} includes the other channels")


def _check_axis(where: str, axis: str, axes: dict[str, AxisTable]) -> None:
    if axis not in axes:
        raise ValueError(f"{where}: {axis!r} is no axis (there are {', '.join(axes)})")


def _check_decimals(where: str, number: float, most: int) -> None:
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > most:
        raise ValueError(f"{where}: {number:g} has more than {most} decimals")
