"""How far a candidate was, when: points of (moment, count), and what lies between them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WARM_UP: Final = 0.1
"""Share of the touchpoints that comes before anything is measured: imports, joining the group, cold caches."""


class Span(NamedTuple):
    """From the first moment after the warm-up at which progress was told, to the last touchpoint."""

    start: float
    end: float
    touchpoints: int

    @property
    def per_second(self) -> float:
        """Touchpoints a second; 0 for a run that was over before it could be measured."""
        return self.touchpoints / (self.end - self.start) if self.end > self.start else 0.0


def interpolate(curve: Sequence[tuple[float, float]], at: float) -> float:
    """The second number of a curve where the first is `at`; the curve's ends reach on for ever."""
    place = bisect_left(curve, at, key=lambda point: point[0])
    if place == 0:
        return curve[0][1]
    if place == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[place - 1], curve[place]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def measured_span(points: Sequence[tuple[float, int]], touchpoints: int) -> Span:
    """The span of points (moment, touchpoints done by then), in order, of which the last reaches `touchpoints`."""
    after = [point for point in points if point[1] >= touchpoints * WARM_UP]
    (start, first), (end, last) = after[0], next(point for point in after if point[1] >= touchpoints)
    return Span(start, end, last - first)
