"""When to look at a contact that falls silent: a lazy index by moment, derived from state, in no log.

One entry per contact that will fall due. Activity puts the true moment off and leaves the entry alone; when the entry's
moment comes the contact is looked at, and entered again if it is not due yet. No clock is read here.
"""

from __future__ import annotations

import heapq
from typing import Final

SECOND_MS: Final = 1_000


class TimerIndex:
    """Keys by the moment in which to look at them: unsorted by second, and in order only within seconds that have begun.

    So an entry that nobody has looked at yet costs a place in a dict and in a list, however many there are.
    """

    def __init__(self) -> None:
        self._due_of: dict[bytes, int] = {}  # the truth; what lies elsewhere and differs is out of date
        self._keys_of: dict[int, list[bytes]] = {}
        self._seconds: list[int] = []  # a heap of the keys of _keys_of
        self._begun: list[tuple[int, bytes]] = []  # a heap of (moment, key)
        self._begun_until = -1  # the last second that lies there

    def __len__(self) -> int:
        return len(self._due_of)

    def schedule(self, key: bytes, due_ms: int) -> None:
        """Look at the key at `due_ms` at the latest. An earlier entry stays: looking too early does no harm."""
        entered = self._due_of.get(key)
        if entered is not None and entered <= due_ms:
            return
        self._due_of[key] = due_ms
        second = due_ms // SECOND_MS
        if second <= self._begun_until:
            heapq.heappush(self._begun, (due_ms, key))
            return
        if entered is not None and entered // SECOND_MS == second:
            return  # it lies there already
        keys = self._keys_of.get(second)
        if keys is None:
            self._keys_of[second] = [key]
            heapq.heappush(self._seconds, second)
        else:
            keys.append(key)

    def cancel(self, key: bytes) -> None:
        """Nothing will fall due any more."""
        self._due_of.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._due_of.clear()
        self._keys_of.clear()
        self._seconds.clear()
        self._begun.clear()
        self._begun_until = -1

    def take(self, until_ms: int, limit: int) -> list[bytes]:
        """Keys to look at by `until_ms`, that moment included, earliest first, at most `limit`; they are entered no more."""
        taken: list[bytes] = []
        until, begun, due_of = until_ms // SECOND_MS, self._begun, self._due_of
        while len(taken) < limit:
            if begun:
                due_ms, key = begun[0]
                if due_ms > until_ms:
                    break  # and so is every later second
                heapq.heappop(begun)
                if due_of.get(key) == due_ms:
                    del due_of[key]
                    taken.append(key)
            elif self._seconds and self._seconds[0] <= until:
                self._begin(heapq.heappop(self._seconds))
            else:
                break
        return taken

    def _begin(self, second: int) -> None:
        """Put the entries of a second in order; those that are out of date go."""
        self._begun_until = second
        for key in self._keys_of.pop(second):
            due_ms = self._due_of.get(key)
            if due_ms is not None and due_ms // SECOND_MS == second:
                self._begun.append((due_ms, key))
        heapq.heapify(self._begun)
