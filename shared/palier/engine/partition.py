"""Everything known about one partition: contacts at rest, contacts touched since the last checkpoint, outputs to send.

Three layers answer a look-up: `live` objects (touched since the last checkpoint), the states `in flight` in a running
transaction, the store (committed). A checkpoint moves each layer down by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from palier.engine.meta import Envelope
from palier.engine.timers import SECOND_MS

if TYPE_CHECKING:
    from palier.engine.meta import Meta
    from palier.engine.partition_copy import PartitionCopy
    from palier.engine.ports import Processor

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

    def __init__(self, copy: PartitionCopy, processor: Processor) -> None:
        self.number = copy.number
        self.copy = copy
        self.context: Any = None  # the processor's own
        # Touched since the last checkpoint; None: deleted. Written directly by the processor's hot loop.
        self.live: dict[bytes, Any] = {}
        self.offsets: dict[bytes, int] = {}  # last source offset folded into each live state
        self.outputs: dict[str, list[Any]] = {}
        self.pending = 0  # records folded since the last checkpoint began
        self.torn = copy.torn
        self.timers = copy.timers
        self._processor = processor
        self._encode, self._decode = processor.encode, processor.decode
        self._in_flight: dict[bytes, bytes | None] = {}

    @property
    def meta(self) -> Meta:
        """Of the last committed transaction."""
        return self.copy.meta

    # --- the processor's side ---------------------------------------------------------------------------------------
    def load(self, key: bytes) -> Any:
        """The live object of a contact, decoded on first touch; None when there is none. Not yet marked as changed."""
        state = self.live.get(key, _ABSENT)
        return self.load_resting(key) if state is _ABSENT else state

    def load_resting(self, key: bytes) -> Any:
        """The contact as the last checkpoint took it, decoded anew; None when there was none.

        Raises:
            DataError: the state is damaged.
        """
        resting = self._in_flight.get(key, _ABSENT)
        if resting is _ABSENT:
            resting = self.copy.store.get(key)
        if resting is None:
            return None
        try:
            return self._decode(resting[Envelope.SIZE :])
        except Exception as error:  # noqa: BLE001 - whatever the decoder stumbles over: these bytes are not what was encoded
            self.copy.damaged(f"a contact's state cannot be read: {error}")
            return None

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
        self.copy.commit(self._in_flight, meta, position)
        self._in_flight = {}
