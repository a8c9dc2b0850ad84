"""The record of one contact in the changelog: MessagePack of a version and the state's fields, in one call each way."""

from __future__ import annotations

from typing import Final

import msgspec

from palier.domain.state import ContactState
from palier.errors import DataError

STATE_VERSION: Final = 1
"""Raised by every change of the fields or of their meaning; older versions are read, newer ones refused."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder().decode


class UnknownStateVersionError(DataError):
    """The state was written by a newer Palier: this one would lose what it does not understand."""


def encode_state(state: ContactState) -> bytes:
    """The bytes a contact rests in. The same state gives the same bytes."""
    return _encode((STATE_VERSION, *state.to_fields()))


def decode_state(data: bytes) -> ContactState:
    """The state that `encode_state` was given.

    Raises:
        UnknownStateVersionError: written by a newer version.
        DataError: not a state.
    """
    try:
        version, *fields = _decode(data)
        if version == STATE_VERSION:
            return ContactState.from_fields(fields)
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise DataError(f"a contact's state of {len(data)} bytes is damaged: {error}") from error
    if isinstance(version, int) and version > STATE_VERSION:
        raise UnknownStateVersionError(
            f"a contact's state has version {version}, this Palier reads up to {STATE_VERSION}: run the newer one"
        )
    raise DataError(f"a contact's state begins with {version!r}, not with a version")
