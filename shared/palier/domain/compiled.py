"""A rule pack in the shape the fold reads fastest: axes, tiers and slots by position, everything looked up once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from palier.domain.limits import MESSAGE_ENTRIES, MOST_AXES, MOST_TIERS, MOST_WEIGHTINGS, REMEMBERED_IDS
from palier.domain.messages import CLICKED, DELIVERED, OPENED
from palier.domain.remembered import bytes_of
from palier.domain.weightings import CODES, KNOWN, OWN, magnitude_of, weights_of, word_of
from palier.domain.words import WordRef, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.domain.pack import Rule, RulePack, Tier, Trust


class Slot(NamedTuple):
    """What some tier counts distinctly: `of` ("days" or "types") on `axis`, of which the newest `most` matter."""

    axis: int
    of: str
    most: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contribution's day or type is noted: which slot, and how many that one holds."""

    place: int
    most: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one touchpoint adds to one axis, with all that the fold would have to look up for it."""

    axis: int
    points: float
    magnitude: float
    """log2 of the points without their sign."""
    half_life: int
    fulfillable: bool
    days: Place | None
    """None where no tier counts days of this axis, and for negative points."""
    types: Place | None


@dataclass(frozen=True, slots=True)
class Weighting:
    """What one touchpoint adds to the axes."""

    word: str
    code: bytes
    """Empty if it is not well known: each contact numbers it itself."""
    parts: tuple[Part, ...]
    axes: tuple[int, ...]
    """Of each part."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A `Rule` by positions."""

    ref: WordRef
    """The type."""
    known: bool = True
    weighting: Weighting | None = None
    critical_weighting: Weighting | None = None
    critical_below: int = 0
    """0 where the rule has no critical weights: no rating is below it."""
    capped: bool = False
    per_day: int | None = None
    per_object: int | None = None
    consents: bool = False
    """It grants or withdraws."""
    grants: tuple[str, ...] = ()
    withdraws: tuple[str, ...] = ()
    resets: tuple[int, ...] = ()
    """Every axis it resets, by name or by `zero`."""
    fulfils: frozenset[int] = frozenset()
    """The axes it resets by name: a tier lost by one of these was a conversion."""
    erases: bool = False
    message: int = 0
    """What it does with its message (messages.py); 0: nothing."""
    revokes: bool = False


_MESSAGES: Final = {"delivered": DELIVERED, "opened": OPENED, "clicked": CLICKED}
_FORBIDDEN_IN_NAMES: Final = frozenset(" ,/:=")
UNKNOWN_RULE: Final = CompiledRule(ref="", known=False)


Threshold: TypeAlias = tuple[int, float]
"""An axis and a limit on it. A plain tuple: the fold takes apart several for each touchpoint."""


class DistinctTest(NamedTuple):
    """At least so many entries of a slot must be newer than `as_of - window_ms`."""

    slot: int
    of: str
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


@dataclass(frozen=True, slots=True)
class CompiledPack:
    """A `RulePack` by positions."""

    version: int
    layout: WordRef
    """Names what each position of a state's lists means; see `layout_of`."""
    axes: tuple[str, ...]
    half_lives: tuple[int, ...]
    fulfillable: frozenset[int]
    """Axes that some rule resets by name."""
    points: tuple[tuple[float, ...], ...]
    """Per axis: what each known weighting's code adds to it."""
    magnitudes: tuple[tuple[float, ...], ...]
    """Per axis and code, log2 of these points without their sign."""
    tiers: tuple[CompiledTier, ...]
    slots: tuple[Slot, ...]
    rules: Mapping[str, CompiledRule]
    permission_refs: frozenset[WordRef]
    trust: Trust
    strong_evidence: frozenset[str]
    """Each convicts a bot by itself."""
    convicting_evidence: frozenset[str]
    """Each convicts a message, and what is done with it around that time."""
    clicks_before_burst: int
    """So many opens and clicks of a message must be remembered before a click may be one of a burst."""
    flood_bytes: int
    """How long the list of remembered touchpoints must be for a flood; longer than it ever is where none is looked for."""
    flood_ms: int
    sources: Mapping[str, float]
    has_messages: bool
    """Some rule concerns messages."""
    scaled: dict[tuple[str, float], Weighting] = field(default_factory=dict, compare=False)
    """Weightings by a factor, each made when it is first needed (`scale`)."""


def scale(weighting: Weighting, factor: float, pack: CompiledPack) -> Weighting | None:
    """What a touchpoint adds of which a source or a doubt lets only a part count; None if nothing is left."""
    scaled = pack.scaled.get((weighting.word, factor))
    if scaled is None:
        weights = {pack.axes[part.axis]: round(part.points * factor, 4) for part in weighting.parts}
        parts = [
            replace(part, points=weights[pack.axes[part.axis]], magnitude=magnitude_of(weights[pack.axes[part.axis]]))
            for part in weighting.parts
            if weights[pack.axes[part.axis]]
        ]
        scaled = pack.scaled[weighting.word, factor] = _weighting_of(parts, pack.axes)
    return scaled if scaled.parts else None


def compile_pack(pack: RulePack) -> CompiledPack:
    """The pack by positions.

    Raises:
        ValueError: a name that is no axis, a number no score can use, or more than a state can hold.
    """
    if not 1 <= len(pack.axes) <= MOST_AXES or len(pack.tiers) > MOST_TIERS:
        raise ValueError(f"a pack has 1 to {MOST_AXES} axes and up to {MOST_TIERS} tiers")
    axes = tuple(axis.name for axis in pack.axes)
    for name in (*axes, *(tier.name for tier in pack.tiers)):
        if not name or not _FORBIDDEN_IN_NAMES.isdisjoint(name):
            raise ValueError(f"{name!r} cannot be the name of an axis or tier: states write them into lists")
    slots = _slots(pack, axes)
    words = {word_of(weights) for rule in pack.rules.values() for weights in (rule.weights, rule.critical_weights)} - {
        ""
    }
    if len(words) > MOST_WEIGHTINGS:
        raise ValueError(f"the touchpoints have {len(words)} different weightings; {MOST_WEIGHTINGS} is the most")
    trust, reversing = pack.trust, _reversing(pack.trust)
    unused = (0.0,) * (OWN - len(KNOWN))
    points = tuple((*(weights_of(word).get(axis, 0.0) for word in KNOWN), *unused) for axis in axes)
    return CompiledPack(
        version=pack.version,
        layout=shorten(layout_of(pack, slots)),
        axes=axes,
        half_lives=tuple(axis.half_life_ms for axis in pack.axes),
        fulfillable=frozenset(_position(axis, axes) for rule in pack.rules.values() for axis in rule.resets),
        points=points,
        magnitudes=tuple(tuple(map(magnitude_of, of_axis)) for of_axis in points),
        tiers=tuple(_compile_tier(tier, 1 << rank, axes, slots) for rank, tier in enumerate(pack.tiers)),
        slots=slots,
        rules={rule.type: _compile_rule(rule, pack, axes, slots) for rule in pack.rules.values()},
        permission_refs=frozenset(map(shorten, pack.permission_channels)),
        trust=trust,
        strong_evidence=frozenset({"bot", "honeypot", "crawler", "convicted", *reversing}),
        convicting_evidence=frozenset({"honeypot", *reversing} if trust.reversal_ms else ()),
        clicks_before_burst=_least_clicks(trust) - 1,
        flood_bytes=bytes_of(trust.flood.touchpoints if trust.flood else REMEMBERED_IDS + 1),
        flood_ms=trust.flood.within_ms if trust.flood else 0,
        sources=dict(pack.sources),
        has_messages=any(rule.message for rule in pack.rules.values()),
    )


def _reversing(trust: Trust) -> set[str]:
    """The bursts that are strong evidence."""
    bursts = {"click-burst": trust.click_burst, "many-links": trust.many_links}
    return {name for name, burst in bursts.items() if burst and burst.reverses and trust.reversal_ms}


def _least_clicks(trust: Trust) -> int:
    """So many clicks are needed for any burst; more than are remembered where none is looked for."""
    burst, links = trust.click_burst, trust.many_links
    return min(burst.clicks if burst else MESSAGE_ENTRIES + 2, links.links if links else MESSAGE_ENTRIES + 2)


def layout_of(pack: RulePack, slots: tuple[Slot, ...]) -> str:
    """`axes/tiers/slots` by name, half-lives and depth: two packs with the same layout read each other's states without rearranging them."""
    axes = [f"{axis.name}:{axis.half_life_ms}" for axis in pack.axes]
    counted = [f"{pack.axes[slot.axis].name}:{slot.of}:{slot.most}" for slot in slots]
    return "/".join(",".join(part) for part in (axes, [tier.name for tier in pack.tiers], counted))


def _slots(pack: RulePack, axes: tuple[str, ...]) -> tuple[Slot, ...]:
    """One slot for each axis and kind that a tier counts, deep enough for the most demanding tier."""
    most: dict[tuple[int, str], int] = {}
    for tier in pack.tiers:
        if tier.distinct is not None:
            counted = (_position(tier.distinct.axis, axes), tier.distinct.of)
            most[counted] = max(most.get(counted, 1), tier.distinct.at_least)
    return tuple(Slot(axis, of, depth) for (axis, of), depth in most.items())


def _compile_rule(rule: Rule, pack: RulePack, axes: tuple[str, ...], slots: tuple[Slot, ...]) -> CompiledRule:
    resets = frozenset(_position(axis, axes) for axis in rule.resets)
    return CompiledRule(
        ref=shorten(rule.type),
        weighting=_weighting(rule.weights, pack, axes, slots) if rule.weights else None,
        critical_weighting=_weighting(rule.critical_weights, pack, axes, slots) if rule.critical_weights else None,
        critical_below=rule.critical_below or 0,
        capped=rule.per_day is not None or rule.per_object is not None,
        per_day=rule.per_day,
        per_object=rule.per_object,
        consents=bool(rule.grants or rule.withdraws),
        grants=rule.grants,
        withdraws=rule.withdraws,
        resets=tuple(range(len(axes))) if rule.zero else tuple(sorted(resets)),
        fulfils=resets,
        erases=rule.erases,
        message=0 if rule.message is None else _MESSAGES[rule.message],
        revokes=rule.revokes,
    )


def _weighting(
    weights: Mapping[str, float], pack: RulePack, axes: tuple[str, ...], slots: tuple[Slot, ...]
) -> Weighting:
    fulfillable = {axis for rule in pack.rules.values() for axis in rule.resets}
    parts = []
    for name, points in weights.items():
        axis = _position(name, axes)
        if points == 0:
            raise ValueError(f"a weight of 0 on {name!r} has no meaning")
        places = {
            slot.of: Place(place, slot.most) for place, slot in enumerate(slots) if slot.axis == axis and points > 0
        }
        parts.append(
            Part(
                axis=axis,
                points=float(points),
                magnitude=magnitude_of(points),
                half_life=pack.axes[axis].half_life_ms,
                fulfillable=name in fulfillable,
                days=places.get("days"),
                types=places.get("types"),
            )
        )
    parts.sort(key=lambda part: part.axis)
    return _weighting_of(parts, axes)


def _weighting_of(parts: list[Part], axes: tuple[str, ...]) -> Weighting:
    word = word_of({axes[part.axis]: part.points for part in parts})
    code = bytes((CODES[word],)) if word in CODES else b""
    return Weighting(word=word, code=code, parts=tuple(parts), axes=tuple(part.axis for part in parts))


def _compile_tier(tier: Tier, bit: int, axes: tuple[str, ...], slots: tuple[Slot, ...]) -> CompiledTier:
    distinct = None
    if tier.distinct is not None:
        counted = (_position(tier.distinct.axis, axes), tier.distinct.of)
        place = next(place for place, slot in enumerate(slots) if slot[:2] == counted)
        distinct = DistinctTest(place, tier.distinct.of, tier.distinct.at_least, tier.distinct.window_ms)
    enter, leave = _thresholds(tier.enter, axes), _thresholds(tier.leave, axes)
    if any(limit <= 0 for _, limit in leave):
        raise ValueError(f"tier {tier.name!r}: a decaying score never falls to a leave threshold of 0 or less")
    return CompiledTier(
        name=tier.name,
        bit=bit,
        enter=enter,
        leave=leave,
        distinct=distinct,
        axes=tuple(sorted({axis for axis, _ in (*enter, *leave)})),
        source=tier,
    )


def _thresholds(limits: Mapping[str, float], axes: tuple[str, ...]) -> tuple[Threshold, ...]:
    return tuple((_position(name, axes), float(limit)) for name, limit in limits.items())


def _position(name: str, axes: tuple[str, ...]) -> int:
    if name not in axes:
        raise ValueError(f"{name!r} is no axis of the pack ({', '.join(axes)})")
    return axes.index(name)
