"""The record of one contact in the changelog: MessagePack of a version and the state's fields, in one call each way."""

from __future__ import annotations

import struct
from typing import Any, Final

import msgspec

from palier.domain.limits import NEVER
from palier.domain.older_states import add_marks
from palier.domain.state import FIELDS, NO_PACK, ContactState
from palier.errors import DataError

STATE_VERSION: Final = 3
"""Raised by every change of the fields or of their meaning; older versions are read, newer ones refused.

1: the first. 2: `pack_version` at the end. 3: `marks` and what follows it; rows of caps with a mark each.
"""

_LONGEST_STUB: Final = 3
_FIELDS_OF_2: Final = FIELDS.index("pack_version") + 1


class StateHead(msgspec.Struct, array_like=True, gc=False):
    """The first members of an encoded state. Of a stub there are no more than these: its placement stands at `layout`."""

    version: int
    sequence: int
    erased_at: int
    layout: int | str | None = None  # a WordRef
    as_of: int = NEVER
    ahead: int = 0
    scores: msgspec.Raw = msgspec.Raw()
    reset_at: msgspec.Raw = msgspec.Raw()
    earned: int = 0
    held: int = 0
    headline: int | str = 0  # a WordRef

    @property
    def is_erased(self) -> bool:
        """As ContactState says it."""
        return self.as_of == NEVER and self.erased_at != NEVER

    @property
    def placement(self) -> int | None:
        """Of a stub."""
        return self.layout if isinstance(self.layout, int) else None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode
_decode_head: Final = msgspec.msgpack.Decoder(StateHead).decode


class UnknownStateVersionError(DataError):
    """The state was written by a newer Palier: this one would lose what it does not understand."""


def encode_state(state: ContactState) -> bytes:
    """The bytes a contact rests in. The same state gives the same bytes."""
    return _encode((STATE_VERSION, *state.to_fields()))


def decode_state(data: bytes) -> ContactState:
    """The state that `encode_state` was given, by this version or an older one.

    Raises:
        UnknownStateVersionError: written by a newer version.
        DataError: not a state.
    """
    try:
        version, *fields = _decode(data)
        if version == STATE_VERSION:
            return ContactState.from_fields(fields)
        if version in (1, 2):
            return _from_older(fields if version == 2 or len(fields) <= _LONGEST_STUB else [*fields, NO_PACK])
    except (msgspec.DecodeError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"a contact's state of {len(data)} bytes is damaged: {error}") from error
    raise _of_another_version(version)


def decode_head(data: bytes) -> StateHead:
    """What a state begins with; the rest is only seen to be there, which takes a twentieth of the time.

    Raises:
        UnknownStateVersionError: written by a newer version.
        DataError: not a state.
    """
    try:
        head = _decode_head(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        decode_state(data)  # says it best, if a newer version wrote it
        raise DataError(f"a contact's state of {len(data)} bytes is damaged: {error}") from error
    if 1 <= head.version <= STATE_VERSION:  # so far all versions begin alike
        return head
    raise _of_another_version(head.version)


def _from_older(fields: list[Any]) -> ContactState:
    """Of versions 1 and 2, the first with `pack_version` added.

    Raises:
        ValueError: not a state.
    """
    if len(fields) <= _LONGEST_STUB:
        return ContactState.from_fields(fields)
    fresh = ContactState.new()
    state = ContactState.from_fields([*fields, *(getattr(fresh, name) for name in FIELDS[_FIELDS_OF_2:])])
    try:
        add_marks(state)
    except (LookupError, AttributeError, ArithmeticError, struct.error) as error:
        raise ValueError(str(error)) from error
    return state


def _of_another_version(version: object) -> DataError:
    if isinstance(version, int) and version > STATE_VERSION:
        return UnknownStateVersionError(
            f"a contact's state has version {version}, this Palier reads up to {STATE_VERSION}: run the newer one"
        )
    return DataError(f"a contact's state begins with {version!r}, not with a version")
