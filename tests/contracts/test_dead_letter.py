"""Dead letters keep what came, untouched, say why, and always fit into their topic."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palier.contracts.dead_letter import HEADER_MEANINGS, DeadLetter, dead_letter_record
from palier.contracts.records import OutRecord
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.topics import DEAD_LETTER_MAX_BYTES

MIB = 1024 * 1024
REFUSAL = Refusal(RefusalReason.INVALID, "rating: should be an integer, got a string")


def letter_of(
    value: bytes | None, key: bytes | None = b"contact-4711", headers=(), refusal: Refusal = REFUSAL
) -> OutRecord:
    return dead_letter_record(
        refusal,
        topic="touchpoints",
        partition=3,
        offset=2**40,
        timestamp_ms=1_793_614_272_123,
        key=key,
        value=value,
        headers=headers,
    )


def size_of(record: OutRecord) -> int:
    """Bytes of a record, with room for Kafka's lengths."""
    headers = sum(len(name.encode()) + len(content or b"") + 10 for name, content in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + 100


def test_headers_to_the_byte() -> None:
    """Original headers first and as they were, then ours in a fixed order."""
    record = letter_of(b"x", headers=[("traceparent", b"\xff"), ("empty", None), ("traceparent", b"2")])
    assert record == OutRecord(
        b"contact-4711",
        b"x",
        [
            ("traceparent", b"\xff"),
            ("empty", None),
            ("traceparent", b"2"),
            ("palier_reason", b"invalid"),
            ("palier_message", b"rating: should be an integer, got a string"),
            ("palier_topic", b"touchpoints"),
            ("palier_partition", b"3"),
            ("palier_offset", b"1099511627776"),
            ("palier_timestamp", b"1793614272123"),
            ("palier_length", b"1"),
        ],
    )


HEADERS = st.lists(
    st.tuples(st.text(max_size=5).filter(lambda name: name not in HEADER_MEANINGS), st.none() | st.binary(max_size=5))
)


@given(st.none() | st.binary(max_size=50), st.none() | st.binary(max_size=50), HEADERS, st.sampled_from(RefusalReason))
@settings(max_examples=50, deadline=None)
def test_what_came_is_kept(key, value, headers, reason) -> None:
    """Key, value (none and empty told apart) and headers of a record come back whole, from Kafka and from JSON."""
    record = letter_of(value, key, headers, Refusal(reason, "süß"))
    assert (record.key, record.value) == (key, value)
    letter = DeadLetter.from_record(*record)
    assert (letter.key, letter.value, letter.length) == (key, value, None if value is None else len(value))
    assert [(header.name, header.value) for header in letter.headers] == headers
    assert (letter.reason, letter.message, letter.sha256, letter.headers_left_out) == (reason, "süß", None, 0)
    assert (letter.topic, letter.partition, letter.offset, letter.timestamp) == (
        "touchpoints",
        3,
        2**40,
        1_793_614_272_123,
    )
    assert DeadLetter.model_validate_json(letter.model_dump_json()) == letter


@pytest.mark.parametrize("size", [MIB + 1, 2 * MIB, 7 * MIB])
def test_long_values_are_cut(size: int) -> None:
    """Of a value longer than 1 MiB the first 64 KiB are kept, its length and its SHA-256."""
    value = b"a" * (size - 1) + b"z"
    letter = DeadLetter.from_record(*letter_of(value))
    assert letter.value == b"a" * 64 * 1024
    assert (letter.length, letter.sha256) == (size, hashlib.sha256(value).hexdigest())


def test_a_mebibyte_is_kept() -> None:
    """Up to 1 MiB the value is whole."""
    value = b"a" * MIB
    letter = DeadLetter.from_record(*letter_of(value))
    assert (letter.value, letter.sha256) == (value, None)


def test_always_fits() -> None:
    """However long key, headers and message are, a dead letter is never refused itself: that would stop the stream."""
    record = letter_of(
        b"v" * MIB,
        key=b"k" * MIB,
        headers=[("h" * 1000, b"v" * 100_000), *[("ü", b"")] * 200_000, ("last", b"")],
        refusal=Refusal(RefusalReason.INTERNAL, "ü" * 1_000_000),
    )
    assert size_of(record) < DEAD_LETTER_MAX_BYTES
    letter = DeadLetter.from_record(*record)
    assert letter.key == b"k" * 64 * 1024
    assert letter.key_length == MIB
    assert letter.message == "ü" * 500
    assert letter.headers_left_out == 200_002 - len(letter.headers)
    assert letter.headers[0].value == b"v" * 100_000, "what fits is kept from the first on"


def test_copied_back_and_refused_again() -> None:
    """A letter copied back carries our headers of the first time; the second letter replaces them, and drops no other."""
    first = letter_of(b"x", headers=[("traceparent", b"1"), ("palier_custom", b"2")])
    second = letter_of(first.value, first.key, first.headers, Refusal(RefusalReason.FUTURE, "again"))
    letter = DeadLetter.from_record(*second)
    assert letter.reason is RefusalReason.FUTURE
    assert [header.name for header in letter.headers] == ["traceparent", "palier_custom"]
    assert len(second.headers) == len(first.headers)


def test_a_message_that_is_no_unicode() -> None:
    """A message with a lone surrogate, from an exception's text say, is written all the same."""
    letter = DeadLetter.from_record(*letter_of(b"x", refusal=Refusal(RefusalReason.INTERNAL, "bad \ud800 text")))
    assert letter.message == "bad ? text"


def test_not_a_dead_letter() -> None:
    """A record without our headers is named as such, with what it lacks."""
    with pytest.raises(ValueError, match="palier_reason, palier_message"):
        DeadLetter.from_record(b"k", b"v", [("palier_topic", b"t")])
