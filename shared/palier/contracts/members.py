"""The types of members that the models share: strict, and described so that JSON Schema says what Python checks."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from palier.contracts import moments
from palier.contracts.json_reading import RepeatedMembers
from palier.contracts.limits import CONTROL_CHARACTERS, LONG_NAME_LENGTH, SHORT_NAME_LENGTH

NO_OFFSET_ERROR: Final = "moment_without_offset"
"""Error type of a moment that lacks only its offset: it has a refusal reason of its own."""

MOMENT_TYPE_ERROR: Final = "moment_type"
"""Error type of a moment that is not even text."""

_MOMENT_ERROR: Final = "moment"
_CONTROL_CHARACTER_ERROR: Final = "control_character"
_TEXT_ERRORS: Final = frozenset({NO_OFFSET_ERROR, _MOMENT_ERROR, _CONTROL_CHARACTER_ERROR})

CONTROL_CHARACTER: Final = re.compile(f"[{CONTROL_CHARACTERS}]")
_MOMENT_EXAMPLE: Final = "2026-11-02T10:11:12.123Z"


class ContractModel(BaseModel):
    """A JSON object of a contract: no coercion of types, unknown members ignored, values frozen."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class InputModel(ContractModel):
    """A JSON object that upstream wrote, and in which it may have named a member twice."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_every_occurrence(cls, data: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """Of a member named twice the last counts; an earlier one must have its type and length at least.

        That is as far as the fast decoder looks at it: it checks types and lengths as it reads, texts at the end.
        """
        result = handler(data)
        if isinstance(data, RepeatedMembers):
            adapters = _member_adapters(cls)
            for name, value in data.earlier:
                if name in adapters and _is_ill_typed(adapters[name], value):
                    handler({known: data[known] for known in adapters if known in data} | {name: value})
        return result


@cache
def _member_adapters(model: type[BaseModel]) -> dict[str, TypeAdapter[Any]]:
    """A validator of each member by itself: a record may repeat a member a hundred thousand times."""
    adapters = {}
    for name, field in model.model_fields.items():
        member: Any = Annotated[field.annotation, field]
        adapters[field.alias or name] = TypeAdapter(member, config=ConfigDict(strict=True))
    return adapters


def _is_ill_typed(adapter: TypeAdapter[Any], value: object) -> bool:
    """Whether more is wrong with a value than the text it holds."""
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return any(fault["type"] not in _TEXT_ERRORS for fault in error.errors(include_url=False))
    return False


def _refuse_control_characters(text: str) -> str:
    if CONTROL_CHARACTER.search(text):
        raise PydanticCustomError(_CONTROL_CHARACTER_ERROR, "String should have no control characters")
    return text


def _read_moment(value: object) -> datetime:
    """A moment from its text, or from an aware datetime when a model is made in Python."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError(NO_OFFSET_ERROR, "Input has no offset from UTC")
        value = value.isoformat()
    if not isinstance(value, str):
        raise PydanticCustomError(MOMENT_TYPE_ERROR, "Input should be a string with a date and time of RFC 3339")
    moment_ms = moments.parse_moment(value)
    if moment_ms is None:
        trouble = moments.moment_trouble(value)
        kind = NO_OFFSET_ERROR if trouble is moments.MomentTrouble.NO_OFFSET else _MOMENT_ERROR
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
