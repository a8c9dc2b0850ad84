"""How each target's cases are made: raw bytes, damaged seeds, records in CloudEvents, dead letters with wrong headers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from contracts.traps import BARE
from fuzz import nasties
from fuzz.cases import KEY, TIMESTAMP_MS, Case
from fuzz.json_damage import ENVELOPE, MEMBERS, JsonDamager, fragment
from fuzz.script import USUAL_LENGTH, Script, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import SearchStrategy

    from palier.contracts.records import Header

_ATTRIBUTES = ("id", "source", "type", "time", "subject", "specversion", "", "datacontenttype", "partitionkey", "ID")
_USUAL = {"specversion": "1.0", "time": BARE["occurred_at"], "subject": BARE["contact_id"], **BARE}
_KEYS = (KEY, KEY, KEY, KEY, KEY, None, b"", b"\xff", b"contact-4712", "süß".encode())
_TIMESTAMPS = (
    *[TIMESTAMP_MS + delta for delta in (0, 0, 0, 299_999, 300_000, -299_999, -300_000, -300_001, 86_400_000)],
    -1, 0, 2**63 - 1, -(2**63),
)  # fmt: skip
_CONTENT_TYPE_NAMES = ("content-type", "Content-Type", "CONTENT-TYPE")
_CONTENT_TYPES = (
    b"application/cloudevents+json", b"application/cloudevents+json; charset=UTF-8", b"APPLICATION/CLOUDEVENTS+JSON",
    b" application/cloudevents+json", b"application/cloudevents+json ;", b"application/cloudevents+avro", b"application/json",
    b"application/cloudevents-batch+json", b"application/cloudevents", b"application/cloudevents+json\xff", b"\xff",
)  # fmt: skip
_CONTENTS = (
    None, b"", b"\xff", b"\xed\xa0\x80", b"1.0", b"a\x00", b"contact-4711", b"t-1", b"\xef\xbb\xbf1.0",
    *(text.encode() for text in nasties.MOMENTS),
)  # fmt: skip
_STRANGERS = ("palier_reason", "palier_batch", "palier_sha256", "traceparent", "CE_id", "ce-id", "\ufffd", "")
_NUMBERS = (
    b"-1", b" 1", b"1_0", b"+1", b"1.0", b"9" * 4_301, b"\xd9\xa1", b"0x1", b"-9223372036854775809", b"1\n", b"3",
)  # fmt: skip
_PACKED_SCALARS = (
    None, True, False, 0, 1, 2, 3, -1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("nan"), "", "a", b"", b"\0" * 9,
    [], {}, [[]], {"a": 1}, {0: {}}, [0.0, 1.0],
)  # fmt: skip


def values(seeds: list[Case]) -> SearchStrategy[Case]:
    """Values of records: most are seeds damaged by tokens, some by bytes, some are raw."""
    make = _values(seeds)
    return scripted(lambda script: Case(make(script)))


def _values(seeds: list[Case]) -> Callable[[Script], bytes]:
    whole = [case.value for case in seeds if case.value is not None]
    damager = JsonDamager(whole)

    def make(script: Script) -> bytes:
        kind = script.below(16)
        if kind < 13:
            return damager.damaged(script)
        return _damaged_bytes(script, whole) if kind < 15 else script.take(script.below(USUAL_LENGTH))

    return make


def records(seeds: list[Case]) -> SearchStrategy[Case]:
    """Whole records: CloudEvents, and damaged values under any key, timestamp and headers."""
    make_value = _values(seeds)

    def make(script: Script) -> Case:
        if script.below(5) > 1:
            return Case(_event(script), script.choice(_KEYS), _timestamp(script), _headers(script))
        key, timestamp_ms = script.choice(_KEYS), _timestamp(script)
        headers = _headers(script) if script.below(2) else script.choice(seeds).headers
        return Case(None if script.one_in(40) else make_value(script), key, timestamp_ms, headers)

    return scripted(make, 2 * USUAL_LENGTH)


def packed(seeds: list[Case]) -> SearchStrategy[Case]:
    """MessagePack: seeds damaged by members and by bytes, and raw bytes."""
    whole = [case.value or b"" for case in seeds]
    lists = [members for members in map(_unpacked, whole) if isinstance(members, list)]

    def make(script: Script) -> Case:
        kind = script.below(8)
        if kind < 4:
            return Case(_damaged_list(script, lists))
        return Case(_damaged_bytes(script, whole) if kind < 7 else script.take(script.below(USUAL_LENGTH)))

    return scripted(make)


def moment_texts(seeds: list[Case]) -> SearchStrategy[Case]:
    """Texts like moments, in UTF-8."""
    whole = [case.value or b"" for case in seeds]

    def make(script: Script) -> Case:
        kind = script.below(4)
        if kind == 0:
            return Case(_damaged_bytes(script, whole))
        moment = datetime(1, 1, 1) + timedelta(days=script.below(3_652_059), milliseconds=script.below(86_400_000))  # noqa: DTZ001 - only its text is wanted
        if kind == 1:
            moment = moment.replace(year=script.choice((1969, 1970, 2026, 2099, 2100, 2101)), day=1)
        hours, minutes = script.below(26), script.choice((0, 0, 1, 30, 59, 60))
        offset = script.choice(("Z", "z", "", f"+{hours:02}:{minutes:02}", f"-{hours:02}:{minutes:02}"))
        text = moment.isoformat() + script.choice(("", "", "9", "0000")) + offset
        return Case(_damaged_bytes(script, [text.encode()]) if script.one_in(4) else text.encode())

    return scripted(make)


def dead_letters(seeds: list[Case]) -> SearchStrategy[Case]:
    """Records of the dead-letter topic some of whose headers are wrong, missing, doubled."""

    def make(script: Script) -> Case:
        headers = list(script.choice(seeds).headers)
        for _ in range(1 + script.below(4)):
            place = script.piece(len(headers), 1)
            name = headers[place.start - 1][0] if headers and script.below(4) else script.text(3)
            content = script.choice((*_CONTENTS, *_NUMBERS)) if script.below(3) else script.take(script.below(6))
            headers[place] = [(name, content)] * script.below(3)
        return Case(
            script.choice((None, script.take(4))), script.choice((None, script.take(4))), headers=tuple(headers)
        )

    return scripted(make)


def _damaged_bytes(script: Script, seeds: Sequence[bytes]) -> bytes:
    """A seed with a few bytes overwritten, removed or put in, cut, or with the tail of another."""
    data = bytearray(script.choice(seeds))
    for _ in range(1 + script.below(4)):
        place = script.piece(len(data), 4)
        kind = script.below(8)
        data[place] = (b"\x91" * 1_100 if script.one_in(8) else b"\xff" * 4) if kind == 0 else script.take(kind % 4)
    if script.one_in(8):
        del data[script.below(len(data) + 1) :]
        other = script.choice(seeds)
        data += other[script.below(len(other) + 1) :]
    return bytes(data)


def _damaged_list(script: Script, seeds: Sequence[list[Any]]) -> bytes:
    """A packed list some of whose members, or members of members, have become other things, in another number perhaps."""
    members = list(script.choice(seeds))
    for _ in range(1 + script.below(4)):
        into = members
        place = script.piece(len(into), 2)
        inner = into[place.start] if place.start < len(into) else None
        if isinstance(inner, list) and script.below(2):
            into[place.start] = into = list(inner)
            place = script.piece(len(into), 2)
        into[place] = [script.choice(_PACKED_SCALARS) for _ in range(script.below(3))]
    return msgspec.msgpack.encode(members)


def _unpacked(data: bytes) -> object:
    try:
        return msgspec.msgpack.decode(data)
    except (ValueError, RecursionError):
        return None


def _event(script: Script) -> bytes:
    """A value of a CloudEvent: members spread over data and an envelope, some of them wrong, some said twice."""
    data = [(name, b'"%s"' % text.encode()) for name, text in BARE.items() if not script.one_in(3)]
    for _ in range(script.below(3)):
        name = script.choice((*MEMBERS, *ENVELOPE))
        data.insert(script.below(len(data) + 1), (name, fragment(script)))
    value = _object(data)
    if script.below(2):
        envelope = [(name, b'"%s"' % _USUAL[name].encode()) for name in _ATTRIBUTES[:6] if not script.one_in(6)]
        for _ in range(script.below(3)):
            name = script.choice((*ENVELOPE, *_ATTRIBUTES))
            envelope.insert(script.below(len(envelope) + 1), (name, fragment(script)))
        envelope.append(("data", fragment(script) if script.one_in(16) else value))
        value = _object(envelope)
    return value + fragment(script) if script.one_in(30) else value


def _object(members: Sequence[tuple[str, bytes]]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), text) for name, text in members) + b"}"


def _timestamp(script: Script) -> int:
    return script.integer() if script.one_in(16) else script.choice(_TIMESTAMPS)


def _headers(script: Script) -> tuple[Header, ...]:
    """Attributes of CloudEvents right and wrong, content types, strangers, Palier's own."""
    return tuple(_header(script) for _ in range(script.below(8)))


def _header(script: Script) -> Header:
    kind = script.below(16)
    if kind < 9:
        attribute = script.choice(_ATTRIBUTES)
        return f"ce_{attribute}", _USUAL.get(attribute, "").encode()
    content = script.choice(_CONTENTS) if script.below(3) else script.take(script.below(5))
    if kind < 12:
        return f"ce_{script.choice(_ATTRIBUTES)}", content
    if kind < 14:
        return script.choice(_CONTENT_TYPE_NAMES), script.choice((*_CONTENT_TYPES, content))
    return (script.choice(_STRANGERS) if script.below(2) else script.text(4)), content
