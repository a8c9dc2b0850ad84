"""Random choices from `random()` alone, the one method whose sequence Python promises to keep for a seed."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import log
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class Weighted(Generic[T]):
    """A choice among weighted options: `pick(u)` with u uniform in [0, 1)."""

    __slots__ = ("_options", "_reached")

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._options = tuple(weights)
        total = sum(weights.values())
        self._reached = [reached / total for reached in accumulate(weights.values())]
        self._reached[-1] = 1.0  # whatever rounding made of it: u stays below

    def pick(self, u: float) -> T:
        """The option in whose share of [0, 1) u lies."""
        return self._options[bisect_right(self._reached, u)]


def exponential(u: float, mean: float) -> float:
    """An exponentially distributed value with this mean, from u uniform in [0, 1)."""
    return -mean * log(1.0 - u)
