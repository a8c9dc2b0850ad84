"""JSON read to the letter of RFC 8259, slowly: the reference the fast decoder is held against, and the reasons it lacks.

Both readers keep the same rules. Text is UTF-8 without a byte order mark and without lone surrogates; NaN and Infinity
are not JSON. Of a member named twice the last value counts, but the earlier ones must have its
type and length. A number too big to hold
(1e400, an integer of 5 000 digits) is well-formed: it is refused where a member takes numbers, and ignored where it is
not looked at.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NoReturn

from palier.contracts.limits import MAX_DEPTH, MAX_INTEGER_CHARACTERS

# Backslashes occur only inside strings, so escapes can be told apart from left to right without knowing the strings.
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
# Matches from every quote, also where the string never ends: nothing is scanned twice, whatever the bytes.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_BRACKETS: Final = b"[{]}"
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_STEPS: Final = {byte: 1 if byte in b"[{" else -1 for byte in _BRACKETS}


class NotJsonError(ValueError):
    """The bytes are not JSON in UTF-8; the message says what and where, without the text itself."""


@dataclass(frozen=True, slots=True)
class UnboundedNumber:
    """A well-formed number that no integer or finite decimal of ours holds; fits no member's type."""


class RepeatedMembers(dict[str, Any]):
    """An object in which a member was named twice.

    Attributes:
        earlier: each (name, value) that a later one of the same name replaced, in order.
    """

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        last = {name: place for place, (name, _) in enumerate(pairs)}
        self.earlier = [(name, value) for place, (name, value) in enumerate(pairs) if last[name] != place]


def read_json(value: bytes) -> Any:
    """The value as dicts (`RepeatedMembers` where a name came twice), lists, str, int, float, bool and None.

    The caller has seen to it that nesting is bounded (`is_too_deep`).

    Raises:
        NotJsonError: it is not JSON.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise NotJsonError(f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise NotJsonError("a byte order mark comes first")
    try:
        result = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
            parse_float=_read_decimal,
            object_pairs_hook=_read_object,
        )
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} (character {error.pos})") from None
    if any(escape["lone"] for escape in _ESCAPE.finditer(text)):
        raise NotJsonError("a lone surrogate is not Unicode text")
    return result


def is_too_deep(value: bytes) -> bool:
    """Whether objects and lists are nested more than 64 deep.

    Costs two counts of a byte for all but very bracketed records. To be asked before any parser that recurses: on a
    small stack such a parser ends the process.
    """
    if value.count(b"[") + value.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", value).translate(None, delete=_NO_BRACKETS)
    return any(depth > MAX_DEPTH for depth in accumulate(map(_STEPS.__getitem__, brackets)))


def _refuse_constant(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is not a number of JSON")


def _read_integer(text: str) -> int | UnboundedNumber:
    return int(text) if len(text) <= MAX_INTEGER_CHARACTERS else UnboundedNumber()


def _read_decimal(text: str) -> float | UnboundedNumber:
    number = float(text)
    return number if math.isfinite(number) else UnboundedNumber()


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedMembers(pairs)
