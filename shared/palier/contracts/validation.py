"""The slow path: the pydantic model applied to the bytes of a bare record, to say why it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from palier.contracts.json_reading import NotJsonError, UnboundedNumber, is_too_deep, read_json
from palier.contracts.limits import MAX_DEPTH, MAX_VALUE_BYTES
from palier.contracts.members import MOMENT_TYPE_ERROR, NO_OFFSET_ERROR
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.touchpoint import Touchpoint

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_MOST_ERRORS: Final = 3
_LONGEST_MEMBER: Final = 80
_JSON_TYPES: Final[dict[type, str]] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    dict: "an object",
    list: "a list",
    type(None): "null",
    UnboundedNumber: "a number out of range",
}
_EXPECTED_TYPES: Final = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "a boolean",
    "dict_type": "an object",
    "model_type": "an object",
    MOMENT_TYPE_ERROR: "a string with a date and time of RFC 3339",
}
"""What pydantic's errors of type wanted."""


def check_value(value: bytes | None) -> Refusal | None:
    """Whether a value is there, short and shallow enough to be parsed at all."""
    if not value:
        return Refusal(RefusalReason.EMPTY, "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        return Refusal(RefusalReason.TOO_LARGE, f"{len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    if is_too_deep(value):
        return Refusal(RefusalReason.TOO_DEEP, f"objects and lists are nested more than {MAX_DEPTH} deep")
    return None


def validate_touchpoint(value: bytes | None) -> Touchpoint | Refusal:
    """The whole contract of a bare record's value, by pydantic: the touchpoint, or why it is refused.

    What depends on the record around the value (key, Kafka timestamp, CloudEvents) is checked by `decoding`.
    """
    refusal = check_value(value)
    if refusal is not None:
        return refusal
    assert value is not None  # check_value refuses it
    try:
        record = read_json(value)
    except NotJsonError as error:
        return Refusal(RefusalReason.NOT_JSON, str(error))
    if not isinstance(record, dict):
        return Refusal(RefusalReason.INVALID, f"a touchpoint is an object, not {_type_of(record)}")
    try:
        return Touchpoint.model_validate(record)
    except ValidationError as error:
        return _refuse(error.errors(include_url=False, include_context=False))


def _refuse(errors: list[ErrorDetails]) -> Refusal:
    """One refusal that names the first few faults."""
    only_offset = all(error["type"] == NO_OFFSET_ERROR for error in errors)
    message = "; ".join(_describe(error) for error in errors[:_MOST_ERRORS])
    more = len(errors) - _MOST_ERRORS
    return Refusal(
        RefusalReason.NO_OFFSET if only_offset else RefusalReason.INVALID,
        f"{message}; and {more} more" if more > 0 else message,
    )


def _describe(error: ErrorDetails) -> str:
    """`member: what is wrong`; names the type of a value of the wrong type, never the value, which may be personal."""
    member = ".".join(str(part) for part in error["loc"])[:_LONGEST_MEMBER]
    kind = error["type"]
    if kind == "missing":
        return f"{member}: missing"
    if kind in _EXPECTED_TYPES:
        return f"{member}: should be {_EXPECTED_TYPES[kind]}, got {_type_of(error['input'])}"
    return f"{member}: {error['msg'].removeprefix('String ').removeprefix('Input ')}"


def _type_of(value: Any) -> str:
    """A value's type in JSON's words."""
    return next(name for kind, name in _JSON_TYPES.items() if isinstance(value, kind))
