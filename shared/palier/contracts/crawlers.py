"""Which user agents declare themselves to be machines: by the list that the package crawler-user-agents publishes.

The list is part of a release (`requirements.lock`), so a replay under another release may judge otherwise. It names the
proxies too through which mail programs fetch pictures, whoever reads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

LONGEST_LOOKED_AT: Final = 512
"""Of a longer user agent only the beginning counts: time to look must not grow with what somebody sends."""


def is_declared_crawler(user_agent: str) -> bool:
    """Whether the list names it."""
    return _is_listed(user_agent[:LONGEST_LOOKED_AT])


@lru_cache(maxsize=16_384)
def _is_listed(user_agent: str) -> bool:
    """Half a millisecond for one not seen lately."""
    from crawleruseragents import is_crawler  # its list takes 30 ms to load; many who decode never need it

    return bool(is_crawler(user_agent))
