"""When people are awake: the share of a week's activity that falls into each of its hours, local time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS  # 1970-01-05; the epoch began on a Thursday
HOURS_OF_WEEK = 168


class Rhythm:
    """Activity over the hours of a week.

    Moments are drawn in *active time*, which runs fast in busy hours and slowly at night and averages to real time over
    a week. A Poisson process there is one that follows the rhythm here.

    Args:
        weekday: 24 positive weights, Monday to Friday, from midnight on.
        weekend: 24 positive weights, Saturday and Sunday.
    """

    __slots__ = ("_reached",)

    def __init__(self, weekday: Sequence[float], weekend: Sequence[float]) -> None:
        hours = [*weekday] * 5 + [*weekend] * 2
        if len(hours) != HOURS_OF_WEEK or min(hours) <= 0:
            raise ValueError("a rhythm needs 24 positive weights for weekdays and 24 for weekends")
        days_per_weight = 7 / sum(hours)
        self._reached = [0.0, *accumulate(weight * days_per_weight for weight in hours)]

    def later(self, local_ms: int, active_days: float) -> int:
        """The moment (ms, local time) `active_days` of active time after `local_ms`."""
        reached = self._reached
        weeks, within = divmod(local_ms - FIRST_MONDAY_MS, WEEK_MS)
        hour, rest = divmod(within, HOUR_MS)
        position = reached[hour] + (reached[hour + 1] - reached[hour]) * rest / HOUR_MS + active_days
        more_weeks, position = divmod(position, reached[-1])
        hour = bisect_right(reached, position, 0, HOURS_OF_WEEK) - 1
        part = (position - reached[hour]) / (reached[hour + 1] - reached[hour])
        return FIRST_MONDAY_MS + (weeks + int(more_weeks)) * WEEK_MS + hour * HOUR_MS + int(part * HOUR_MS)


def _day(night: float, morning: float, noon: float, afternoon: float, evening: float, late: float) -> tuple[float, ...]:
    """24 weights: 0-6, 6-11, 11-14, 14-18, 18-22 and 22-24 o'clock."""
    return (night,) * 6 + (morning,) * 5 + (noon,) * 3 + (afternoon,) * 4 + (evening,) * 4 + (late,) * 2


COMMUTER = Rhythm(weekday=_day(0.1, 2.5, 1.5, 1.0, 3.0, 1.0), weekend=_day(0.2, 1.0, 1.2, 1.2, 1.5, 1.0))
SHOPPING = Rhythm(weekday=_day(0.1, 0.8, 2.0, 1.0, 3.0, 1.2), weekend=_day(0.2, 2.0, 3.0, 4.0, 2.5, 1.0))
NIGHT_OWL = Rhythm(weekday=_day(0.6, 0.4, 1.0, 1.2, 3.5, 4.0), weekend=_day(1.5, 0.4, 1.0, 2.0, 3.0, 4.0))
OFFICE = Rhythm(weekday=_day(0.02, 2.5, 2.0, 3.0, 0.4, 0.1), weekend=_day(0.02, 0.1, 0.1, 0.1, 0.1, 0.05))
ROUND_THE_CLOCK = Rhythm(weekday=(1.0,) * 24, weekend=(1.0,) * 24)
