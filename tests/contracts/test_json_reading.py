"""The slow reader of JSON: strict, bounded, and mindful of names that come twice."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palier.contracts.json_reading import NotJsonError, RepeatedMembers, UnboundedNumber, is_too_deep, read_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def depth_of(value: object) -> int:
    """Nesting, by walking what was read."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON, st.booleans())
def test_reads_what_was_written(value, ascii_only) -> None:
    """JSON of any shape is read back as it was, escaped or not."""
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(JSON, st.integers(60, 70))
def test_depth_is_that_of_the_value(value, wrapping) -> None:
    """Only real nesting counts: not brackets in strings, however they are escaped, nor many side by side."""
    wrapped = value
    for _ in range(wrapping):
        wrapped = [wrapped, ']}\\"[{']
    assert is_too_deep(json.dumps(wrapped).encode()) == (depth_of(wrapped) > 64)
    assert is_too_deep(json.dumps([value] * 100).encode()) == (depth_of(value) > 63)


@given(st.binary(max_size=100))
def test_any_bytes(value) -> None:
    """Bytes are JSON or NotJsonError, nothing else; depth can be asked of all."""
    assert is_too_deep(b"[" * 70 + value)
    with suppress(NotJsonError):
        read_json(value)


def test_names_that_come_twice() -> None:
    """The last value is in the object, the earlier ones beside it, in order."""
    record = read_json(b'{"a":1,"b":2,"a":3,"a":4}')
    assert record == {"a": 4, "b": 2}
    assert isinstance(record, RepeatedMembers)
    assert record.earlier == [("a", 1), ("a", 3)]


@pytest.mark.parametrize("number", [b"1e400", b"-1e999999999999", b"9" * 4301, b"-" + b"9" * 4300])
def test_numbers_without_bounds(number: bytes) -> None:
    """A number nothing holds is JSON all the same, but no int and no float."""
    assert read_json(number) == UnboundedNumber()
