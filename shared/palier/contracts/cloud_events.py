"""CloudEvents 1.0 as input: binary mode (ce_ headers) and structured mode (an envelope around `data`) made bare.

Five attributes stand for members of a touchpoint. A member missing from `data` is taken from its attribute; one that is
there must say the same, and so must a header and an envelope that name the same attribute. What comes out is a bare
object in JSON, which is then decoded like any other: limits and types are checked in one place only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from palier.contracts.moments import parse_moment
from palier.contracts.refusal import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from palier.contracts.records import Header

MEMBERS: Final = {"id": "id", "source": "source", "type": "type", "time": "occurred_at", "subject": "contact_id"}
"""Attribute of CloudEvents -> the member of a touchpoint it stands for."""

STRUCTURED_CONTENT_TYPE: Final = "application/cloudevents+json"
_EVENT_CONTENT_TYPE: Final = "application/cloudevents"
_SPECIFICATION_VERSION: Final = "1.0"

_NULL: Final = msgspec.Raw(b"null")
_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text: Final[Callable[[bytes | msgspec.Raw], str | None]] = msgspec.json.Decoder(str | None).decode
_check_syntax: Final = msgspec.json.Decoder(msgspec.Raw).decode
_encode: Final = msgspec.json.Encoder().encode


class _RefusedError(Exception):
    """Carries a refusal out of the steps below."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message)


@dataclass(slots=True)
class _Event:
    """What is known of one CloudEvent so far.

    Attributes:
        structured: the value is an envelope.
        attributes: text of each attribute that stands for a member, under the member's name.
    """

    structured: bool = False
    attributes: dict[str, str] = field(default_factory=dict)

    def take(self, attribute: str, text: str) -> None:
        """Add what one header or envelope says of an attribute."""
        if attribute == "specversion" and text != _SPECIFICATION_VERSION:
            raise _RefusedError(RefusalReason.INVALID, "specversion: only CloudEvents 1.0 are read")
        member = MEMBERS.get(attribute)
        if member is None:
            return
        if _differ(member, self.attributes.setdefault(member, text), text):
            raise _RefusedError(RefusalReason.CONFLICT, f"{attribute}: the CloudEvent says two different things")


def is_cloud_event(headers: Sequence[Header]) -> bool:
    """Whether the headers make a record a CloudEvent: a `ce_` header, or the content type of an envelope."""
    for name, content in headers:
        if name.startswith("ce_"):
            return True
        if name.lower() == "content-type" and content and content.lower().startswith(_EVENT_CONTENT_TYPE.encode()):
            return True
    return False


def to_bare(value: bytes, headers: Sequence[Header]) -> bytes | Refusal:
    """The bare touchpoint that a CloudEvent carries, as JSON; its limits and types are yet to be checked.

    A value that is no CloudEvent comes back as it is. Size and depth have been checked by the caller.
    """
    try:
        event = _read_headers(headers)
        members = _read_object(value, "the value")
        if event.structured or ("specversion" in members and "data" in members):
            members = _open_envelope(event, members)
        elif not event.attributes:
            return value
        _fill(members, event.attributes)
    except _RefusedError as error:
        return error.refusal
    return _encode(members)


def _read_headers(headers: Sequence[Header]) -> _Event:
    """What the headers say. One without a value says nothing."""
    event = _Event()
    for name, content in headers:
        is_attribute = name.startswith("ce_")
        if content is None or not (is_attribute or name.lower() == "content-type"):
            continue
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise _RefusedError(RefusalReason.INVALID, f"header {name[:100]}: not UTF-8") from None
        if is_attribute:
            event.take(name.removeprefix("ce_"), text)
        elif text.lower().startswith(_EVENT_CONTENT_TYPE):
            event.structured = text.partition(";")[0].strip().lower() == STRUCTURED_CONTENT_TYPE
            if not event.structured:
                raise _RefusedError(
                    RefusalReason.INVALID, f"content-type: of events only {STRUCTURED_CONTENT_TYPE} is read"
                )
    return event


def _open_envelope(event: _Event, envelope: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The members of `data`; the envelope's attributes are added to the event."""
    if "specversion" not in envelope:
        raise _RefusedError(RefusalReason.INVALID, "specversion: missing from the CloudEvent")
    for attribute in ("specversion", *MEMBERS):
        text = _read_text(envelope, attribute)
        if text is not None:
            event.take(attribute, text)
    if "data_base64" in envelope:
        raise _RefusedError(RefusalReason.INVALID, "data_base64: data must be a JSON object")
    return _read_object(envelope.get("data", _NULL), "data")


def _fill(members: dict[str, msgspec.Raw], attributes: dict[str, str]) -> None:
    """Give each missing (or null) member its attribute, and hold the others against theirs."""
    for member, text in attributes.items():
        own = _read_text(members, member)
        if own is None:
            members[member] = msgspec.Raw(_encode(text))
        elif _differ(member, own, text):
            raise _RefusedError(RefusalReason.CONFLICT, f"{member}: differs from its CloudEvents attribute")


def _read_object(value: bytes | msgspec.Raw, what: str) -> dict[str, msgspec.Raw]:
    """An object's members, each still JSON."""
    try:
        str(value, "utf-8")
        try:
            return _decode_object(value)
        except msgspec.ValidationError:
            _check_syntax(value)  # msgspec reads no further than to the first byte that is not an object's
            raise _RefusedError(RefusalReason.INVALID, f"{what}: not an object") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _RefusedError(RefusalReason.NOT_JSON, str(error)) from None


def _read_text(members: dict[str, msgspec.Raw], name: str) -> str | None:
    """A member that must be a string; None when it is null or absent."""
    try:
        return _decode_text(members.get(name, _NULL))
    except msgspec.ValidationError:
        raise _RefusedError(RefusalReason.INVALID, f"{name}: not a string") from None


def _differ(member: str, one: str, other: str) -> bool:
    """Whether two texts for a member mean different things; a moment may be written in several ways."""
    if one == other:
        return False
    return member != "occurred_at" or parse_moment(one) is None or parse_moment(one) != parse_moment(other)
