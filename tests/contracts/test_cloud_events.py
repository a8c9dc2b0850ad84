"""CloudEvents 1.0 in both modes give the same touchpoint as the bare record, or are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.traps import BARE
from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.refusal import Refusal, RefusalReason

KEY = b"contact-4711"
ATTRIBUTES = {
    "id": "t-1",
    "source": "web-tracker",
    "type": "article.read",
    "time": "2026-11-02T10:11:12.123Z",
    "subject": "contact-4711",
}
MEMBER_OF = {"id": "id", "source": "source", "type": "type", "time": "occurred_at", "subject": "contact_id"}
STRUCTURED = ("content-type", b"application/cloudevents+json; charset=UTF-8")


def decode(value: object, headers=()):
    return decode_touchpoint(json.dumps(value).encode(), KEY, 2**43, headers)


def ce_headers(**attributes: str) -> list[tuple[str, bytes]]:
    return [("ce_specversion", b"1.0"), *((f"ce_{name}", text.encode()) for name, text in attributes.items())]


def envelope(data: object, **attributes: object) -> dict[str, object]:
    return {"specversion": "1.0", **attributes, "data": data}


BARE_TOUCHPOINT = decode(BARE)

SPLITS = st.fixed_dictionaries(
    {name: st.sampled_from(["data", "attribute", "both", "null in data"]) for name in ATTRIBUTES}
)


@given(SPLITS, st.sampled_from(["binary", "structured", "structured, not announced", "line"]))
def test_members_come_from_either(split, mode) -> None:
    """Wherever a member is said, in data, in its attribute or in both alike, the touchpoint is the same."""
    data = dict(BARE)
    attributes = {}
    for name, place in split.items():
        if place != "data":
            attributes[name] = ATTRIBUTES[name]
        if place == "attribute":
            del data[MEMBER_OF[name]]
        if place == "null in data":
            data[MEMBER_OF[name]] = None
    if mode == "binary":
        touchpoint = decode(data, ce_headers(**attributes))
    elif mode == "structured":
        touchpoint = decode(envelope(data, **attributes), [STRUCTURED])
    elif mode == "line":
        touchpoint = decode_line(json.dumps(envelope(data, **attributes)).encode(), 2**43)
    else:
        touchpoint = decode(envelope(data, **attributes))
    assert touchpoint == BARE_TOUCHPOINT


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_contradictions(name: str) -> None:
    """An attribute that says something else than its member, a header or an envelope: refused `conflict`."""
    other = {**ATTRIBUTES, name: "2026-11-02T10:11:13Z" if name == "time" else "other"}
    header = (f"ce_{name}", other[name].encode())
    for verdict in (
        decode(BARE, ce_headers(**other)),
        decode(envelope(BARE, **other), [STRUCTURED]),
        decode(envelope(BARE, **other)),
        decode(envelope({"channel": "web"}, **ATTRIBUTES), [STRUCTURED, header]),
        decode({"channel": "web"}, [*ce_headers(**ATTRIBUTES), header]),
    ):
        assert isinstance(verdict, Refusal)
        assert verdict.reason is RefusalReason.CONFLICT


def test_one_moment_written_in_two_ways() -> None:
    """Moments are compared, not their texts."""
    assert decode(BARE, ce_headers(time="2026-11-02T11:11:12.1239+01:00")) == BARE_TOUCHPOINT


def test_a_header_without_value_says_nothing() -> None:
    """Kafka allows headers without value; such an attribute is absent."""
    assert decode(BARE, [("ce_id", None), ("ce_specversion", None), ("content-type", None)]) == BARE_TOUCHPOINT


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (BARE, [("ce_specversion", b"0.3")], "invalid"),
        (BARE, [("ce_id", b"\xff")], "invalid"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "id": "x" * 101}), "invalid"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "subject": "a\u0000"}), "invalid"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "id": ""}), "invalid"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "time": "2026-11-02"}), "invalid"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "time": "2026-11-02T10:11:12"}), "no-offset"),
        ({"channel": "web"}, ce_headers(**{**ATTRIBUTES, "subject": "contact-4712"}), "key-mismatch"),
        ({}, ce_headers(**ATTRIBUTES), "invalid"),
        ([BARE], ce_headers(**ATTRIBUTES), "invalid"),
        (BARE, [STRUCTURED], "invalid"),
        (BARE, [("content-type", b"application/cloudevents+avro")], "invalid"),
        ([envelope(BARE)], [("content-type", b"application/cloudevents-batch+json")], "invalid"),
        (envelope(BARE, id=5), [STRUCTURED], "invalid"),
        (envelope({**BARE, "id": 5}, id="5"), [STRUCTURED], "invalid"),
        (envelope([BARE]), [STRUCTURED], "invalid"),
        (envelope(None, **ATTRIBUTES), [STRUCTURED], "invalid"),
        (envelope("eyJ9", **ATTRIBUTES), [], "invalid"),
        ({"specversion": "1.0", "data_base64": "e30=", **ATTRIBUTES}, [STRUCTURED], "invalid"),
        ({**envelope(BARE), "specversion": "2.0"}, [], "invalid"),
        ({**envelope(BARE), "specversion": 1.0}, [], "invalid"),
        ({**BARE, "specversion": "1.0", "data": {"channel": "web"}}, [], "invalid"),
    ],
)
def test_refused(value: object, headers, reason: str) -> None:
    """Events that are not what they say, or whose data is no touchpoint."""
    verdict = decode(value, headers)
    assert isinstance(verdict, Refusal)
    assert verdict.reason == reason, verdict.message


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not-json"),
        (b'{"channel":"\xff"}', "not-json"),
        (b'{"channel":"web","x":"\xff"}', "not-json"),
        (b'{"channel":"\\ud800"}', "not-json"),
        (b"[" * 10_000, "too-deep"),
        (b" " * (1024 * 1024 + 1), "too-large"),
    ],
)
@pytest.mark.parametrize("headers", [ce_headers(**ATTRIBUTES), [STRUCTURED]])
def test_refused_before_it_is_read(value: bytes | None, reason: str, headers) -> None:
    """The bounds of a bare record are those of an event."""
    verdict = decode_touchpoint(value, KEY, 2**43, headers)
    assert isinstance(verdict, Refusal)
    assert verdict.reason == reason


@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_time", "content-type"]), st.binary(max_size=30))),
)
def test_no_bytes_raise(value, headers) -> None:
    """Any bytes in value and headers get a verdict, never an exception."""
    assert isinstance(decode_touchpoint(value, KEY, 2**43, headers), Refusal)
