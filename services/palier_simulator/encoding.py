"""Touchpoints as upstream applications write them: JSON in UTF-8, members in a fixed order."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from palier_simulator.rhythm import HOUR_MS, MINUTE_MS

_MINUTE_AND_SECOND = tuple(f"{second // 60:02d}:{second % 60:02d}." for second in range(3600))
_MILLISECOND = tuple(f"{millisecond:03d}" for millisecond in range(1000))


class TouchpointJson(msgspec.Struct, omit_defaults=True, gc=False):
    """One touchpoint on its way to JSON; optional members are left out when absent."""

    id: str
    source: str
    type: str
    channel: str
    contact_id: str
    occurred_at: str
    object_id: str | None = None
    campaign_id: str | None = None
    rating: int | None = None
    value: dict[str, str] | None = None
    bot: bool = False
    timezone: str | None = None
    user_agent: str | None = None


encode = msgspec.json.Encoder().encode


def rfc3339(moment_ms: int, utc_offset_ms: int = 0) -> str:
    """A moment as RFC 3339 with milliseconds: in local time with its offset, or in UTC with Z."""
    hour, rest = divmod(moment_ms + utc_offset_ms, HOUR_MS)
    second, millisecond = divmod(rest, 1000)
    text = _date_and_hour(hour) + _MINUTE_AND_SECOND[second] + _MILLISECOND[millisecond]
    return text + (_offset(utc_offset_ms) if utc_offset_ms else "Z")


def uuid4(bits: int) -> str:
    """A random UUID (RFC 9562, version 4) made of 128 random bits."""
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[bits & 3]}{text[17:20]}-{text[20:]}"


@lru_cache(maxsize=4096)
def _date_and_hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%dT%H:")


@lru_cache(maxsize=64)
def _offset(utc_offset_ms: int) -> str:
    hours, minutes = divmod(abs(utc_offset_ms) // MINUTE_MS, 60)
    return f"{'-' if utc_offset_ms < 0 else '+'}{hours:02d}:{minutes:02d}"
