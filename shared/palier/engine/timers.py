"""When to look at a contact that falls silent: a lazy index by moment, derived from state, in no log.

One entry per contact that will fall due. Activity puts the true moment off and leaves the entry alone; when the entry's
moment comes the contact is looked at, and entered again if it is not due yet. No clock is read here.
"""

from __future__ import annotations

import heapq
from typing import Final

SECOND_MS: Final = 1_000
HOUR_S: Final = 3_600


class TimerIndex:
    """Keys by the moment in which to look at them, sorted only as far as the time has come.

    Unsorted by hour; those of hours that have begun unsorted by second; and in order only within seconds that have begun.
    So an entry that nobody has looked at yet costs a place in a dict and in a list, however many there are and however far
    they lie apart: a second is mostly alone with its one contact, an hour is not.
    """

    def __init__(self) -> None:
        self._due_of: dict[bytes, int] = {}  # the truth; what lies elsewhere and differs is out of date
        self._by_hour = _Buckets()
        self._by_second = _Buckets()
        self._opened_until = 0  # seconds before this one lie in _by_second
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
        buckets, place, entered_at = self._by_second, second, None if entered is None else entered // SECOND_MS
        if second >= self._opened_until:
            buckets, place = self._by_hour, second // HOUR_S
            entered_at = None if entered_at is None else entered_at // HOUR_S
        if place != entered_at:  # else it lies there already
            buckets.add(place, key)

    def cancel(self, key: bytes) -> None:
        """Nothing will fall due any more."""
        self._due_of.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._due_of.clear()
        self._by_hour.clear()
        self._by_second.clear()
        self._opened_until = 0
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
            elif self._by_second.begins_by(until):
                self._begin(*self._by_second.pop())
            elif self._by_hour.begins_by(until // HOUR_S):
                self._open(*self._by_hour.pop())
            else:
                break
        return taken

    def _open(self, hour: int, keys: list[bytes]) -> None:
        """Divide the entries of an hour by second; those that are out of date go."""
        self._opened_until = (hour + 1) * HOUR_S
        for key in keys:
            due_ms = self._due_of.get(key)
            if due_ms is not None and due_ms // (SECOND_MS * HOUR_S) == hour:
                self._by_second.add(due_ms // SECOND_MS, key)

    def _begin(self, second: int, keys: list[bytes]) -> None:
        """Put the entries of a second in order; those that are out of date go."""
        self._begun_until = second
        for key in keys:
            due_ms = self._due_of.get(key)
            if due_ms is not None and due_ms // SECOND_MS == second:
                self._begun.append((due_ms, key))
        heapq.heapify(self._begun)


class _Buckets:
    """Keys by a number, taken from the least number on."""

    def __init__(self) -> None:
        self._keys_of: dict[int, list[bytes]] = {}
        self._numbers: list[int] = []  # a heap of the keys of _keys_of

    def add(self, number: int, key: bytes) -> None:
        """Put a key into a bucket."""
        keys = self._keys_of.get(number)
        if keys is None:
            self._keys_of[number] = [key]
            heapq.heappush(self._numbers, number)
        else:
            keys.append(key)

    def begins_by(self, number: int) -> bool:
        """There is a bucket of this number or a lesser one."""
        return bool(self._numbers) and self._numbers[0] <= number

    def pop(self) -> tuple[int, list[bytes]]:
        """Number and keys of the first bucket, which is there no more."""
        number = heapq.heappop(self._numbers)
        return number, self._keys_of.pop(number)

    def clear(self) -> None:
        """Forget everything."""
        self._keys_of.clear()
        self._numbers.clear()
