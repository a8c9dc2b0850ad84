"""The lines of a log: a file, a gzip file or standard input, never more than one bounded line in memory."""

from __future__ import annotations

import gzip
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from palier.contracts.limits import MAX_VALUE_BYTES
from palier.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_LINE = MAX_VALUE_BYTES + 1
"""Bytes kept of a line: one more than a touchpoint may have, so that a longer one is seen to be too large."""

GZIP_MAGIC = b"\x1f\x8b"


class Log:
    """An open log: iterate over its lines, ask `progress` how much of it has been read."""

    def __init__(self, name: str, raw: BinaryIO, size: int | None) -> None:
        self.name = name
        self.size = size
        """Bytes of the file as it lies on disk, None for a stream without a known end."""
        self._raw = raw

    def progress(self) -> int:
        """Bytes read so far of the file as it lies on disk (so also right for gzip), 0 for a stream."""
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[bytes]:
        """Lines without their ending. Of a line above `LONGEST_LINE` only that much; the rest is read over.

        Raises:
            DataError: the file says it is gzip but is damaged or cut off.
        """
        number = 0
        try:
            read_line = self._content().readline
            while line := read_line(LONGEST_LINE + 1):
                number += 1
                if line.endswith(b"\n"):
                    line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
                elif len(line) > LONGEST_LINE:
                    while (rest := read_line(LONGEST_LINE)) and not rest.endswith(b"\n"):
                        pass
                yield line[:LONGEST_LINE]
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{self.name}: damaged gzip data after line {number}: {error}") from None

    def _content(self) -> BinaryIO:
        peekable = self._raw  # sys.stdin.buffer and Path.open("rb") are both BufferedReader
        if peekable.peek(2)[:2] == GZIP_MAGIC:  # type: ignore[attr-defined] # BinaryIO does not declare peek
            return cast("BinaryIO", gzip.open(peekable))
        return peekable


@contextmanager
def open_log(path: Path | None) -> Iterator[Log]:
    """Open a log; None or `-` is standard input.

    Raises:
        ConfigurationError: no such file, a folder, not readable, or nothing is piped in.
    """
    if path is None or str(path) == "-":
        if sys.stdin.isatty():
            raise ConfigurationError("no FILE given and nothing is piped in")
        yield Log("standard input", sys.stdin.buffer, None)
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    with raw:
        yield Log(str(path), raw, path.stat().st_size)
