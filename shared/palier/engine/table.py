"""The Faust table that owns the changelog: Faust plans its partitions, the engine reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust
from faust.stores.base import Store

from palier.engine.faust_logger import FAUST_LOGGER
from palier.engine.partition import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.engine.ports import Processor


class PartitionedStore(Store):  # type: ignore[misc] # Faust is untyped here
    """What Faust's table, assignor and recovery ask of a store, answered from partitions. Read-only for Faust."""

    logger = FAUST_LOGGER

    def __init__(self, *args: Any, processor: Processor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._processor = processor
        self.partitions: dict[int, Partition] = {}

    def fresh(self, number: int) -> Partition:
        """A new, empty partition in place of any old one."""
        partition = self.partitions[number] = Partition(number, self._processor)
        return partition

    def keep_only(self, numbers: set[int]) -> None:
        """Forget every other partition."""
        for number in set(self.partitions) - numbers:
            del self.partitions[number]

    def persisted_offset(self, tp: Any) -> int | None:
        """Last changelog offset applied."""
        partition = self.partitions.get(tp.partition)
        position = None if partition is None else partition.store.position
        return None if position is None else position - 1

    def __getitem__(self, key: bytes) -> Any:
        for partition in self.partitions.values():
            if (state := partition.load(key)) is not None:
                return state
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return any(partition.load(key) is not None for partition in self.partitions.values())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[bytes]:
        return (key for partition in self.partitions.values() for key in partition.store)

    def __len__(self) -> int:
        return sum(len(partition.store) for partition in self.partitions.values())

    def __setitem__(self, key: bytes, value: Any) -> None:
        raise TypeError("contacts are written by the fold, through their partition")

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("contacts are deleted by the fold, through their partition")

    def apply_changelog_batch(self, *_: Any, **__: Any) -> None:
        """Never called: recovery is in bulk, see recovery.py."""
        raise TypeError("changelog records are applied in bulk")

    def reset_state(self) -> None:
        """Forget everything."""
        self.partitions.clear()

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """Memory has nothing to back up: the changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """See backup_partition."""


class PartitionedTable(faust.Table):  # type: ignore[misc]
    """A Faust table over a PartitionedStore."""

    logger = FAUST_LOGGER

    def __init__(self, *args: Any, processor: Processor, **kwargs: Any) -> None:
        self._processor = processor
        super().__init__(*args, **kwargs)

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore("memory://", self.app, self, processor=self._processor, loop=self.loop)
