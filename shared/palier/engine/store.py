"""Where contacts of one partition rest between checkpoints: a port, and its implementation in memory.

A store holds what the changelog holds, and nothing else: it is a copy, and may be thrown away at any time. It never runs
ahead of the log, since it gets a transaction only after its commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from palier.engine.meta import Meta


class Mark(NamedTuple):
    """How far a copy has got.

    `meta`: of the last transaction in it. `position`: the changelog offset just after that META. `written_ms`: when that
    META was written, by its Kafka timestamp; deletions made later are in the log for as long as it keeps them.
    """

    meta: Meta
    position: int
    written_ms: int


class StateStore(Protocol):
    """Encoded states of one partition by key.

    It may hold more than its mark says: records are absolute, so reading some of them again changes nothing. A store that
    outlives the process keeps states and mark together, atomically.
    """

    @property
    def mark(self) -> Mark | None:
        """How far this copy has got; None: nothing in it counts, read the changelog from its beginning."""

    def get(self, key: bytes) -> bytes | None:
        """The encoded state, None if there is none."""

    def write(self, states: Iterable[tuple[bytes, bytes | None]], mark: Mark | None) -> None:
        """Committed states in the order of the changelog, None deletes. `mark` None: the mark stays where it is."""

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their encoded states, in no particular order. Not while it is written."""

    def clear(self) -> None:
        """Throw the copy away: no states, no mark."""

    def close(self) -> None:
        """Let go of files and locks. A store that outlives the process can be opened again afterwards."""

    def __len__(self) -> int: ...


class MemoryStore:
    """A dict: fastest, and gone with the process."""

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self._states: dict[bytes, bytes] = {}
        self.get = self._states.get  # the hot path pays for no extra call

    def write(self, states: Iterable[tuple[bytes, bytes | None]], mark: Mark | None) -> None:
        """See StateStore."""
        held = self._states
        for key, value in states:
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        if mark is not None:
            self.mark = mark

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """See StateStore."""
        return iter(self._states.items())

    def clear(self) -> None:
        """See StateStore."""
        self._states.clear()
        self.mark = None

    def close(self) -> None:
        """Nothing is held."""

    def __len__(self) -> int:
        return len(self._states)
