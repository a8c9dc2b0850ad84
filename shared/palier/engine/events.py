"""What can happen to a partition, as the protocol hears it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.engine.meta import Meta
    from palier.engine.unfinished import Fate


@dataclass(frozen=True, slots=True)
class Assigned:
    """The group gave us the partition in this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Fenced:
    """Our producer has the newest epoch; the old owner's transaction is ended, or looks so."""


@dataclass(frozen=True, slots=True)
class LogsMeasured:
    """Last stable offset and high watermark of each topic that only we write."""

    stable: Mapping[str, int]
    high: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HangingEnded:
    """An empty transaction of ours put its marker behind the hanging one."""


@dataclass(frozen=True, slots=True)
class ChangelogTailRead:
    """What lies behind the last committed META was read. `meta`: of the last transaction that is whole there, if any."""

    meta: Meta | None


@dataclass(frozen=True, slots=True)
class OutputRead:
    """What became of a batch's records in one output."""

    target: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class WrittenAgain:
    """What was undone of the transaction is committed."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The changelog was applied up to its end, `position`. `records`: how many it held.

    `meta`: the last one that is committed; `behind_meta`: the offset after it, 0 if there is none.
    """

    meta: Meta
    position: int
    records: int
    behind_meta: int


@dataclass(frozen=True, slots=True)
class SourceMeasured:
    """First and next offset of each source topic, and the group's committed offset (None: none)."""

    first: Mapping[str, int]
    next: Mapping[str, int]
    group: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Sought:
    """The source stands where we said."""


@dataclass(frozen=True, slots=True)
class BatchArrived:
    """Records of a source topic; `start` and `end` are positions of the client, so holes in the log are covered."""

    topic: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TimersTaken:
    """State changed without a record: there is something to commit."""


@dataclass(frozen=True, slots=True)
class CheckpointDue:
    """The interval is over."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The content of the checkpoint is fixed."""

    meta: Meta
    outputs: int


@dataclass(frozen=True, slots=True)
class OutputsAcknowledged:
    """Every output record of the transaction is acknowledged."""


@dataclass(frozen=True, slots=True)
class ChangelogAcknowledged:
    """Every changelog record is. `position`: the offset after META, None if the broker did not tell."""

    position: int | None


@dataclass(frozen=True, slots=True)
class Committed:
    """EndTxn was answered."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A command failed, or the outcome of a commit is unknown."""

    what: str
    code: ExitCode = ExitCode.INTERNAL


@dataclass(frozen=True, slots=True)
class Revoked:
    """A rebalance or a stop: finish, then let go."""


Event: TypeAlias = (
    Assigned
    | Fenced
    | LogsMeasured
    | HangingEnded
    | ChangelogTailRead
    | OutputRead
    | WrittenAgain
    | Recovered
    | SourceMeasured
    | Sought
    | BatchArrived
    | TimersTaken
    | CheckpointDue
    | Begun
    | OutputsAcknowledged
    | ChangelogAcknowledged
    | Committed
    | Failed
    | Revoked
)
