"""Reading records whose header names are no UTF-8.

Kafka's protocol calls a header's name a string, but brokers store whatever bytes a producer sends. aiokafka decodes the
names while it fetches and raises, at every attempt: one such record would stop its partition for ever. Here the batch in
question is read again, with a replacement character for what is no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

if TYPE_CHECKING:
    from collections.abc import Iterator


class _LenientBytes(bytearray):
    """Bytes whose slices decode leniently: what the pure Python reader decodes is header names, nothing else."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        found = super().__getitem__(index)
        return _LenientBytes(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """Never raises."""
        return super().decode(encoding, errors)


class _TolerantBatch:
    """A batch as aiokafka's compiled reader gives it, read again leniently if a header name is no text."""

    def __init__(self, batch: Any, data: bytes, number: int) -> None:
        self._batch, self._data, self._number = batch, data, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # of a control batch, which has no headers

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(self._read_leniently())

    def _read_leniently(self) -> list[Any]:
        batches = _MemoryRecordsPy(self._data)
        for _ in range(self._number):
            batches.next_batch()
        batch = _DefaultRecordBatchPy(batches._next_slice)  # noqa: SLF001 - watched by test_hooks
        iter(batch)  # decompresses
        batch._buffer = _LenientBytes(batch._buffer)  # noqa: SLF001 - watched by test_hooks
        return list(batch)


class TolerantRecords:
    """Stands for aiokafka's MemoryRecords."""

    def __init__(self, data: bytes) -> None:
        self._data, self._read = data, 0
        self._records = MemoryRecords(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def next_batch(self) -> Any:
        """The next batch, None at the end."""
        batch = self._records.next_batch()
        self._read += 1
        return None if batch is None else _TolerantBatch(batch, self._data, self._read - 1)


def tolerate_any_header_name() -> None:
    """Make every aiokafka consumer of this process read with TolerantRecords; it leaves no other place to say so."""
    fetcher.MemoryRecords = TolerantRecords
