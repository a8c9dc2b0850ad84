"""Weightings: what one touchpoint adds to the axes, as a word and as a one-byte code.

A contact remembers dozens of contributions, and the same few weightings over and over. As words they name axes and
points ("intent=12 interest=1"), so they survive a pack that orders its axes otherwise or gives a type other weights;
as codes they take one byte. Codes below 128 are the weightings listed here, those above are the contact's own list.
The listed ones are those of the default pack; the list only ever grows at its end (words.py says why).
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, log2
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN: Final = 128
"""Code of the first weighting of a contact's own list."""
MOST_OWN: Final = 256 - OWN

KNOWN: Final[tuple[str, ...]] = (
    "interest=0.2",
    "interest=1",
    "interest=2",
    "interest=3",
    "interest=4",
    "interest=5",
    "interest=8",
    "interest=10",
    "interest=15",
    "interest=20",
    "interest=-10",
    "intent=4 interest=8",
    "intent=1 interest=1",
    "intent=3 interest=1",
    "intent=5 interest=1",
    "intent=6",
    "intent=12 interest=1",
    "intent=-6",
    "intent=30 interest=1",
    "intent=40 interest=5",
    "advocacy=8 interest=2",
    "advocacy=25 interest=5",
    "advocacy=10 interest=3",
    "advocacy=50 interest=5",
    "advocacy=20 interest=5",
    "advocacy=8 interest=4",
    "advocacy=15 interest=4",
    "advocacy=5 interest=2",
    "advocacy=15 interest=5",
)

CODES: Final[dict[str, int]] = {word: code for code, word in enumerate(KNOWN)}


def word_of(weights: Mapping[str, float]) -> str:
    """The weighting as a word; axes in alphabetical order, so that equal weights give equal words."""
    return " ".join(f"{axis}={_shortest(points)}" for axis, points in sorted(weights.items()))


@lru_cache(maxsize=4096)
def weights_of(word: str) -> dict[str, float]:
    """The weights behind a word; the caller must not change them."""
    pairs = (pair.rpartition("=") for pair in word.split())
    return {axis: float(points) for axis, _, points in pairs}


@lru_cache(maxsize=4096)
def magnitudes_in(word: str) -> dict[str, float]:
    """The magnitudes of the weights behind a word; the caller must not change them."""
    return {axis: magnitude_of(points) for axis, points in weights_of(word).items()}


def magnitude_of(points: float) -> float:
    """log2 of the points without their sign, by which contributions are ranked; 0 points rank behind all others."""
    return log2(abs(points)) if points else -inf


def _shortest(points: float) -> str:
    """The shortest text that reads as the same float, without ".0"."""
    return repr(float(points)).removesuffix(".0")
