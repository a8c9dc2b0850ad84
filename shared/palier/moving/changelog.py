"""One partition of a changelog, read to its end: the state that a worker would recover from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palier.contracts.contact_state import decode_head
from palier.contracts.stub_key import STUB_PREFIX
from palier.engine.meta import META_KEY, Envelope, Meta, decode_meta
from palier.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from palier.contracts.contact_state import StateHead
    from palier.engine.ports import Record

OURS = b"\0"  # what every key begins with that is no contact id


class ChangelogPartition:
    """States by key, and META. Apply all records in order, then ask for `finished`."""

    def __init__(self, topic: str, number: int) -> None:
        self.meta = Meta()
        self._where = f"changelog {topic}, partition {number}"
        self._states: dict[bytes, bytes] = {}
        self._after_meta: set[bytes] = set()
        self._records = 0

    def apply(self, records: Sequence[Record]) -> None:
        """The next committed records.

        Raises:
            DataError: one that this version cannot have written.
        """
        states, after_meta = self._states, self._after_meta
        self._records += len(records)
        for record in records:
            key, value = record.key, record.value
            if key == META_KEY:
                self.meta = self._decoded_meta(record)
                after_meta.clear()
            elif key is None or (key.startswith(OURS) and not key.startswith(STUB_PREFIX)):
                raise self._damaged(record, "its key is neither a contact's nor one of this version")
            elif value is None:
                states.pop(key, None)
            elif len(value) < Envelope.SIZE or value[0] != Envelope.VERSION:
                raise self._damaged(record, Envelope.trouble(value))
            else:
                states[key] = value
                after_meta.add(key)

    def _decoded_meta(self, record: Record) -> Meta:
        if record.value is None:
            raise self._damaged(record, "META was deleted")
        try:
            return decode_meta(record.value)
        except DataError as error:
            raise self._damaged(record, str(error)) from None

    def _damaged(self, record: Record, why: str) -> DataError:
        return DataError(f"{self._where}, offset {record.offset}: {why}")

    def finished(self) -> Iterator[tuple[bytes, int, bytes, StateHead]]:
        """(key, second in which it falls due, encoded state, what it begins with) of all contacts and stubs.

        Raises:
            DataError: the partition has no META, its last transaction is torn, or a state cannot be read.
        """
        if self._records and not self.meta.batch_number:
            raise DataError(
                f"{self._where}: {self._records} records but no META: its state cannot be trusted; it is what an import "
                "leaves that was broken off"
            )
        for key in self._after_meta:
            if (value := self._states.get(key)) and Envelope.unpack(value)[0] > self.meta.batch_number:
                raise DataError(
                    f"{self._where}: its last transaction is torn; start a worker, which mends it, and stop it again"
                )
        return self._decoded()

    def _decoded(self) -> Iterator[tuple[bytes, int, bytes, StateHead]]:
        for key, value in self._states.items():
            state = value[Envelope.SIZE :]
            try:
                head = decode_head(state)
            except DataError as error:
                raise DataError(f"{self._where}: {error}") from None
            if head.is_erased != key.startswith(STUB_PREFIX):
                raise DataError(f"{self._where}: a contact lies where a stub should, or the other way round")
            yield key, Envelope.due_in(value), state, head


def last_values(records: dict[bytes, Any], batch: Sequence[Any]) -> None:
    """Apply records of a compacted topic to a table: the newest per key stays, a tombstone removes it."""
    for record in batch:
        if record.value is None:
            records.pop(record.key, None)
        else:
            records[record.key] = record
