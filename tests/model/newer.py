"""Newer packs: a table with some of its numbers and names changed at random, as marketers change them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model.tables import (
    ADVOCACY,
    DAY,
    INTENT,
    INTEREST,
    MESSAGES,
    BadgeRow,
    Burst,
    DistinctRow,
    HoursRow,
    PreferredRow,
    Table,
    TierRow,
    TrustRow,
    TypeRow,
    ValueRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

CHANNELS = ("email", "web", "mobile", "push", "sms", "social", "call", "chat")
MOOD = "mood"
"""An axis that comes and goes."""
LAUGHING = ("game.played", "video.watched", "content.shared", "chat.started", "page.viewed")
NEW_TIERS = {
    "curious": TierRow({INTEREST: 6}, {INTEREST: 3}),
    "about-to-leave": TierRow({INTENT: 8, ADVOCACY: 2}, {INTENT: 5}, DistinctRow("days", INTENT, 3, 20 * DAY)),
    "cheerful": TierRow({MOOD: 4, INTEREST: 2}, {MOOD: 2}),
    "loud": TierRow({ADVOCACY: 15}, {ADVOCACY: 9}, DistinctRow("types", ADVOCACY, 2, 60 * DAY)),
}


def newer(table: Table, chance: Random) -> Table:
    """The table after one to four changes; the contract's bounds are kept."""
    knows = "touchpoint.revoked" in table.types
    for change in chance.sample(CHANGES + KNOWING_CHANGES if knows else CHANGES, chance.randint(1, 4)):
        table = change(table, chance)
    return table


def _thresholds(table: Table, chance: Random) -> Table:
    """Up or down, of some tiers; enter stays above leave."""
    tiers = dict(table.tiers)
    for name, tier in tiers.items():
        if chance.random() < 0.7:
            factor, closeness = chance.uniform(0.4, 1.8), chance.uniform(0.5, 0.95)
            enter = {axis: round(limit * factor, 2) for axis, limit in tier.enter.items()}
            tiers[name] = replace(
                tier, enter=enter, leave={axis: round(enter[axis] * closeness, 4) for axis in tier.leave}
            )
    return replace(table, tiers=tiers)


def _half_lives(table: Table, chance: Random) -> Table:
    """Of one axis or two."""
    changed = chance.sample(sorted(table.half_lives), min(len(table.half_lives), chance.randint(1, 2)))
    factor = chance.choice((0.25, 0.6, 1.5, 3))
    return replace(
        table,
        half_lives={axis: int(ms * factor) if axis in changed else ms for axis, ms in table.half_lives.items()},
    )


def _permission(table: Table, chance: Random) -> Table:
    """Other channels open the gate."""
    return replace(table, permission_channels=frozenset(chance.sample(CHANNELS, chance.randint(1, 6))))


def _another_tier(table: Table, chance: Random) -> Table:
    """A new one, at any rank."""
    names = [
        name
        for name, tier in NEW_TIERS.items()
        if name not in table.tiers and tier.enter.keys() <= table.half_lives.keys()
    ]
    if not names:
        return table
    tiers, name = list(table.tiers.items()), chance.choice(names)
    tiers.insert(chance.randint(0, len(tiers)), (name, NEW_TIERS[name]))
    return replace(table, tiers=dict(tiers))


def _fewer_tiers(table: Table, chance: Random) -> Table:
    """One goes."""
    if len(table.tiers) == 1:
        return table
    gone = chance.choice(sorted(table.tiers))
    return replace(table, tiers={name: tier for name, tier in table.tiers.items() if name != gone})


def _ranks(table: Table, chance: Random) -> Table:
    """The same tiers in another order."""
    return replace(table, tiers=dict(chance.sample(list(table.tiers.items()), len(table.tiers))))


def _distinct(table: Table, chance: Random) -> Table:
    """A tier counts more, or fewer, or something else, or nothing."""
    tiers, name = dict(table.tiers), chance.choice(sorted(table.tiers))
    counted = DistinctRow(
        chance.choice(("types", "days")),
        chance.choice(sorted(tiers[name].enter)),
        chance.randint(1, 4),
        chance.randint(1, 60) * DAY,
    )
    tiers[name] = replace(tiers[name], distinct=chance.choice((None, counted, counted, counted)))
    return replace(table, tiers=tiers)


def _an_axis_comes_or_goes(table: Table, chance: Random) -> Table:
    """With its weights, and with every tier that looks at it."""
    if MOOD not in table.half_lives:
        weighed = {
            type_: replace(row, weights={**row.weights, MOOD: 1.5}) if type_ in LAUGHING else row
            for type_, row in table.types.items()
        }
        half_lives = list(table.half_lives.items())
        half_lives.insert(chance.randint(0, len(half_lives)), (MOOD, 12 * DAY))
        return replace(table, half_lives=dict(half_lives), types=weighed)
    gone = MOOD if chance.random() < 0.7 else chance.choice((INTENT, ADVOCACY))
    if gone not in table.half_lives or all(gone in tier.enter for tier in table.tiers.values()):
        return table
    return replace(
        table,
        half_lives={axis: ms for axis, ms in table.half_lives.items() if axis != gone},
        tiers={name: tier for name, tier in table.tiers.items() if gone not in tier.enter},
        types={type_: _without(row, gone) for type_, row in table.types.items()},
    )


def _without(row: TypeRow, gone: str) -> TypeRow:
    """The row of a table that does not have this axis; what weighs on no other needs no caps."""
    weights = {axis: weight for axis, weight in row.weights.items() if axis != gone}
    return replace(
        row,
        weights=weights,
        critical=row.critical and {axis: weight for axis, weight in row.critical.items() if axis != gone},
        per_day=row.per_day if weights else None,
        per_object=row.per_object if weights else None,
        resets=tuple(axis for axis in row.resets if axis != gone),
    )


def _weights(table: Table, chance: Random) -> Table:
    """A few types are worth more, or less."""
    types = dict(table.types)
    for type_ in chance.sample(sorted(types), 4):
        factor = chance.choice((0.5, 2, 3))
        weights = {axis: min(300.0, round(weight * factor, 2)) for axis, weight in types[type_].weights.items()}
        types[type_] = replace(types[type_], weights=weights)
    return replace(table, types=types)


def _resets(table: Table, chance: Random) -> Table:
    """An order fulfils something else, or nothing."""
    axes = sorted(table.half_lives)
    order = replace(
        table.types["order.completed"], resets=tuple(chance.sample(axes, min(len(axes), chance.randint(0, 2))))
    )
    return replace(table, types={**table.types, "order.completed": order})


def _trust(table: Table, chance: Random) -> Table:
    """Other evidence, other numbers, or none of it."""
    trust = TrustRow(
        flag=chance.random() < 0.8,
        honeypot=chance.random() < 0.8,
        crawler=chance.random() < 0.8,
        head_request=chance.random() < 0.8,
        too_soon_ms=chance.choice((None, 500, 2000, 3500)),
        click_burst=chance.choice((None, Burst(3, 1000, reverses=True), Burst(4, 2000, reverses=False))),
        many_links=chance.choice((None, Burst(3, 2000, reverses=True), Burst(2, 1500, reverses=False))),
        flood=chance.choice((None, (30, 60_000), (7, 45_000))),
        suspect=chance.choice((0, 0.33, 0.5, 1)),
        kinds_for_bot=chance.choice((1, 2, 2, 3)),
        reversal_ms=chance.choice((0, 500, 10_000, 60_000)),
    )
    return replace(table, trust=chance.choice((None, trust, trust, trust, trust)))


def _sources(table: Table, chance: Random) -> Table:
    """Some are trusted more, or less."""
    names = ("cheap-followers.example", "partner.example", "web-tracker", "shop")
    return replace(
        table, sources={name: chance.choice((0, 0.1, 0.33, 1)) for name in chance.sample(names, chance.randint(0, 3))}
    )


def _messages(table: Table, chance: Random) -> Table:
    """Nothing is a message any more; or what was one is one again."""
    is_kept = chance.random() < 0.6
    return replace(
        table,
        types=table.types
        | {
            type_: replace(table.types[type_], message=row.message if is_kept else None)
            for type_, row in MESSAGES.items()
        },
    )


def _hours(table: Table, chance: Random) -> Table:
    """Other numbers, or none; other types say when the contact is there."""
    hours = HoursRow(chance.randrange(24), chance.choice((1, 3, 5, 20)), chance.choice((8, 9, 60, 255)))
    types = dict(table.types)
    for type_ in chance.sample(sorted(types), 5):
        types[type_] = replace(types[type_], hour=chance.random() < 0.5)
    return replace(table, hours=chance.choice((None, hours, hours, hours)), types=types)


def _channels(table: Table, chance: Random) -> Table:
    """One is preferred from other numbers on, or never."""
    preferred = PreferredRow(chance.choice((1, 2, 5)), chance.randint(2, 4))
    return replace(table, preferred_channel=chance.choice((None, preferred, preferred)))


def _value(table: Table, chance: Random) -> Table:
    """Other assumptions, or none; other types are orders."""
    value = ValueRow(chance.choice((0, 30, 100)), chance.choice((0, 60, 100)), chance.randint(1, 10), 26, 0.25, 2)
    types = {type_: replace(row, value=None) for type_, row in table.types.items()}
    for type_, kind in (("order.completed", "order"), ("order.refunded", "refund"), ("cart.added", "order")):
        if chance.random() < 0.7:
            types[type_] = replace(types[type_], value=kind)
    return replace(table, value=chance.choice((None, value, value, value)), types=types)


def _points(table: Table, chance: Random) -> Table:
    """More, or fewer, or none."""
    types = dict(table.types)
    for type_ in chance.sample([type_ for type_, row in sorted(types.items()) if row.weights], 3):
        types[type_] = replace(types[type_], points=chance.choice((None, 0, 1, 100_000)))
    return replace(table, points_per_weight=chance.choice((None, 0, 1, 33, 100)), types=types)


def _badges(table: Table, chance: Random) -> Table:
    """Some come, some go, some are earned otherwise, under the name they had."""
    names = ("first-review", "regular", "bookworm", "ambassador", "second", "there", "daily-reader")
    badges = {}
    for name in chance.sample(names, chance.randint(0, 6)):
        types = tuple(chance.sample(sorted(table.types), chance.choice((0, 0, 1, 20))))
        count = chance.choice((None, 1, 3, 10, 40))
        badges[name] = BadgeRow(types, count=count, streak_days=chance.randint(1, 5) if count is None else None)
    return replace(table, badges=badges)


CHANGES: tuple[Callable[[Table, Random], Table], ...] = (
    _thresholds,
    _half_lives,
    _permission,
    _another_tier,
    _fewer_tiers,
    _ranks,
    _distinct,
    _an_axis_comes_or_goes,
    _weights,
    _resets,
)
KNOWING_CHANGES: tuple[Callable[[Table, Random], Table], ...] = (
    _trust,
    _sources,
    _messages,
    _hours,
    _channels,
    _value,
    _points,
    _badges,
)
"""Of packs that say more than touchpoints, tiers and permission."""
