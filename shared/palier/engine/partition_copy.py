"""A copy of one partition's state, as far as the changelog tells: applied in bulk, kept warm, opened again from disk.

A worker that owns the partition begins with its copy and adds to it what it commits itself; a standby only follows the
log. In both roles the copy holds committed data, and its position says where to read on.
"""

from __future__ import annotations

import logging
import struct
import time
from typing import TYPE_CHECKING

from palier.engine.losses import Losses
from palier.engine.meta import META_KEY, Envelope, Meta, decode_meta, encode_meta
from palier.engine.store import Mark, MemoryStore
from palier.engine.timers import SECOND_MS, TimerIndex
from palier.errors import DataError, InternalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from palier.engine.ports import Record
    from palier.engine.store import StateStore


logger = logging.getLogger(__name__)


class PartitionCopy:
    """Used by the event loop only; no method awaits."""

    def __init__(
        self,
        number: int,
        store: StateStore | None = None,
        *,
        changelog: str = "changelog",
        losses: Losses | None = None,
    ) -> None:
        self.number = number
        self.store: StateStore = MemoryStore() if store is None else store
        self.meta = Meta()
        self.position: int | None = None  # changelog offset to read on from; None: the log's beginning
        self.records_read = 0  # of the changelog
        self.timers = TimerIndex()
        # States of a transaction that was torn (a ghost commit of its first half): key -> last offset they contain.
        self.torn: dict[bytes, int] = {}
        self._changelog, self._losses = changelog, losses or Losses()
        self._due_s: dict[bytes, int] = {}  # of states read, until they are entered in the timers
        self._after_meta: list[bytes] = []
        self._since_meta = 0  # records
        self._in_last: int | None = None  # records of the last transaction read; older ones may be among them
        self.behind_meta = 0  # changelog offset after the last META, 0 without one
        self._has_meta = self._is_from_disk = self.store.mark is not None
        self._is_confirmed = not self._is_from_disk  # META was read in the log: what we were told may have been undone
        if self.store.mark is not None:
            self.meta, self.position, _ = self.store.mark
            self.behind_meta = self.position
            due_in = Envelope.due_in
            self._due_s = {key: due_s for key, value in self.store.items() if (due_s := due_in(value))}

    def commit(self, states: Mapping[bytes, bytes | None], meta: Meta, position: int | None) -> None:
        """Our own transaction is committed. `position`: just after its META, None if not known."""
        mark = None if position is None else Mark(meta, position, int(time.time() * 1000))
        self.store.write(states.items(), mark)
        self.meta, self.position, self._has_meta, self._is_confirmed = meta, position, True, False
        self.behind_meta = position or 0

    def read_from(self, first: int, end: int) -> int:
        """Changelog offset to read on from; the log has [first, end). A copy that does not fit the log is thrown away.

        Raises:
            DataError: records were deleted from the log, and we have no copy that makes up for them.
        """
        if self.position is not None and first <= self.position <= end:
            if not self._is_confirmed and self.position > first:
                return self.position - 1  # META once more
            self._is_confirmed = True  # nothing is left of the log that could tell
            return self.position
        if self.position is not None:
            logger.warning("%s: the copy thrown away, the log has %d to %d", self._at(self.position), first, end)
        self._forget()
        if first > 0:  # a compacted log keeps its beginning
            self._losses.take(self._at(0), f"the {first} records from here on were deleted", first)
        self.position = first
        return first

    def recover(self, records: Sequence[Record], position: int) -> None:
        """Apply committed changelog records in bulk; `position`: where the log goes on after them.

        Raises:
            DataError: a record that this version cannot have written.
            InternalError: the copy that was opened from disk does not fit; the next start reads the whole log.
        """
        version_and_due, readable, due_s_of = Envelope.version_and_due, Envelope.VERSION, self._due_s
        states: list[tuple[bytes, bytes | None]] = []
        mark, noted = None, 0
        for record in records:
            key, value = record.key, record.value
            if key == META_KEY:
                self._note(states[noted:])
                noted = len(states)
                mark = self._next_meta(record) or mark
                continue
            if key is None:
                self._losses.take(self._at(record.offset), "it has no key")
                continue
            due_s = 0
            if value is not None:
                try:
                    version, due_s = version_and_due(value)
                except struct.error:
                    version = None
                if version != readable:
                    self._since_meta += 1
                    self._losses.take(self._at(record.offset), Envelope.trouble(value))
                    continue
            if due_s:
                due_s_of[key] = due_s
            else:
                due_s_of.pop(key, None)
            states.append((key, value))
        self._note(states[noted:])
        self.store.write(states, mark)
        self.position = position
        self.records_read += len(records)

    def _note(self, states: Sequence[tuple[bytes, bytes | None]]) -> None:
        """No META follows them so far: if none does, `recovered` looks at them."""
        self._since_meta += len(states)
        self._after_meta += [key for key, _ in states]

    def _next_meta(self, record: Record) -> Mark | None:
        """A transaction ends here; None: it cannot have been ours, and that was accepted."""
        before = self.meta.place if self._has_meta else (-1, 0)
        try:
            meta = decode_meta(record.value or b"")
        except DataError as error:
            self._losses.take(self._at(record.offset), str(error))
            return None
        is_confirmed, self._is_confirmed = self._is_confirmed, True
        if meta.batch_number == before[0] and (
            meta.attempt > before[1] or (not is_confirmed and encode_meta(meta) == encode_meta(self.meta))
        ):
            # The same transaction again: its outputs were undone, or a copy from disk finds its place in the log.
            self._in_last, self._since_meta = None, 0
            return self._mark(meta, record)
        if meta.place <= before:
            if self._is_from_disk or not is_confirmed:  # then rather the copy is of another log than the log damaged
                self.store.clear()
                raise InternalError(f"{self._at(record.offset)}: the copy is of another log: thrown away")
            self._losses.take(
                self._at(record.offset), f"META of batch {meta.batch_number} follows that of batch {before[0]}"
            )
            return None
        self._in_last, self._since_meta, self._has_meta = self._since_meta, 0, True
        return self._mark(meta, record)

    def _mark(self, meta: Meta, record: Record) -> Mark:
        self.meta, self.behind_meta = meta, record.offset + 1
        self._after_meta.clear()
        self.torn.clear()
        return Mark(meta, self.behind_meta, record.timestamp)

    def recovered(self) -> bool:
        """All is applied: enter the timers, find states of a torn transaction.

        False: the copy was ahead of the log, and has been thrown away; read the log from its beginning.

        A state after the last META whose batch number is above it came from a transaction of which only a prefix was
        committed. Its outputs were all committed before it, so the records it contains must not be folded again.

        Raises:
            DataError: the last transaction is not whole.
        """
        if not self._is_confirmed:
            logger.warning("%s: META was undone; the copy that has it, thrown away", self._at(self.behind_meta - 1))
            self._forget()
            return False
        schedule = self.timers.schedule
        for key, due_s in self._due_s.items():
            schedule(key, due_s * SECOND_MS)
        self._due_s = {}
        for key in self._after_meta:
            resting = self.store.get(key)
            if resting is not None:
                batch_number, offset, _ = Envelope.unpack(resting)
                if batch_number > self.meta.batch_number:
                    self.torn[key] = offset
        self._after_meta = []
        self._check_last()
        return True

    def damaged(self, why: str) -> None:
        """A state at rest turned out to be damaged.

        Raises:
            DataError: nobody has accepted that.
        """
        self._losses.take(f"{self._changelog}, partition {self.number}", why)

    def _check_last(self) -> None:
        """Compaction thins a transaction only when others follow it; deletions it removes one day in any case."""
        least = self.meta.records.get("changelog", 0) - self.meta.deletions
        missing, self._in_last = least - self._in_last if self._in_last is not None else 0, None
        if missing > 0 and not self.torn:
            self._losses.take(
                self._at(self.behind_meta - 1), f"{missing} records of the last transaction are gone", missing
            )

    def _forget(self) -> None:
        """Begin anew: this copy is doubtful."""
        self.store.clear()
        self.meta, self.position, self.records_read = Meta(), None, 0
        self.torn.clear()
        self.timers.clear()
        self._after_meta, self._due_s = [], {}
        self._since_meta, self._in_last = 0, None
        self._has_meta = self._is_from_disk = False
        self.behind_meta, self._is_confirmed = 0, True

    def _at(self, offset: int) -> str:
        return f"{self._changelog}, partition {self.number}, offset {offset}"
