"""When to look at a contact that falls silent: a lazy index by second, derived from state, in no log.

One entry per contact that will fall due. Activity puts the true moment off and leaves the entry alone; when the entry's
second comes the contact is looked at, and entered again if it is not due yet. No clock is read here.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND_MS = 1_000


class TimerIndex:
    """Keys by the second in which to look at them."""

    def __init__(self) -> None:
        self._second_of: dict[bytes, int] = {}
        self._keys_of: dict[int, list[bytes]] = {}
        self._seconds: list[int] = []  # a heap of the keys of _keys_of

    def __len__(self) -> int:
        return len(self._second_of)

    def schedule(self, key: bytes, due_ms: int) -> None:
        """Look at the key at `due_ms` at the latest. An earlier entry stays: looking too early does no harm."""
        second = due_ms // SECOND_MS
        entered = self._second_of.get(key)
        if entered is not None and entered <= second:
            return
        self._second_of[key] = second
        keys = self._keys_of.get(second)
        if keys is None:
            self._keys_of[second] = [key]
            heapq.heappush(self._seconds, second)
        else:
            keys.append(key)

    def cancel(self, key: bytes) -> None:
        """Nothing will fall due any more."""
        self._second_of.pop(key, None)

    def take(self, until_ms: int, limit: int) -> Iterator[bytes]:
        """Keys whose second lies at or before `until_ms`, earliest first, at most `limit`; each is entered no more."""
        until, seconds = until_ms // SECOND_MS, self._seconds
        while limit > 0 and seconds and seconds[0] <= until:
            second = seconds[0]
            keys = self._keys_of[second]
            while keys and limit > 0:
                key = keys.pop()
                if self._second_of.get(key) == second:  # else an earlier entry replaced this one, or it was cancelled
                    del self._second_of[key]
                    limit -= 1
                    yield key
            if not keys:
                heapq.heappop(seconds)
                del self._keys_of[second]

    @property
    def earliest_ms(self) -> int | None:
        """The earliest moment at which there is something to look at."""
        return self._seconds[0] * SECOND_MS if self._seconds else None
