"""Moments on the wire: RFC 3339 text to integer milliseconds since the epoch, and back. Nothing else is a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from palier.contracts.limits import DAY_MS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_END_MS: Final = (date(2101, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY_MS

_START_FORM: Final = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
)
_REMAINDER_FORM: Final = r"(\.[0-9]+)?([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

RFC_3339: Final = _START_FORM + _REMAINDER_FORM
"""Date and time of RFC 3339, second 60 left out: a leap second has no place on a clock that counts from the epoch."""

_START: Final = re.compile(_START_FORM)
_REMAINDER: Final = re.compile(_REMAINDER_FORM)
_WITHOUT_OFFSET: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")

# The usual form, 2026-11-02T10:11:12.123Z, is read by four look-ups. A text outside the tables is no error yet: it goes
# the long way. Days are added as they come and cannot outgrow the 47 847 that 1970 to 2100 have.
_DAYS: Final[dict[str, int]] = {}
_MINUTES: Final = {
    f"{hour:02}:{minute:02}:": (hour * 60 + minute) * 60_000 for hour in range(24) for minute in range(60)
}
_MINUTE_TEXTS: Final = tuple(_MINUTES)
_SECONDS: Final = {f"{second:02}": second * 1000 for second in range(60)}
_REMAINDERS: Final = {f".{millisecond:03}Z": millisecond for millisecond in range(1000)} | {"Z": 0}
_OFFSETS: Final = {"Z": 0, "z": 0} | {
    f"{sign}{minute[:5]}": offset if sign == "+" else -offset for minute, offset in _MINUTES.items() for sign in "+-"
}


class MomentTrouble(StrEnum):
    """Why a text is no moment."""

    NO_OFFSET = "has no offset from UTC, such as Z or +01:00"
    LEAP_SECOND = "is a leap second, which cannot be placed"
    OUT_OF_RANGE = "lies outside the years 1970 to 2100"
    MALFORMED = "is not a date and time of RFC 3339, such as 2026-11-02T10:11:12.123Z"


def parse_moment(text: str) -> int | None:
    """Milliseconds since the epoch, UTC, of an RFC 3339 text; finer digits are cut off.

    None when the text is anything else or lies outside the years 1970 to 2100 (UTC); `moment_trouble` says why.
    """
    try:
        return _DAYS[text[:11]] + _MINUTES[text[11:17]] + _SECONDS[text[17:19]] + _REMAINDERS[text[19:]]
    except KeyError:
        return _parse_any_form(text)


def moment_trouble(text: str) -> MomentTrouble:
    """Why `parse_moment` gave None for `text`."""
    if _WITHOUT_OFFSET.fullmatch(text):
        return MomentTrouble.NO_OFFSET
    if text[17:19] == "60" and _is_well_formed(f"{text[:17]}59{text[19:]}"):
        return MomentTrouble.LEAP_SECOND
    return MomentTrouble.OUT_OF_RANGE if _is_well_formed(text) else MomentTrouble.MALFORMED


def format_moment(moment_ms: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of milliseconds since the epoch."""
    day, rest = divmod(moment_ms, DAY_MS)
    minute, rest = divmod(rest, 60_000)
    second, millisecond = divmod(rest, 1000)
    return f"{_day_text(day)}T{_MINUTE_TEXTS[minute]}{second:02}.{millisecond:03}Z"


def to_datetime(moment_ms: int) -> datetime:
    """The aware datetime (UTC) of milliseconds since the epoch, exact."""
    return _EPOCH + timedelta(milliseconds=moment_ms)


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware datetime, finer digits cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    """`YYYY-MM-DD` of days since the epoch."""
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()


def _parse_any_form(text: str) -> int | None:
    """Every form the RFC allows: other offsets, any number of digits, small letters."""
    start = _parse_start(text)
    match = _REMAINDER.fullmatch(text, 19)
    if start is None or match is None:
        return None
    fraction, offset = match.groups()
    milliseconds = int(f"{fraction[1:4]:0<3}") if fraction else 0
    moment = start + milliseconds - _OFFSETS[offset]
    return moment if 0 <= moment < _END_MS else None


def _parse_start(text: str) -> int | None:
    """Milliseconds of the first 19 characters, `YYYY-MM-DDTHH:MM:SS`, taken as UTC; may lie before 1970."""
    day = _DAYS.get(text[:11])
    if day is None:
        day = _learn_day(text)
    minute = _MINUTES.get(text[11:17])
    second = _SECONDS.get(text[17:19])
    if day is None or minute is None or second is None:
        return None
    return day + minute + second


def _learn_day(text: str) -> int | None:
    """Milliseconds of the day a text begins with; days of 1970 to 2100 are kept."""
    if not _START.fullmatch(text, 0, 19):
        return None
    try:
        midnight = (date.fromisoformat(text[:10]).toordinal() - _EPOCH_ORDINAL) * DAY_MS
    except ValueError:  # 31 February, the year 0
        return None
    if 0 <= midnight < _END_MS and text[10] == "T":
        _DAYS[text[:11]] = midnight
    return midnight


def _is_well_formed(text: str) -> bool:
    """Whether a text has the form of RFC 3339 and names a day there is, in range or not."""
    return _parse_start(text) is not None and _REMAINDER.fullmatch(text, 19) is not None
