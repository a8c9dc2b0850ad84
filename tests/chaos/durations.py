"""How long something may take, on a command line."""

from __future__ import annotations


def seconds(text):
    """90s, 20m or 2h."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]
