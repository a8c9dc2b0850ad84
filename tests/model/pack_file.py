"""A table as the TOML file of a rule pack, written by hand from the contract: what a marketer's editor would save."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model.tables import DAY

if TYPE_CHECKING:
    from model.tables import Table, TrustRow, TypeRow


def pack_file(table: Table, name: str, version: int) -> str:
    """The text of the file."""
    lines = [f"name = {_toml(name)}", f"version = {version}", "[axes]"]
    lines += [f"{_toml(axis)} = {_toml({'half_life_days': ms / DAY})}" for axis, ms in table.half_lives.items()]
    for tier_name, tier in table.tiers.items():
        members: dict[str, Any] = {"name": tier_name, "meaning": "-", "enter": tier.enter, "leave": tier.leave}
        if counted := tier.distinct:
            members["distinct"] = {
                "of": counted.of,
                "axis": counted.axis,
                "at_least": counted.at_least,
                "within_days": counted.window_ms / DAY,
            }
        lines += ["[[tiers]]", *(f"{member} = {_toml(value)}" for member, value in members.items())]
    lines += ["[permission]", f"channels = {_toml(sorted(table.permission_channels))}"]
    if table.trust:
        lines += ["[trust]", *(f"{member} = {_toml(value)}" for member, value in _trust(table.trust).items())]
    if table.sources:
        lines += ["[sources]", *(f"{_toml(source)} = {_toml(factor)}" for source, factor in table.sources.items())]
    if hours := table.hours:
        lines += ["[hours]", *(f"{member} = {_toml(value)}" for member, value in asdict(hours).items())]
    if preferred := table.preferred_channel:
        lines += ["[preferred_channel]", *(f"{member} = {_toml(value)}" for member, value in asdict(preferred).items())]
    if value := table.value:
        lines += ["[value]", *(f"{member} = {_toml(number)}" for member, number in asdict(value).items())]
    if table.points_per_weight is not None:
        lines += ["[points]", f"per_weight = {table.points_per_weight}"]
    for badge_name, badge in table.badges.items():
        members = {"name": badge_name, "meaning": "-", **asdict(badge)}
        lines += ["[[badges]]", *(f"{member} = {_toml(value)}" for member, value in members.items() if value)]
    lines += ["[touchpoints]"]
    lines += [f"{_toml(type_)} = {_toml(_rule(row))}" for type_, row in table.types.items()]
    return "\n".join(lines) + "\n"


def _rule(row: TypeRow) -> dict[str, Any]:
    critical = None if row.critical is None else {"below": row.critical_below, "weights": row.critical}
    members = {
        "weights": row.weights,
        "critical": critical,
        "per_day": row.per_day,
        "per_object": row.per_object,
        "grants": row.grants,
        "withdraws": row.withdraws,
        "resets": row.resets,
        "zero": row.zero,
        "erases": row.erases,
        "message": row.message,
        "revokes": row.revokes,
        "value": row.value,
    }
    said = {member: value for member, value in members.items() if value}
    said |= {} if row.hour else {"hour": False}
    return said | ({} if row.points is None else {"points": row.points})


def _trust(row: TrustRow) -> dict[str, Any]:
    """What is switched off is left out, for the reader to know that it is."""
    members: dict[str, Any] = {
        "flag": row.flag,
        "suspect": row.suspect,
        "kinds_for_bot": row.kinds_for_bot,
        "reversal_seconds": row.reversal_ms / 1000,
    }
    members |= {name: True for name in ("honeypot", "crawler", "head_request") if getattr(row, name)}
    if row.too_soon_ms is not None:
        members["too_soon"] = {"within_seconds": row.too_soon_ms / 1000}
    for name, what in (("click_burst", "clicks"), ("many_links", "links")):
        if burst := getattr(row, name):
            members[name] = {
                what: burst.at_least,
                "within_seconds": burst.within_ms / 1000,
                "reverses": burst.reverses,
            }
    if row.flood:
        members["flood"] = {"touchpoints": row.flood[0], "within_seconds": row.flood[1] / 1000}
    return members


def _toml(value: Any) -> str:
    """Inline. Texts, numbers, truths and lists are written in TOML as in JSON."""
    if hasattr(value, "items"):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(member)}" for key, member in value.items()) + " }"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
