"""A small model of one partition's log: records, markers, what is decided, last stable offset, compaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from palier.contracts.records import BATCH_HEADER

CACHED_BATCHES = 5  # of each producer: a request sent twice is told from a new one among so many


class RefusedError(Exception):
    """The broker does not do it. `code`: Kafka's number of the error."""

    code = 10  # MESSAGE_TOO_LARGE: what a fault of the network stands for


class FencedError(RefusedError):
    """The broker knows a newer epoch."""

    code = 47


class NotInTransactionError(RefusedError):
    """No transaction is open, or this partition is no part of it."""

    code = 48


class OutOfOrderError(RefusedError):
    """A sequence number that is neither the next one nor one of the last."""

    code = 45


@dataclass(slots=True)
class Entry:
    """A record, or (`is_marker`) the end of a transaction. `committed` None: not decided yet."""

    producer: str
    key: bytes | None = None
    value: bytes | None = None
    batch: int | None = None
    committed: bool | None = None
    is_marker: bool = False


@dataclass(slots=True)
class _Producer:
    """What a partition remembers of a producer."""

    epoch: int
    sequence: int = 0
    recent: dict[int, int] = field(default_factory=dict)  # sequence number -> offset


class FakePartition:
    """Offsets never change; what compaction took is None."""

    def __init__(self):
        self.entries: list[Entry | None] = []
        self._open: dict[str, list[int]] = {}  # producer -> offsets of its records without a marker behind them
        self._producers: dict[str, _Producer] = {}
        self._asked: dict[str, tuple[int, int]] = {}  # producer -> epoch and lowest sequence number, see `verify`

    # --- writing ------------------------------------------------------------------------------------------------------
    def is_open(self, producer, epoch):
        """Records of this producer and epoch wait for their marker."""
        return producer in self._open and self._producers[producer].epoch == epoch

    def verify(self, producer, epoch, sequence):
        """Before the first record of a transaction brokers ask its coordinator, and remember what they have asked about.

        Until something is written, a higher number is out of order: also behind a late request that itself added nothing.
        """
        if producer in self._open:
            return
        asked_epoch, lowest = self._asked.get(producer, (epoch, sequence))
        if epoch > asked_epoch or (epoch == asked_epoch and sequence < lowest):
            asked_epoch, lowest = epoch, sequence
        self._asked[producer] = asked_epoch, lowest

    def append(self, producer, epoch, sequence, entry):
        """(offset, whether it is new): a request that is sent twice adds nothing."""
        known = self._of_epoch(producer, epoch)
        if sequence in known.recent:
            return known.recent[sequence], False
        if sequence != known.sequence or sequence > self._asked.get(producer, (epoch, sequence))[1]:
            raise OutOfOrderError
        self._asked.pop(producer, None)
        offset = len(self.entries)
        self.entries.append(entry)
        self._open.setdefault(producer, []).append(offset)
        known.sequence += 1
        known.recent[sequence] = offset
        known.recent.pop(sequence - CACHED_BATCHES, None)
        return offset, True

    def mark(self, producer, epoch, *, commit):
        """The end of a transaction, for all that the producer has open here; that may be more than one transaction."""
        self._of_epoch(producer, epoch)
        self._asked.pop(producer, None)
        for offset in self._open.pop(producer, ()):
            self.entries[offset].committed = commit
        self.entries.append(Entry(producer, committed=commit, is_marker=True))

    def _of_epoch(self, producer, epoch):
        known = self._producers.get(producer)
        if known is None or epoch > known.epoch:
            known = self._producers[producer] = _Producer(epoch)
        elif epoch < known.epoch:
            raise FencedError
        return known

    # --- reading ------------------------------------------------------------------------------------------------------
    @property
    def high(self):
        """High watermark."""
        return len(self.entries)

    @property
    def stable(self):
        """Last stable offset: the first record that is not decided."""
        return min((offsets[0] for offsets in self._open.values()), default=len(self.entries))

    def committed(self, start=0, end=None):
        """(offset, entry) of what a read_committed reader gets from [start, end)."""
        end = self.stable if end is None else min(end, self.stable)
        return [
            (offset, entry)
            for offset, entry in enumerate(self.entries[start:end], start)
            if entry is not None and entry.committed and not entry.is_marker
        ]

    def records(self, start, end, *, committed=False):
        """What is in [start, end) as a client gets it, also what is not committed unless told so."""
        return [
            SimpleNamespace(
                offset=offset,
                key=entry.key,
                value=entry.value,
                headers=[] if entry.batch is None else [(BATCH_HEADER, b"%d" % entry.batch)],
            )
            for offset, entry in enumerate(self.entries[start:end], start)
            if entry is not None and not entry.is_marker and (entry.committed or not committed)
        ]

    # --- compaction ---------------------------------------------------------------------------------------------------
    def compact(self, upto, forget_before):
        """Keep the last committed record of each key below `upto`, and no deletion below `forget_before`."""
        upto = min(upto, self.stable)
        last = {entry.key: offset for offset, entry in self.committed(0, upto)}
        for offset, entry in enumerate(self.entries[:upto]):
            forgotten = entry is not None and entry.value is None and offset < forget_before
            if entry is not None and (entry.is_marker or last.get(entry.key) != offset or forgotten):
                self.entries[offset] = None
