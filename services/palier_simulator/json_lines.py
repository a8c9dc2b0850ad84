"""Records as JSON lines, into a file or to standard output."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from palier.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from palier_simulator.arrival import Arrival


class JsonLinesSink:
    """Writes each record's value as a line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    async def send(self, arrivals: Sequence[Arrival]) -> None:
        """Writes the records' values, one a line."""
        self._file.write(b"".join([arrival.value + b"\n" for arrival in arrivals]))

    async def push(self) -> None:
        """Lets a reader behind a pipe see everything up to now."""
        self._file.flush()


@contextmanager
def open_lines(target: str) -> Iterator[BinaryIO]:
    """The file to write, `-` for standard output. Flushed at the end.

    Raises:
        BrokenPipeError: who read standard output has had enough.
        ConfigurationError: the file cannot be made, or not be written to the end (a full disk).
    """
    try:
        if target == "-":
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        else:
            with Path(target).open("wb") as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigurationError(f"--jsonl {target}: {error.strerror}") from None
