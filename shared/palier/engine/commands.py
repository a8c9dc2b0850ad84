"""What the protocol wants done; the comment names the event that reports it done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from palier.engine.meta import Meta
    from palier.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Fence:
    """Start a producer with the partition's transactional id. -> Fenced."""


@dataclass(frozen=True, slots=True)
class MeasureLogs:
    """Ask for the ends of changelog and outputs, after a pause. -> LogsMeasured."""

    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EndHanging:
    """Abort an empty transaction over all our topics: its markers undo what hangs. -> HangingEnded."""


@dataclass(frozen=True, slots=True)
class ReadChangelogTail:
    """Read [start, end) of the changelog, uncommitted: is a whole transaction there? -> ChangelogTailRead."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadOutput:
    """What became of the `count` records of a batch that an output has before `end`? -> OutputRead."""

    target: str
    end: int
    count: int
    batch_number: int


@dataclass(frozen=True, slots=True)
class WriteAgain:
    """Commit a copy of what was read and is undone: records of outputs, perhaps states, and META. -> WrittenAgain."""

    meta: Meta
    targets: tuple[str, ...]
    states: bool


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
    | EndHanging
    | ReadChangelogTail
    | ReadOutput
    | WriteAgain
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
