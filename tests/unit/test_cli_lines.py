"""Reading a log: plain, gzip, standard input, lines of any length."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from palier.contracts.limits import MAX_VALUE_BYTES
from palier.errors import ConfigurationError, DataError
from palier_cli.lines import LONGEST_LINE, open_log

if TYPE_CHECKING:
    from pathlib import Path


def lines_of(path: Path) -> list[bytes]:
    with open_log(path) as log:
        return list(log)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"\xff\x00\n", [b"\xff\x00"]),
    ],
)
def test_a_line_is_what_stands_between_line_ends(tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    """Unix and Windows line ends, with and without one at the end; what the bytes mean is not asked. Gzip changes nothing."""
    plain, zipped = tmp_path / "plain", tmp_path / "zipped"
    plain.write_bytes(content)
    zipped.write_bytes(gzip.compress(content))
    assert lines_of(plain) == lines_of(zipped) == lines


@pytest.mark.parametrize("beyond", [-1, 0, 1, 2, 3, 1000, MAX_VALUE_BYTES, 2 * MAX_VALUE_BYTES + 1])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_of_any_length_keeps_its_place(tmp_path: Path, beyond: int, end: bytes) -> None:
    """Up to the longest touchpoint a line is kept whole, a longer one too long, and the line after it is the next."""
    length = MAX_VALUE_BYTES + beyond
    after = [b"next"] if end else []
    path = tmp_path / "log"
    path.write_bytes(b"x" * length + end + b"\n".join(after))
    assert [len(line) for line in lines_of(path)] == [min(length, LONGEST_LINE), *map(len, after)]


def test_progress_is_told_in_bytes_on_disk(tmp_path: Path) -> None:
    """Also of a compressed log, whose lines say nothing about how much is left."""
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"line\n" * 10_000))
    with open_log(path) as log:
        assert log.progress() == 0
        for _ in log:
            pass
        assert log.progress() == log.size == path.stat().st_size


def test_damaged_gzip_is_named_with_the_last_good_line(tmp_path: Path) -> None:
    """A download that broke off must not pass for a short log."""
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"line\n" * 3)[:-4])
    with pytest.raises(DataError, match=r"log\.gz: damaged gzip data after line 3"):
        lines_of(path)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    """Path and reason, for the one line the reader gets."""
    with pytest.raises(ConfigurationError, match=f"{tmp_path / name}: {reason}"):
        lines_of(tmp_path / name)
