"""The Faust table that owns the changelog: Faust plans its partitions, the engine reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust
from faust.stores.base import Store

from palier.engine.faust_logger import FAUST_LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from palier.engine.partition_copy import PartitionCopy

    OpenCopy = Callable[[int], PartitionCopy]


class PartitionedStore(Store):  # type: ignore[misc] # Faust is untyped here
    """What Faust's table, assignor and recovery ask of a store, answered from partitions. Read-only for Faust."""

    logger = FAUST_LOGGER

    def __init__(self, *args: Any, open_copy: OpenCopy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open_copy = open_copy
        self._copies: dict[int, PartitionCopy] = {}

    def copy(self, number: int) -> PartitionCopy:
        """What we have of a partition: kept warm, opened from disk, or empty."""
        held = self._copies.get(number)
        if held is None:
            held = self._copies[number] = self._open_copy(number)
        return held

    def keep_only(self, numbers: set[int]) -> None:
        """Let go of every other partition."""
        for number in set(self._copies) - numbers:
            self._copies.pop(number).store.close()

    def persisted_offset(self, tp: Any) -> int | None:
        """Last changelog offset applied."""
        held = self._copies.get(tp.partition)
        return None if held is None or held.position is None else held.position - 1

    def __getitem__(self, key: bytes) -> Any:
        raise TypeError("contacts are read by the fold, through their partition")

    def __contains__(self, key: object) -> bool:
        raise TypeError("contacts are read by the fold, through their partition")

    def __iter__(self) -> Iterator[bytes]:
        return (key for held in self._copies.values() for key, _ in held.store.items())

    def __len__(self) -> int:
        return sum(len(held.store) for held in self._copies.values())

    def __setitem__(self, key: bytes, value: Any) -> None:
        raise TypeError("contacts are written by the fold, through their partition")

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("contacts are deleted by the fold, through their partition")

    def apply_changelog_batch(self, *_: Any, **__: Any) -> None:
        """Never called: recovery is in bulk, see recovery.py."""
        raise TypeError("changelog records are applied in bulk")

    def reset_state(self) -> None:
        """Let go of everything."""
        self.keep_only(set())

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """The changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """See backup_partition."""


class PartitionedTable(faust.Table):  # type: ignore[misc]
    """A Faust table over a PartitionedStore."""

    logger = FAUST_LOGGER

    def __init__(self, *args: Any, open_copy: OpenCopy, **kwargs: Any) -> None:
        self._open_copy = open_copy
        super().__init__(*args, **kwargs)

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore("memory://", self.app, self, open_copy=self._open_copy, loop=self.loop)
