"""A rule pack in the shape the fold reads fastest: axes, tiers and slots by position, everything looked up once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from palier.domain.limits import MOST_AXES, MOST_TIERS
from palier.domain.words import WordRef, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.domain.pack import Rule, RulePack, Tier

POINTS: Final = 100
"""States hold weights as whole hundredths of a point."""
MOST_POINTS: Final = 300


class Weight(NamedTuple):
    """What one touchpoint adds to one axis, and where its distinct day and type are noted (None: nobody counts)."""

    axis: int
    points: float
    hundredths: int
    days_slot: int | None
    types_slot: int | None


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A `Rule` by positions."""

    ref: WordRef
    """The type."""
    known: bool = True
    weights: tuple[Weight, ...] = ()
    critical_weights: tuple[Weight, ...] = ()
    critical_below: int = 0
    """0 where the rule has no critical weights: no rating is below it."""
    per_day: int | None = None
    per_object: int | None = None
    grants: tuple[str, ...] = ()
    withdraws: tuple[str, ...] = ()
    consents: bool = False
    """It grants or withdraws."""
    resets: tuple[int, ...] = ()
    """Every axis it resets, by name or by `zero`."""
    fulfils: frozenset[int] = frozenset()
    """The axes it resets by name: a tier lost by one of these was a conversion."""
    erases: bool = False


UNKNOWN_RULE: Final = CompiledRule(ref="", known=False)


class Threshold(NamedTuple):
    """A limit on one axis."""

    axis: int
    limit: float


class DistinctTest(NamedTuple):
    """At least so many entries of a slot must be newer than `as_of - window_ms`."""

    slot: int
    at_least: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class CompiledTier:
    """A `Tier` by positions. `bit` is its place in a set of tiers; a higher rank has a higher bit."""

    name: str
    bit: int
    enter: tuple[Threshold, ...]
    leave: tuple[Threshold, ...]
    distinct: DistinctTest | None
    axes: tuple[int, ...]
    """Every axis the tier looks at, ascending."""
    source: Tier


class Slot(NamedTuple):
    """What some tier counts distinctly: `of` ("days" or "types") on `axis`, of which the newest `most` matter."""

    axis: int
    of: str
    most: int


@dataclass(frozen=True, slots=True)
class CompiledPack:
    """A `RulePack` by positions."""

    layout: WordRef
    """Names what each position of a state's lists means; see `layout_of`."""
    axes: tuple[str, ...]
    half_lives: tuple[int, ...]
    rates: tuple[float, ...]
    """Half-lives per millisecond: 1 / half-life."""
    fulfillable: frozenset[int]
    """Axes that some rule resets by name."""
    tiers: tuple[CompiledTier, ...]
    slots: tuple[Slot, ...]
    rules: Mapping[str, CompiledRule]
    permission_refs: frozenset[WordRef]
    zeros: tuple[float, ...] = field(default=())


def compile_pack(pack: RulePack) -> CompiledPack:
    """The pack by positions.

    Raises:
        ValueError: a name that is no axis, or a number that a state cannot hold.
    """
    if not 1 <= len(pack.axes) <= MOST_AXES or len(pack.tiers) > MOST_TIERS:
        raise ValueError(f"a pack has 1 to {MOST_AXES} axes and up to {MOST_TIERS} tiers")
    axes = tuple(axis.name for axis in pack.axes)
    slots = _slots(pack, axes)
    rules = {rule.type: _compile_rule(rule, axes, slots) for rule in pack.rules.values()}
    return CompiledPack(
        layout=shorten(layout_of(pack, slots)),
        axes=axes,
        half_lives=tuple(axis.half_life_ms for axis in pack.axes),
        rates=tuple(1 / axis.half_life_ms for axis in pack.axes),
        fulfillable=frozenset(axis for rule in rules.values() for axis in rule.fulfils),
        tiers=tuple(_compile_tier(tier, 1 << rank, axes, slots) for rank, tier in enumerate(pack.tiers)),
        slots=slots,
        rules=rules,
        permission_refs=frozenset(map(shorten, pack.permission_channels)),
        zeros=(0.0,) * len(axes),
    )


def layout_of(pack: RulePack, slots: tuple[Slot, ...]) -> str:
    """`axes/tiers/slots` by name: two packs with the same layout read each other's states without rearranging them."""
    names = [axis.name for axis in pack.axes]
    counted = [f"{names[slot.axis]}:{slot.of}:{slot.most}" for slot in slots]
    return "/".join(",".join(part) for part in (names, [tier.name for tier in pack.tiers], counted))


def _slots(pack: RulePack, axes: tuple[str, ...]) -> tuple[Slot, ...]:
    """One slot for each axis and kind that a tier counts, deep enough for the most demanding tier."""
    most: dict[tuple[int, str], int] = {}
    for tier in pack.tiers:
        if tier.distinct is not None:
            counted = (_position(tier.distinct.axis, axes), tier.distinct.of)
            most[counted] = max(most.get(counted, 1), tier.distinct.at_least)
    return tuple(Slot(axis, of, depth) for (axis, of), depth in most.items())


def _compile_rule(rule: Rule, axes: tuple[str, ...], slots: tuple[Slot, ...]) -> CompiledRule:
    resets = frozenset(_position(axis, axes) for axis in rule.resets)
    return CompiledRule(
        ref=shorten(rule.type),
        weights=_weights(rule.weights, axes, slots),
        critical_weights=_weights(rule.critical_weights, axes, slots),
        critical_below=rule.critical_below or 0,
        per_day=rule.per_day,
        per_object=rule.per_object,
        grants=rule.grants,
        withdraws=rule.withdraws,
        consents=bool(rule.grants or rule.withdraws),
        resets=tuple(range(len(axes))) if rule.zero else tuple(sorted(resets)),
        fulfils=resets,
        erases=rule.erases,
    )


def _weights(weights: Mapping[str, float], axes: tuple[str, ...], slots: tuple[Slot, ...]) -> tuple[Weight, ...]:
    compiled = []
    for name, points in weights.items():
        axis = _position(name, axes)
        hundredths = round(points * POINTS)
        if hundredths / POINTS != points or not 0 < abs(points) <= MOST_POINTS:
            raise ValueError(f"weight {points} of {name!r} is not in whole hundredths within 0.01..{MOST_POINTS}")
        places = {slot.of: place for place, slot in enumerate(slots) if slot.axis == axis and points > 0}
        compiled.append(Weight(axis, points, hundredths, places.get("days"), places.get("types")))
    return tuple(sorted(compiled))


def _compile_tier(tier: Tier, bit: int, axes: tuple[str, ...], slots: tuple[Slot, ...]) -> CompiledTier:
    distinct = None
    if tier.distinct is not None:
        counted = (_position(tier.distinct.axis, axes), tier.distinct.of)
        place = next(place for place, slot in enumerate(slots) if slot[:2] == counted)
        distinct = DistinctTest(place, tier.distinct.at_least, tier.distinct.window_ms)
    enter, leave = _thresholds(tier.enter, axes), _thresholds(tier.leave, axes)
    return CompiledTier(
        name=tier.name,
        bit=bit,
        enter=enter,
        leave=leave,
        distinct=distinct,
        axes=tuple(sorted({threshold.axis for threshold in (*enter, *leave)})),
        source=tier,
    )


def _thresholds(limits: Mapping[str, float], axes: tuple[str, ...]) -> tuple[Threshold, ...]:
    return tuple(Threshold(_position(name, axes), float(limit)) for name, limit in limits.items())


def _position(name: str, axes: tuple[str, ...]) -> int:
    if name not in axes:
        raise ValueError(f"{name!r} is no axis of the pack ({', '.join(axes)})")
    return axes.index(name)
