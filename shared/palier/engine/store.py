"""Where contacts of one partition rest between checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class StateStore(Protocol):
    """Encoded states by key. Holds committed data only; `position` is the changelog offset it has been applied up to."""

    position: int | None

    def get(self, key: bytes) -> bytes | None:
        """The encoded state, None if there is none."""

    def put_all(self, states: Mapping[bytes, bytes | None], position: int | None) -> None:
        """Committed states of one transaction; None deletes."""

    def apply(self, records: Iterable[tuple[bytes, bytes | None]], position: int) -> None:
        """Records of the changelog, in order."""

    def __iter__(self) -> Iterator[bytes]: ...
    def __len__(self) -> int: ...


class MemoryStore:
    """A dict: fastest, and recovered from the changelog at each assignment."""

    def __init__(self) -> None:
        self.position: int | None = None
        self._states: dict[bytes, bytes] = {}
        self.get = self._states.get  # the hot path pays for no extra call

    def put_all(self, states: Mapping[bytes, bytes | None], position: int | None) -> None:
        """See StateStore."""
        self.apply(states.items(), 0)
        self.position = position

    def apply(self, records: Iterable[tuple[bytes, bytes | None]], position: int) -> None:
        """See StateStore."""
        states = self._states
        for key, value in records:
            if value is None:
                states.pop(key, None)
            else:
                states[key] = value
        self.position = position

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
