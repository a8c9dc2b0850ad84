"""What the protocol wants done; the comment names the event that reports it done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Fence:
    """Start a producer with the partition's transactional id. -> Fenced."""


@dataclass(frozen=True, slots=True)
class MeasureLogs:
    """Ask for the ends of changelog and outputs, after a pause. -> LogsMeasured."""

    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ReadChangelogTail:
    """Read [start, end) of the changelog, uncommitted. -> ChangelogTailRead."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadFate:
    """Are the outputs of this batch committed? They are among the last records of the topic. -> FateRead."""

    topic: str
    start: int
    end: int
    batch_number: int


@dataclass(frozen=True, slots=True)
class ReadOutputTail:
    """Read [start, end) of an output, uncommitted. -> OutputTailRead."""

    topic: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EndHanging:
    """Commit or abort an empty transaction over all our topics: its markers end what hangs. -> HangingEnded."""

    commit: bool


@dataclass(frozen=True, slots=True)
class Recover:
    """Apply the changelog from its beginning to `end`. -> Recovered."""

    end: int


@dataclass(frozen=True, slots=True)
class MeasureSource:
    """-> SourceMeasured."""


@dataclass(frozen=True, slots=True)
class Seek:
    """Put the source where the state is. -> Sought."""

    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Fold:
    """The batch that arrived is the next one: fold it."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a transaction and fix its content. -> Begun."""

    batch_number: int
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SendOutputs:
    """-> OutputsAcknowledged."""


@dataclass(frozen=True, slots=True)
class SendChangelog:
    """States, META last. -> ChangelogAcknowledged."""


@dataclass(frozen=True, slots=True)
class Commit:
    """End the transaction. -> Committed."""


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing of the partition is left undone."""


@dataclass(frozen=True, slots=True)
class Exit:
    """End the process now: what is not committed never happened."""

    code: ExitCode
    reason: str


Command: TypeAlias = (
    Fence
    | MeasureLogs
    | ReadChangelogTail
    | ReadFate
    | ReadOutputTail
    | EndHanging
    | Recover
    | MeasureSource
    | Seek
    | Fold
    | Begin
    | SendOutputs
    | SendChangelog
    | Commit
    | Release
    | Exit
)
