"""Time zones as the pinned package tells them, never as this machine does."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

QUARTER = 15 * 60_000


def offset_ms(zone: str, t: int) -> int | None:
    """How far local time is ahead of UTC at the beginning of the quarter of an hour; None for a zone nobody knows."""
    return _at_quarter(zone, t // QUARTER)


@cache
def _at_quarter(zone: str, quarter: int) -> int | None:
    if zone not in _names():
        return None
    moment = datetime.fromtimestamp(quarter * QUARTER // 1000, UTC)
    offset = moment.astimezone(_zone(zone)).utcoffset()
    return round(offset.total_seconds() * 1000)


@cache
def _names() -> set[str]:
    return set(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def _zone(zone: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, zone)
