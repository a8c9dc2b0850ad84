"""What a service brings to the engine: how a batch is folded, how state rests, and who listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from palier.engine.partition import Partition


class Record(Protocol):
    """A record as the Kafka client hands it over; nothing is decoded yet."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, set by producer or broker."""

    @property
    def key(self) -> bytes | None:
        """Original bytes."""

    @property
    def value(self) -> bytes | None:
        """Original bytes."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """In the order of the producer."""


class Snapshot(NamedTuple):
    """What the processor adds to a checkpoint: `summary` goes into META, `effects` come back once committed."""

    summary: dict[str, Any]
    effects: Any


class Processor(Protocol):
    """The work on one partition. Pure with respect to Kafka: it sees records and a Partition, nothing else."""

    def open(self, partition: Partition, summary: Mapping[str, Any]) -> None:
        """The partition was recovered (or is new: an empty summary). Prepare `partition.context`.

        Raises:
            PalierError: the state must not be used (written by a newer pack or version).
        """

    def fold(self, partition: Partition, topic: str, records: Sequence[Any]) -> None:
        """Fold one batch, in order, without awaiting: state through the partition, outputs through `emit`."""

    def encode(self, state: Any) -> bytes:
        """State of one contact as it rests."""

    def decode(self, data: bytes) -> Any:
        """The state that `encode` made."""

    def due(self, state: Any) -> int | None:
        """When the state wants to be looked at if nothing happens, in milliseconds since the epoch; None: never."""

    def expire(self, partition: Partition, key: bytes, until_ms: int, offset: int) -> int | None:
        """Take what is due at or before `until_ms`; save and emit as in `fold`. Returns the next due moment.

        `offset`: the last source offset folded in the partition.
        """

    def clock_ms(self, partition: Partition) -> int:
        """min(largest event time, newest Kafka timestamp) read so far; survives in the summary."""

    def snapshot(self, partition: Partition) -> Snapshot:
        """Called when a checkpoint begins; what is folded afterwards belongs to the next one."""

    def committed(self, partition: Partition, effects: Any) -> None:
        """The checkpoint that `snapshot` gave these effects to is committed.

        Raises:
            PalierError: the worker must not go on.
        """


class CommittedCheckpoint(NamedTuple):
    """One finished transaction, for those who watch."""

    partition: int
    batch_number: int
    seconds: float
    records: dict[str, int]  # target -> records written; targets are those of EngineConfig.outputs, changelog and meta
    positions: dict[str, int]  # source topic -> next offset
    effects: Any
    pending: int  # records folded meanwhile, for the next transaction


class Observer(Protocol):
    """Hears what happens; never decides."""

    def state_changed(self, state: str) -> None:
        """starting, joining, recovering, running, draining."""

    def partitions_assigned(self, active: set[int], standby: set[int], partitions: int) -> None:
        """The partitions this worker owns and those it keeps a copy of from now on, out of so many."""

    def partitions_recovering(self, remaining: Mapping[int, int], seconds_left: float) -> None:
        """Changelog offsets still to be read, by partition, and how long that may take."""

    def standby_fetched(self, partition: int, lag: int) -> None:
        """The copy of a partition that another worker owns is so many changelog offsets behind."""

    def data_lost(self, records: int) -> None:
        """So many records are damaged or gone, and an operator has accepted that."""

    def partitions_recovered(self, partitions: Mapping[int, Mapping[str, Any]], records: int, seconds: float) -> None:
        """Summaries of the partitions that are ready now, from META."""

    def checkpoint_committed(self, checkpoint: CommittedCheckpoint) -> None:
        """A transaction is committed."""

    def batch_fetched(self, partition: int, lag: int, newest_ms: int, stuck_s: float) -> None:
        """`lag`: records up to the last stable offset beyond this fetch; `newest_ms`: its last timestamp, 0 if empty.

        `stuck_s`: for how long the last stable offset has stood still below the high watermark.
        """

    def alive(self) -> None:
        """The event loop turns."""
