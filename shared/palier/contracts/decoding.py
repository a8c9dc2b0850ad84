"""The hot path from a record's bytes to a touchpoint of the domain, every check of the contract included.

msgspec decodes and checks types and lengths; what it leaves open is checked here, cheapest test first. What it refuses
goes to pydantic for the reason. Both accept and refuse the same bytes (tests/contracts prove it); should they ever
differ, the record is refused: nothing passes that one of them would not let through.

To be called on a thread with a full-size stack: msgspec recurses once per level of nesting, at most 64 here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from palier.contracts.cloud_events import is_cloud_event, to_bare
from palier.contracts.crawlers import is_declared_crawler
from palier.contracts.limits import (
    AMOUNT,
    CURRENCY,
    FUTURE_TOLERANCE_MS,
    LONG_NAME_LENGTH,
    MAX_VALUE_BYTES,
    SHORT_NAME_LENGTH,
    TIMEZONE,
)
from palier.contracts.members import CONTROL_CHARACTER
from palier.contracts.moments import parse_moment
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.validation import check_value, validate_touchpoint
from palier.domain.touchpoint import Touchpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.contracts.records import Header

# Looking for a byte by its number is six times as quick as by a bytes of length one.
_LIST: Final = ord("[")
_BACKSLASH: Final = ord("\\")
_DELETE: Final = 0x7F

_ShortName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=SHORT_NAME_LENGTH)]
_LongName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONG_NAME_LENGTH)]


class _Money(msgspec.Struct, gc=False):
    amount: Annotated[str, Meta(pattern=rf"^(?:{AMOUNT})\Z")]
    currency: Annotated[str, Meta(pattern=rf"^(?:{CURRENCY})\Z")]


class _Record(msgspec.Struct, gc=False):
    """A bare record. Members that the fold does not need are here so that they are checked."""

    id: _ShortName
    source: _ShortName
    type: _ShortName
    channel: _ShortName
    contact_id: _LongName
    occurred_at: str
    object_id: _LongName | None = None
    campaign_id: _LongName | None = None
    rating: Annotated[int, Meta(ge=0, le=100)] | None = None
    value: _Money | None = None
    bot: bool | None = None
    timezone: Annotated[str, Meta(pattern=rf"^(?:{TIMEZONE})\Z")] | None = None
    user_agent: str | None = None
    properties: dict[str, object] | None = None
    # Both at once: an envelope of CloudEvents, not a bare record with two unknown members.
    specversion: msgspec.Raw | UnsetType = UNSET
    data: msgspec.Raw | UnsetType = UNSET


def _read_decimal(text: str) -> float:
    """A decimal in `properties`; Python's own reading, as pydantic's side uses it, and quick on every input."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


_decode_record: Final = msgspec.json.Decoder(_Record, float_hook=_read_decimal).decode


def decode_touchpoint(
    value: bytes | None, key: bytes | None, timestamp_ms: int, headers: Sequence[Header]
) -> Touchpoint | Refusal:
    """The touchpoint that a Kafka record carries, or why it is refused. Raises on no bytes whatever.

    Args:
        value: the record's value, decompressed.
        key: the record's key; must be `contact_id` in UTF-8.
        timestamp_ms: the record's Kafka timestamp, milliseconds since the epoch.
        headers: the record's headers, in order.
    """
    is_event = headers and is_cloud_event(headers)
    touchpoint = _decode_event(value, headers) if is_event else _decode_value(value)
    if isinstance(touchpoint, Refusal):
        return touchpoint
    if touchpoint.contact_id.encode() != key:
        return _refuse_key(key)
    if touchpoint.occurred_at > timestamp_ms + FUTURE_TOLERANCE_MS:
        return _refuse_future(touchpoint.occurred_at, timestamp_ms, "the record's Kafka timestamp")
    return touchpoint


def decode_line(line: bytes, latest_ms: int) -> Touchpoint | Refusal:
    """The touchpoint on a line of JSON, or why it is refused. A line has no key and no Kafka timestamp.

    Args:
        line: one JSON object, with or without its line end.
        latest_ms: milliseconds since the epoch; `occurred_at` may lie up to 5 minutes after it.
    """
    touchpoint = _decode_value(line)
    if not isinstance(touchpoint, Refusal) and touchpoint.occurred_at > latest_ms + FUTURE_TOLERANCE_MS:
        return _refuse_future(touchpoint.occurred_at, latest_ms, "the latest moment allowed")
    return touchpoint


def _decode_value(value: bytes | None) -> Touchpoint | Refusal:
    """What a value without headers of CloudEvents carries: a bare record, or an envelope."""
    # Without a list or a second object there is no depth to measure: most records.
    if not value or len(value) > MAX_VALUE_BYTES or _LIST in value or value.rfind(b"{") > 0:
        refusal = check_value(value)
        if refusal is not None:
            return refusal
    assert value is not None  # check_value refuses it
    try:
        record = _decode_record(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _decode_event(value, ()) if _may_be_envelope(value) else _refuse_value(value)
    if record.data is not UNSET and record.specversion is not UNSET:
        return _decode_event(value, ())
    return _read_record(record, value) or _refuse_value(value)


def _decode_event(value: bytes | None, headers: Sequence[Header]) -> Touchpoint | Refusal:
    """What a CloudEvent carries."""
    refusal = check_value(value)
    if refusal is not None:
        return refusal
    assert value is not None  # check_value refuses it
    bare = to_bare(value, headers)
    if isinstance(bare, Refusal):
        # Syntax has one wording, pydantic's reader's, whatever the record is wrapped in.
        return _refuse_value(value) if bare.reason is RefusalReason.NOT_JSON else bare
    try:
        return _read_record(_decode_record(bare), bare) or _refuse_value(bare)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _refuse_value(bare)


def _read_record(record: _Record, value: bytes) -> Touchpoint | None:
    """The touchpoint of a decoded record once all that types and lengths leave open holds, else None."""
    occurred_at = parse_moment(record.occurred_at)
    if occurred_at is None:
        return None
    # In ASCII without backslash and DEL there is neither a control character nor ill-formed UTF-8: most records.
    if (_BACKSLASH in value or _DELETE in value or not value.isascii()) and not _is_clean(record, value):
        return None
    return Touchpoint(
        record.id,
        record.source,
        record.type,
        record.channel,
        record.contact_id,
        occurred_at,
        record.object_id,
        record.campaign_id,
        record.rating,
        record.bot is True,
        record.user_agent is not None and is_declared_crawler(record.user_agent),
        record.properties,
    )


def _is_clean(record: _Record, value: bytes) -> bool:
    """Whether no name holds a control character, and the value is UTF-8 also where msgspec did not look."""
    try:
        str(value, "utf-8")
    except UnicodeDecodeError:
        return False
    names = f"{record.id}{record.source}{record.type}{record.channel}{record.contact_id}"
    names += f"{record.object_id or ''}{record.campaign_id or ''}"
    return names.isprintable() or CONTROL_CHARACTER.search(names) is None


def _may_be_envelope(value: bytes) -> bool:
    """Whether a refused value is worth a look: an object with both names, or with escapes that may spell them."""
    named = b"\\u" in value or (b'"specversion"' in value and b'"data"' in value)
    return named and value.lstrip().startswith(b"{")


def _refuse_value(value: bytes) -> Refusal:
    """Why a bare record is refused, in pydantic's words."""
    verdict = validate_touchpoint(value)
    if isinstance(verdict, Refusal):
        return verdict
    return Refusal(RefusalReason.INVALID, "refused by the fast decoder alone; please report it")


def _refuse_key(key: bytes | None) -> Refusal:
    what = "no key" if key is None else "another key"
    return Refusal(RefusalReason.KEY_MISMATCH, f"the record has {what}; it must be contact_id in UTF-8")


def _refuse_future(occurred_at: int, latest_ms: int, what: str) -> Refusal:
    ahead = (occurred_at - latest_ms) / 1000
    return Refusal(RefusalReason.FUTURE, f"occurred_at: {ahead:.0f} s after {what}; at most 300 s are allowed")
