"""The verdict on a whole record by Python's json and pydantic alone: what the fast decoder must agree with.

Written from the contract, for reading and not for speed; shares with the fast decoder neither msgspec nor its reading of
CloudEvents, of depth and of moments.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from palier.contracts.crawlers import is_declared_crawler
from palier.contracts.json_reading import NotJsonError, read_json
from palier.contracts.members import NO_OFFSET_ERROR
from palier.contracts.moments import to_milliseconds
from palier.contracts.refusal import RefusalReason
from palier.contracts.touchpoint import Touchpoint as Model
from palier.domain.touchpoint import Touchpoint

if TYPE_CHECKING:
    from fuzz.cases import Case

TOLERANCE_MS = 5 * 60_000
MOST_BYTES = 1 << 20
DEEPEST = 64
STANDS_FOR = {"id": "id", "source": "source", "type": "type", "time": "occurred_at", "subject": "contact_id"}
_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)


class _RefusedError(Exception):
    """Carries the reason out of the steps below."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason)
        self.reason = reason


def reference_verdict(case: Case, *, as_line: bool = False) -> Touchpoint | RefusalReason:
    """The touchpoint of a record, or why it is refused; of a line, which has no key, only value and moment count."""
    try:
        touchpoint = as_domain(_validated(_members_of(case)))
    except _RefusedError as error:
        return error.reason
    if not as_line and (case.key is None or touchpoint.contact_id.encode() != case.key):
        return RefusalReason.KEY_MISMATCH
    return RefusalReason.FUTURE if touchpoint.occurred_at > case.timestamp_ms + TOLERANCE_MS else touchpoint


def as_domain(model: Model) -> Touchpoint:
    """What the fold reads of the contract's model."""
    return Touchpoint(
        id=model.id,
        source=model.source,
        type=model.type,
        channel=model.channel,
        contact_id=model.contact_id,
        occurred_at=to_milliseconds(model.occurred_at),
        object_id=model.object_id,
        campaign_id=model.campaign_id,
        rating=model.rating,
        bot=bool(model.bot),
        crawler=model.user_agent is not None and is_declared_crawler(model.user_agent),
        properties=model.properties,
    )


def reference_moment(text: str) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 text of the years 1970 to 2100, by the calendar's own arithmetic."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    digits, sign, offset_hours, offset_minutes = match.groups()[6:]
    if hour > 23 or minute > 59 or second > 59 or int(offset_hours or 0) > 23 or int(offset_minutes or 0) > 59:
        return None
    try:
        days = (date(year, month, day) - date(1970, 1, 1)).days
    except ValueError:
        return None
    minutes = (days * 24 + hour) * 60 + minute
    offset = int(offset_hours or 0) * 60 + int(offset_minutes or 0)
    minutes += offset if sign == "-" else -offset
    moment = (minutes * 60 + second) * 1000 + int((digits or "")[:3].ljust(3, "0"))
    return moment if 0 <= moment < (date(2101, 1, 1) - date(1970, 1, 1)).days * 86_400_000 else None


def depth_of(value: bytes) -> int:
    """Most objects and lists open at once, also of bytes that are no JSON: a bracket counts outside of strings.

    0 where there are too few brackets to be too deep.
    """
    if value.count(b"[") + value.count(b"{") <= DEEPEST:
        return 0
    depth = deepest = 0
    in_string = escaped = False
    for byte in value:
        if in_string:
            in_string = escaped or byte != ord('"')
            escaped = not escaped and byte == ord("\\")
        elif byte == ord('"'):
            in_string, escaped = True, False
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _members_of(case: Case) -> object:
    """What is to be a bare record: the value, or what a CloudEvent makes of it."""
    if not case.value:
        raise _RefusedError(RefusalReason.EMPTY)
    if len(case.value) > MOST_BYTES:
        raise _RefusedError(RefusalReason.TOO_LARGE)
    if depth_of(case.value) > DEEPEST:
        raise _RefusedError(RefusalReason.TOO_DEEP)
    structured, said = _read_headers(case.headers)
    try:
        record = read_json(case.value)
    except NotJsonError:
        raise _RefusedError(RefusalReason.NOT_JSON) from None
    if not isinstance(record, dict):
        raise _RefusedError(RefusalReason.INVALID)
    if structured or record.keys() >= {"specversion", "data"}:
        record = _open_envelope(record, said)
    elif not said:
        return record
    return _filled(dict(record), said)


def _read_headers(headers: tuple[tuple[str, bytes | None], ...]) -> tuple[bool, dict[str, str]]:
    """Whether they announce an envelope, and what they say of members."""
    structured, said = False, {}
    if not any(_makes_an_event(name, content) for name, content in headers):
        return False, said
    for name, content in headers:
        if content is None or not (name.startswith("ce_") or name.lower() == "content-type"):
            continue
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise _RefusedError(RefusalReason.INVALID) from None
        if name.startswith("ce_"):
            _say(said, name[3:], text)
        elif text.lower().startswith("application/cloudevents"):
            if text.split(";")[0].strip().lower() != "application/cloudevents+json":
                raise _RefusedError(RefusalReason.INVALID)
            structured = True
    return structured, said


def _makes_an_event(name: str, content: bytes | None) -> bool:
    is_type = name.lower() == "content-type" and (content or b"").lower().startswith(b"application/cloudevents")
    return is_type or name.startswith("ce_")


def _say(said: dict[str, str], attribute: str, text: str) -> None:
    if attribute == "specversion" and text != "1.0":
        raise _RefusedError(RefusalReason.INVALID)
    member = STANDS_FOR.get(attribute)
    if member is not None and not _mean_the_same(member, said.setdefault(member, text), text):
        raise _RefusedError(RefusalReason.CONFLICT)


def _open_envelope(envelope: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    if "specversion" not in envelope:
        raise _RefusedError(RefusalReason.INVALID)
    for attribute in ("specversion", *STANDS_FOR):
        text = _text_of(envelope, attribute)
        if text is not None:
            _say(said, attribute, text)
    if "data_base64" in envelope or not isinstance(envelope.get("data"), dict):
        raise _RefusedError(RefusalReason.INVALID)
    return envelope["data"]


def _filled(members: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    for member, text in said.items():
        own = _text_of(members, member)
        if own is None:
            members[member] = text
        elif not _mean_the_same(member, own, text):
            raise _RefusedError(RefusalReason.CONFLICT)
    return members


def _text_of(members: dict[str, Any], name: str) -> str | None:
    text = members.get(name)
    if text is None or isinstance(text, str):
        return text
    raise _RefusedError(RefusalReason.INVALID)


def _mean_the_same(member: str, one: str, other: str) -> bool:
    if one == other:
        return True
    moment = reference_moment(one) if member == "occurred_at" else None
    return moment is not None and moment == reference_moment(other)


def _validated(members: object) -> Model:
    try:
        return Model.model_validate(members)
    except ValidationError as error:
        lacks_offset = all(fault["type"] == NO_OFFSET_ERROR for fault in error.errors(include_url=False))
        raise _RefusedError(RefusalReason.NO_OFFSET if lacks_offset else RefusalReason.INVALID) from None
