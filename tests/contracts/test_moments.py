"""RFC 3339 text to milliseconds and back, against Python's own datetime as an independent reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from palier.contracts import moments
from palier.contracts.moments import MomentTrouble, format_moment, moment_trouble, parse_moment

OFFSETS = st.integers(-(24 * 60 - 1), 24 * 60 - 1).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def written(moment: datetime, digits: str) -> str:
    """The moment as RFC 3339, with any digits after the second."""
    seconds = moment.replace(microsecond=0).isoformat()
    return f"{seconds[:19]}{'.' if digits else ''}{digits}{seconds[19:]}"


@given(
    moment=st.datetimes(datetime(1968, 1, 1), datetime(2103, 1, 1), timezones=OFFSETS),  # noqa: DTZ001 timezones= adds it
    digits=st.text("0123456789", max_size=12),
)
@example(datetime(2026, 11, 2, 10, 11, 12, tzinfo=UTC), "9999999999")
def test_reads_what_datetime_reads(moment, digits) -> None:
    """Any offset and number of digits: the same instant, cut (never rounded) to milliseconds; None outside 1970-2100."""
    text = written(moment, digits)
    instant = moment.replace(microsecond=0) + timedelta(milliseconds=int(f"{digits:0<3}"[:3]))
    expected = (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    in_range = 1970 <= instant.astimezone(UTC).year <= 2100
    assert parse_moment(text) == (expected if in_range else None)
    assert parse_moment(text) == parse_moment(text), "the tables it learns change nothing"


@given(st.integers(0, 4_133_980_799_999))
@example(0)
@example(4_133_980_799_999)
def test_round_trip(moment_ms) -> None:
    """What is written is read back, to the millisecond, and is always 24 characters long."""
    text = format_moment(moment_ms)
    assert len(text) == 24
    assert datetime.fromisoformat(text) == moments.to_datetime(moment_ms)
    assert parse_moment(text) == moment_ms
    assert moments.to_milliseconds(moments.to_datetime(moment_ms)) == moment_ms


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("2026-11-02T10:11:12", MomentTrouble.NO_OFFSET),
        ("2026-11-02 10:11", MomentTrouble.NO_OFFSET),
        ("2016-12-31T23:59:60Z", MomentTrouble.LEAP_SECOND),
        ("1969-12-31T23:59:59Z", MomentTrouble.OUT_OF_RANGE),
        ("2101-01-01T00:00:00Z", MomentTrouble.OUT_OF_RANGE),
        ("2026-02-30T10:11:12Z", MomentTrouble.MALFORMED),
        ("2026-11-02", MomentTrouble.MALFORMED),
        ("", MomentTrouble.MALFORMED),
    ],
)
def test_trouble(text: str, trouble: MomentTrouble) -> None:
    """A text that is no moment is told apart by what its author got wrong."""
    assert parse_moment(text) is None
    assert moment_trouble(text) is trouble
