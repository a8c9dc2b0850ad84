"""Every way a command can end, by what the operator does about it. One table: exit code, meaning, remedy."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a supervisor and an operator may conclude from the end of a process."""

    DONE = 0
    WRONG_USE = 2
    DATA = 65
    UNAVAILABLE = 69
    INTERNAL = 70
    INTERRUPTED = 130


EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.WRONG_USE: "wrong use, settings, rule pack or topics: mend what the one line names",
    ExitCode.DATA: "the data need an operator; a restart does not help",
    ExitCode.UNAVAILABLE: "no broker answered within PALIER_STARTUP_TIMEOUT",
    ExitCode.INTERNAL: "internal fault or fenced by a newer owner; nothing is lost, the supervisor starts it again",
    ExitCode.INTERRUPTED: "interrupted by the user",
}


class PalierError(Exception):
    """Trouble with a readable one-line message; `exit_code` says how the process ends."""

    exit_code = ExitCode.INTERNAL


class ConfigurationError(PalierError):
    """Settings, a rule pack, topics or arguments are wrong. The message names what, where and the remedy."""

    exit_code = ExitCode.WRONG_USE


class DataError(PalierError):
    """State or topics are damaged, or nearly all input is refused: going on would guess."""

    exit_code = ExitCode.DATA


class BrokerUnreachableError(PalierError):
    """No broker answered in time."""

    exit_code = ExitCode.UNAVAILABLE


class InternalError(PalierError):
    """A fault of ours, or a lost transaction: ending the process is the safe answer (crash-only)."""

    exit_code = ExitCode.INTERNAL
