"""Records as they may come from Kafka, taken and refused: one for each form and for each kind of mistake."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from palier.contracts.cloud_events import STRUCTURED_CONTENT_TYPE
from palier.contracts.refusal import RefusalReason

if TYPE_CHECKING:
    from palier.contracts.records import Header

KAFKA_TIMESTAMP_MS: Final = 1_793_614_272_123
"""Kafka timestamp of every example: 2026-11-02T10:11:12.123Z."""

CONTACT: Final = "contact-4711"

_BARE: Final[dict[str, Any]] = {
    "id": "9f1c2b7e-5d0a-4f6b-8a53-0e6b1f7c2d11",
    "source": "web-tracker",
    "type": "article.read",
    "channel": "web",
    "contact_id": CONTACT,
    "occurred_at": "2026-11-02T10:11:10.870Z",
}


@dataclass(frozen=True, slots=True)
class RecordExample:
    """A record, and whether it is taken.

    Attributes:
        name: what the example shows.
        value: the record's value.
        reason: why it is refused; None: it is taken.
        key: the record's key.
        headers: the record's headers.
    """

    name: str
    value: bytes
    reason: RefusalReason | None = None
    key: bytes | None = CONTACT.encode()
    headers: tuple[Header, ...] = ()


def taken_records() -> list[RecordExample]:
    """One example of each form that is taken."""
    attributes = {"id": _BARE["id"], "source": "web-tracker", "type": "article.read"}
    attributes |= {"time": _BARE["occurred_at"], "subject": CONTACT}
    ce_headers = [("ce_specversion", b"1.0")] + [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return [
        RecordExample("the least there can be", _json(_BARE)),
        RecordExample(
            "every member",
            _json(
                _BARE
                | {
                    "type": "rating.given",
                    "object_id": "product-8",
                    "campaign_id": "autumn",
                    "rating": 75,
                    "value": {"amount": "129.90", "currency": "EUR"},
                    "bot": False,
                    "timezone": "America/Argentina/Buenos_Aires",
                    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0",
                    "properties": {"stars": 4, "words": ["sturdy", "süß"], "seconds": 12.5},
                }
            ),
        ),
        RecordExample("null counts as absent", _json(_BARE | {"object_id": None, "rating": None, "bot": None})),
        RecordExample("unknown members are ignored", _json(_BARE | {"schema": 3, "session": {"id": "s-1"}})),
        RecordExample("an offset other than Z", _json(_BARE | {"occurred_at": "2026-11-02T11:11:10.870+01:00"})),
        RecordExample("microseconds are cut off", _json(_BARE | {"occurred_at": "2026-11-02T10:11:10.870999+00:00"})),
        RecordExample(
            "CloudEvents, binary mode, everything in headers but the channel",
            _json({"channel": "web"}),
            headers=(*ce_headers, ("content-type", b"application/json")),
        ),
        RecordExample(
            "CloudEvents, binary mode, said twice alike",
            _json(_BARE),
            headers=(*ce_headers, ("content-type", b"application/json")),
        ),
        RecordExample(
            "CloudEvents, structured mode",
            _json({"specversion": "1.0"} | attributes | {"data": {"channel": "web", "object_id": "article-17"}}),
            headers=(("content-type", STRUCTURED_CONTENT_TYPE.encode()),),
        ),
    ]


def refused_records() -> list[RecordExample]:
    """One example of each mistake that is told apart by reading the record."""
    invalid = RefusalReason.INVALID
    not_json = RefusalReason.NOT_JSON
    return [
        RecordExample("no value", b"", RefusalReason.EMPTY),
        RecordExample("not JSON at all", b"contact-4711;article.read;2026-11-02", not_json),
        RecordExample("cut short", _json(_BARE)[:-20], not_json),
        RecordExample("a byte order mark", b"\xef\xbb\xbf" + _json(_BARE), not_json),
        RecordExample(
            "Latin-1 instead of UTF-8", _json(_BARE | {"object_id": "süß"}).decode().encode("latin-1"), not_json
        ),
        RecordExample("half a surrogate pair", _with("object_id", rb'"\ud83d"'), not_json),
        RecordExample("NaN", _with("rating", b"NaN"), not_json),
        RecordExample("a list of touchpoints", b"[" + _json(_BARE) + b"]", invalid),
        RecordExample(
            "no contact", _json({name: value for name, value in _BARE.items() if name != "contact_id"}), invalid
        ),
        RecordExample("no contact, said with null", _json(_BARE | {"contact_id": None}), invalid),
        RecordExample("an empty id", _json(_BARE | {"id": ""}), invalid),
        RecordExample("a number for an id", _json(_BARE | {"id": 17}), invalid),
        RecordExample("an id of 101 characters", _json(_BARE | {"id": "x" * 101}), invalid),
        RecordExample("a control character in an id", _json(_BARE | {"object_id": "article\u000017"}), invalid),
        RecordExample("yes for true", _json(_BARE | {"bot": "yes"}), invalid),
        RecordExample("a rating as text", _json(_BARE | {"rating": "75"}), invalid),
        RecordExample("a rating above 100", _json(_BARE | {"rating": 101}), invalid),
        RecordExample("a rating with a fraction", _json(_BARE | {"rating": 75.0}), invalid),
        RecordExample("a number without bounds", _with("properties", b'{"seconds":1e400}'), invalid),
        RecordExample("money as a number", _json(_BARE | {"value": {"amount": 129.9, "currency": "EUR"}}), invalid),
        RecordExample(
            "a currency by its sign", _json(_BARE | {"value": {"amount": "129.90", "currency": "€"}}), invalid
        ),
        RecordExample("a time zone as an offset", _json(_BARE | {"timezone": "+01:00"}), invalid),
        RecordExample("a time as a number", _json(_BARE | {"occurred_at": KAFKA_TIMESTAMP_MS}), invalid),
        RecordExample("a bare date", _json(_BARE | {"occurred_at": "2026-11-02"}), invalid),
        RecordExample("a week date", _json(_BARE | {"occurred_at": "2026-W45-1T10:11:10Z"}), invalid),
        RecordExample("a leap second", _json(_BARE | {"occurred_at": "2016-12-31T23:59:60Z"}), invalid),
        RecordExample("before 1970", _json(_BARE | {"occurred_at": "0001-01-01T00:00:00+23:59"}), invalid),
        RecordExample("no such day", _json(_BARE | {"occurred_at": "2026-02-30T10:11:10Z"}), invalid),
        RecordExample(
            "a time without offset", _json(_BARE | {"occurred_at": "2026-11-02T10:11:10"}), RefusalReason.NO_OFFSET
        ),
        RecordExample(
            "six minutes ahead", _json(_BARE | {"occurred_at": "2026-11-02T10:17:13Z"}), RefusalReason.FUTURE
        ),
        RecordExample("another contact's key", _json(_BARE), RefusalReason.KEY_MISMATCH, key=b"contact-4712"),
        RecordExample("no key", _json(_BARE), RefusalReason.KEY_MISMATCH, key=None),
        RecordExample("65 lists in one another", _with("properties", b"[" * 64 + b"]" * 64), RefusalReason.TOO_DEEP),
        RecordExample(
            "a CloudEvent that contradicts itself",
            _json(_BARE),
            RefusalReason.CONFLICT,
            headers=(("ce_specversion", b"1.0"), ("ce_subject", b"contact-4712")),
        ),
        RecordExample(
            "CloudEvents 0.3",
            _json(_BARE),
            invalid,
            headers=(("ce_specversion", b"0.3"), ("ce_id", b"x")),
        ),
    ]


def _json(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def _with(name: str, fragment: bytes) -> bytes:
    """The bare example with one more member, given as JSON that Python would not write."""
    return _json(_BARE)[:-1] + b',"' + name.encode() + b'":' + fragment + b"}"
