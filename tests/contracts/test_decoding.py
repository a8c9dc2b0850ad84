"""What surrounds a record's value: its key, its Kafka timestamp, its size; and refusals that help and give away nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.traps import BARE, bare, spliced
from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.record_examples import KAFKA_TIMESTAMP_MS, RecordExample, refused_records, taken_records
from palier.contracts.refusal import REASON_MEANINGS, Refusal, RefusalReason
from palier.domain.touchpoint import Touchpoint

MIB = 1024 * 1024
KEY = b"contact-4711"
OCCURRED_AT_MS = 1_793_614_272_123


def decode(value: bytes | None, key: bytes | None = KEY, timestamp_ms: int = OCCURRED_AT_MS, headers=()):
    return decode_touchpoint(value, key, timestamp_ms, headers)


def padded(size: int) -> bytes:
    """A good record of exactly so many bytes."""
    return bare(user_agent="x" * (size - len(bare(user_agent=""))))


@pytest.mark.parametrize("example", taken_records() + refused_records(), ids=lambda example: example.name)
def test_examples(example: RecordExample) -> None:
    """Every published example is taken, or refused for the reason it names."""
    verdict = decode(example.value, example.key, KAFKA_TIMESTAMP_MS, example.headers)
    assert (verdict.reason if isinstance(verdict, Refusal) else None) is example.reason


def test_all_members_arrive() -> None:
    """Each member the fold reads has the value that was sent."""
    properties = {"link": "footer-2", "honeypot": True, "depth": [1, {"x": None}]}
    value = bare(
        object_id="o-1", campaign_id="c-1", rating=75, bot=True, user_agent="Googlebot/2.1", properties=properties
    )
    who = ("t-1", "web-tracker", "article.read", "web", "contact-4711", OCCURRED_AT_MS, "o-1", "c-1", 75)
    assert decode(value) == Touchpoint(*who, bot=True, crawler=True, properties=properties)
    assert decode(bare(bot=None)) == decode(bare())
    assert decode(bare(bot=False)) == decode(bare())


@pytest.mark.parametrize("value", [None, b""])
def test_empty(value: bytes | None) -> None:
    """No value is refused as such, not as bad JSON."""
    assert decode(value).reason is RefusalReason.EMPTY


def test_size() -> None:
    """1 MiB is taken; one byte more is refused, whatever it says."""
    assert isinstance(decode(padded(MIB)), Touchpoint)
    assert decode(padded(MIB + 1)).reason is RefusalReason.TOO_LARGE
    assert decode(b"a" * 7 * MIB).reason is RefusalReason.TOO_LARGE
    assert decode(b"[" * 7 * MIB).reason is RefusalReason.TOO_LARGE


def test_key() -> None:
    """The key must be contact_id in UTF-8, or one contact could live in two partitions."""
    assert decode(bare(contact_id="süß"), "süß".encode()).contact_id == "süß"
    for key in (None, b"", b"contact-4712", b"Contact-4711", b"contact-4711 ", b"\xff"):
        assert decode(bare(), key).reason is RefusalReason.KEY_MISMATCH


def test_future() -> None:
    """occurred_at may be five minutes after the Kafka timestamp, and not a millisecond more."""
    assert isinstance(decode(bare(), timestamp_ms=OCCURRED_AT_MS - 300_000), Touchpoint)
    assert decode(bare(), timestamp_ms=OCCURRED_AT_MS - 300_001).reason is RefusalReason.FUTURE
    assert decode(bare(), timestamp_ms=-1).reason is RefusalReason.FUTURE


def test_line() -> None:
    """A line has no key; its bound is the latest moment allowed; its line end is no trouble."""
    line = bare() + b"\r\n"
    assert isinstance(decode_line(line, OCCURRED_AT_MS - 300_000), Touchpoint)
    assert decode_line(line, OCCURRED_AT_MS - 300_001).reason is RefusalReason.FUTURE
    assert decode_line(b"\n", OCCURRED_AT_MS).reason is RefusalReason.NOT_JSON
    assert decode_line(b"", OCCURRED_AT_MS).reason is RefusalReason.EMPTY


def test_deep_nesting_on_a_small_stack() -> None:
    """Nesting is measured before anything recurses: on a stack of 256 KiB msgspec would end the process."""
    verdicts = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: verdicts.append(decode(spliced(b'"x":' + b"[" * 500_000))))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert verdicts[0].reason is RefusalReason.TOO_DEEP


@given(
    member=st.sampled_from([*BARE, "object_id", "rating", "bot", "value", "timezone", "properties", "user_agent"]),
    secret=st.sampled_from(
        ["anna@example.org", ["anna@example.org"], {"anna@example.org": 1}, "anna@example.org" * 20]
    ),
    key=st.sampled_from([KEY, b"anna@example.org", None]),
)
def test_messages_tell_no_values(member, secret, key) -> None:
    """A refusal names the member and what is wrong; the value may be personal and stays in the record."""
    verdict = decode(bare(**{member: secret}), key)
    if isinstance(verdict, Refusal):
        assert "anna@" not in verdict.message
        assert 10 <= len(verdict.message) <= 500


def test_message_names_member_and_type() -> None:
    """One line says which members are wrong and how; of many faults the first three."""
    verdict = decode(json.dumps({**BARE, "id": 5, "rating": "75", "bot": "yes", "value": [], "channel": None}).encode())
    assert verdict == Refusal(
        RefusalReason.INVALID,
        "id: should be a string, got an integer; channel: should be a string, got null; "
        "rating: should be an integer, got a string; and 2 more",
    )
    assert decode(bare(value={"amount": 5, "currency": "EUR"})).message == (
        "value.amount: should be a string, got an integer"
    )


def test_a_moment_and_another_fault() -> None:
    """`no-offset` is for records that lack only that; with another fault they are `invalid`."""
    assert decode(bare(occurred_at="2026-11-02T10:11:12")).reason is RefusalReason.NO_OFFSET
    assert decode(bare(occurred_at="2026-11-02T10:11:12", rating=-1)).reason is RefusalReason.INVALID


def test_foreign_headers_change_nothing() -> None:
    """Tracing headers and content types of plain JSON leave a record bare."""
    headers = [("traceparent", b"00-ab-cd-01"), ("content-type", b"application/json"), ("empty", None), ("CE_ID", b"x")]
    assert decode(bare(), headers=headers) == decode(bare())


def test_every_reason_has_a_meaning() -> None:
    """No code without a sentence for people: README and AsyncAPI print them."""
    assert list(REASON_MEANINGS) == list(RefusalReason)


def test_decoding_never_logs() -> None:
    """Payloads and contact ids never reach a log from here: the contracts have no logger at all."""
    sources = Path(__file__).parents[2].glob("shared/palier/contracts/*.py")
    assert not [source.name for source in sources if "import logging" in source.read_text()]
