"""The types of members that the models share: strict, and described so that JSON Schema says what Python checks."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from palier.contracts import moments
from palier.contracts.json_reading import RepeatedMembers
from palier.contracts.limits import CONTROL_CHARACTERS, LONG_NAME_LENGTH, SHORT_NAME_LENGTH

NO_OFFSET_ERROR: Final = "moment_without_offset"
"""Error type of a moment that lacks only its offset: it has a refusal reason of its own."""

CONTROL_CHARACTER: Final = re.compile(f"[{CONTROL_CHARACTERS}]")
_MOMENT_EXAMPLE: Final = "2026-11-02T10:11:12.123Z"


class ContractModel(BaseModel):
    """A JSON object of a contract: no coercion of types, unknown members ignored, values frozen."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    @model_validator(mode="wrap")
    @classmethod
    def _check_every_occurrence(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """Of a member named twice the last value counts, but every one must be valid."""
        if isinstance(data, RepeatedMembers):
            for name, value in data.earlier:
                handler({**data, name: value})
        return handler(data)


def _refuse_control_characters(text: str) -> str:
    if CONTROL_CHARACTER.search(text):
        raise PydanticCustomError("control_character", "String should have no control characters")
    return text


def _read_moment(value: object) -> datetime:
    """A moment from its text, or from an aware datetime when a model is made in Python."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError(NO_OFFSET_ERROR, "Input has no offset from UTC")
        value = value.isoformat()
    if not isinstance(value, str):
        raise PydanticCustomError("moment_type", "Input should be a string with a date and time of RFC 3339")
    moment_ms = moments.parse_moment(value)
    if moment_ms is None:
        trouble = moments.moment_trouble(value)
        kind = NO_OFFSET_ERROR if trouble is moments.MomentTrouble.NO_OFFSET else "moment"
        raise PydanticCustomError(kind, "Input {trouble}", {"trouble": trouble.value})
    return moments.to_datetime(moment_ms)


def _write_moment(moment: datetime) -> str:
    return moments.format_moment(moments.to_milliseconds(moment))


_NO_CONTROL_CHARACTERS: Final = {"pattern": f"^[^{CONTROL_CHARACTERS}]*$"}

ShortName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=SHORT_NAME_LENGTH, json_schema_extra=_NO_CONTROL_CHARACTERS),
    AfterValidator(_refuse_control_characters),
]
"""A name given by upstream, without control characters."""

LongName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=LONG_NAME_LENGTH, json_schema_extra=_NO_CONTROL_CHARACTERS),
    AfterValidator(_refuse_control_characters),
]
"""The same, longer: contacts, objects and campaigns are often named by URLs or hashes."""

Moment: TypeAlias = Annotated[
    datetime,
    PlainValidator(_read_moment),
    PlainSerializer(_write_moment, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{moments.RFC_3339}$"}),
    Field(examples=[_MOMENT_EXAMPLE]),
]
"""RFC 3339 with an offset, years 1970 to 2100, cut to milliseconds; an aware datetime (UTC) in Python."""
