"""Numbers as outputs show them."""

from __future__ import annotations


def floored(number: float) -> float:
    """The number floored to 4 decimals, so that nothing prints as reached that is not.

    Flooring twice changes nothing: a number that is the nearest float of a 4-decimal one stays itself (multiplying by
    10 000 and flooring would turn 0.0003 into 0.0002).
    """
    nearest = round(float(number), 4)
    return nearest if nearest <= number else round(nearest - 0.0001, 4)
