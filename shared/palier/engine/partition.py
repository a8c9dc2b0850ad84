"""Everything known about one partition: contacts at rest, contacts touched since the last checkpoint, outputs to send.

Three layers answer a look-up: `live` objects (touched since the last checkpoint), the states `in flight` in a running
transaction, the store (committed). A checkpoint moves each layer down by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palier.engine.meta import META_KEY, Envelope, Meta, decode_meta
from palier.engine.store import MemoryStore
from palier.engine.timers import SECOND_MS, TimerIndex
from palier.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.engine.ports import Processor, Record
    from palier.engine.store import StateStore

_ABSENT: Any = object()


class PartitionSnapshot:
    """One checkpoint's content, fixed when it begins: nothing folded afterwards can change it."""

    __slots__ = ("changelog", "effects", "outputs", "pending", "summary")

    def __init__(
        self,
        changelog: dict[bytes, bytes | None],
        outputs: dict[str, list[Any]],
        pending: int,
        summary: dict[str, Any],
        effects: Any,
    ) -> None:
        self.changelog = changelog
        self.outputs = outputs  # target -> records (key, value, headers)
        self.pending = pending
        self.summary = summary
        self.effects = effects


class Partition:
    """State and effects of one partition. Used by the event loop only; no method awaits."""

    def __init__(self, number: int, processor: Processor, store: StateStore | None = None) -> None:
        self.number = number
        self.store: StateStore = MemoryStore() if store is None else store
        self.meta = Meta()
        self.context: Any = None  # the processor's own
        # Touched since the last checkpoint; None: deleted. Written directly by the processor's hot loop.
        self.live: dict[bytes, Any] = {}
        self.offsets: dict[bytes, int] = {}  # last source offset folded into each live state
        self.outputs: dict[str, list[Any]] = {}
        self.pending = 0  # records folded since the last checkpoint began
        # States of a transaction that was torn (a ghost commit of its first half): key -> last offset they contain.
        self.torn: dict[bytes, int] = {}
        self.timers = TimerIndex()
        self._processor = processor
        self._encode, self._decode = processor.encode, processor.decode
        self._in_flight: dict[bytes, bytes | None] = {}
        self._after_meta: set[bytes] = set()
        self._due_s: dict[bytes, int] = {}  # while recovering: when each state falls due
        self._changelog_records = 0

    # --- the processor's side ---------------------------------------------------------------------------------------
    def load(self, key: bytes) -> Any:
        """The live object of a contact, decoded on first touch; None when there is none. Not yet marked as changed."""
        state = self.live.get(key, _ABSENT)
        return self.load_resting(key) if state is _ABSENT else state

    def load_resting(self, key: bytes) -> Any:
        """The contact as the last checkpoint took it, decoded anew; None when there was none."""
        resting = self._in_flight.get(key, _ABSENT)
        if resting is _ABSENT:
            resting = self.store.get(key)
        return None if resting is None else self._decode(resting[Envelope.SIZE :])

    def save(self, key: bytes, state: Any, offset: int) -> None:
        """`state` (None: deleted) now contains everything up to `offset` and goes into the next checkpoint."""
        self.live[key] = state
        self.offsets[key] = offset

    def emit(self, target: str, record: Any) -> None:
        """Send (key, value, headers) to an output of EngineConfig.outputs with the next checkpoint."""
        self.outputs.setdefault(target, []).append(record)

    @property
    def clean(self) -> bool:
        """Nothing waits for a checkpoint and none is under way."""
        return not (self.live or self.outputs or self._in_flight)

    # --- checkpoints ------------------------------------------------------------------------------------------------
    def snapshot(self, batch_number: int) -> PartitionSnapshot:
        """Begin a checkpoint: encode what was touched, and make room for what comes next."""
        changelog = {key: self._at_rest(key, state, batch_number) for key, state in self.live.items()}
        summary, effects = self._processor.snapshot(self)
        taken = PartitionSnapshot(changelog, self.outputs, self.pending, summary, effects)
        self._in_flight = changelog
        self.live, self.offsets, self.outputs, self.pending = {}, {}, {}, 0
        return taken

    def _at_rest(self, key: bytes, state: Any, batch_number: int) -> bytes | None:
        """What the changelog gets of a state: envelope and encoded state; None if it was deleted."""
        if state is None:
            self.timers.cancel(key)
            return None
        due_ms = self._processor.due(state)
        if due_ms is None:
            self.timers.cancel(key)
        else:
            self.timers.schedule(key, due_ms)
        due_s = 0 if due_ms is None else min(due_ms // SECOND_MS, Envelope.LATEST_S)
        return Envelope.pack(Envelope.VERSION, batch_number, self.offsets[key], due_s) + self._encode(state)

    def commit(self, meta: Meta, position: int | None) -> None:
        """The transaction is committed: its states rest now. `position`: just after its META, None if not known."""
        self.store.put_all(self._in_flight, position)
        self._in_flight = {}
        self.meta = meta

    # --- recovery ---------------------------------------------------------------------------------------------------
    def recover(self, records: Sequence[Record], position: int) -> None:
        """Apply committed changelog records in bulk.

        Raises:
            DataError: a record that this version cannot have written.
        """
        after_meta, due_in = self._after_meta, Envelope.due_in
        states: list[tuple[bytes, bytes | None]] = []
        for record in records:
            key, value = record.key, record.value
            if key is None:
                raise self._damaged(record, "it has no key")
            if key == META_KEY:
                if value is None:
                    raise self._damaged(record, "META was deleted")
                try:
                    self.meta = decode_meta(value)
                except DataError as error:
                    raise self._damaged(record, str(error)) from None
                after_meta.clear()
                continue
            due_s = 0
            if value is not None:
                if len(value) < Envelope.SIZE or value[0] != Envelope.VERSION:
                    raise self._damaged(record, Envelope.trouble(value))
                after_meta.add(key)  # looked at in recovered(), only if no META follows
                due_s = due_in(value)
            if due_s:
                self._due_s[key] = due_s
            else:
                self._due_s.pop(key, None)
            states.append((key, value))
        self._changelog_records += len(records)
        self.store.apply(states, position)

    def recovered(self) -> int:
        """All is applied: enter the timers, find states of a torn transaction. Returns how many records there were.

        A state after the last META whose batch number is above it came from a transaction of which only a prefix was
        committed. Its outputs were all committed before it, so the records it contains must not be folded again.
        """
        for key, due_s in self._due_s.items():
            self.timers.schedule(key, due_s * SECOND_MS)
        self._due_s = {}
        for key in self._after_meta:
            resting = self.store.get(key)
            if resting is not None:
                batch_number, offset, _ = Envelope.unpack(resting)
                if batch_number > self.meta.batch_number:
                    self.torn[key] = offset
        self._after_meta = set()
        return self._changelog_records

    def _damaged(self, record: Record, why: str) -> DataError:
        return DataError(f"changelog partition {self.number}, offset {record.offset}: {why}")
