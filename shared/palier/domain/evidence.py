"""The evidence of a contribution, packed: which touchpoint it was, for the reasons of a tier change.

A record of `state.strongest` is a row (contributions.py), then four bytes that name type, source, channel and
campaign, then id and object as texts, then those of the four that no byte could name. A naming byte below 128 is a
well-known word, up to 254 a word of the contact's own list, 255 a text at the end. A text is its length and UTF-8; a
UUID in canonical form takes 16 bytes.
"""

from __future__ import annotations

import re
from struct import Struct
from typing import TYPE_CHECKING, Final
from uuid import UUID

from palier.domain.words import NUMBERS, WELL_KNOWN

if TYPE_CHECKING:
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

_OWN: Final = 128
_SPELLED: Final = 255
_UUID: Final = 254
_LONG: Final = 255
_LENGTH: Final = Struct(">H")
_CANONICAL_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def pack_evidence(state: ContactState, touchpoint: Touchpoint) -> bytes:
    """The evidence of a touchpoint; may add words to the contact's list."""
    spelled = b""
    names = []
    for word in (touchpoint.type, touchpoint.source, touchpoint.channel, touchpoint.campaign_id or ""):
        name = _name(state, word)
        names.append(name)
        if name == _SPELLED:
            spelled += _text(word)
    return bytes(names) + _text(touchpoint.id) + _text(touchpoint.object_id or "") + spelled


def unpack_evidence(state: ContactState, evidence: bytes) -> tuple[str, str, str, str, str | None, str | None]:
    """Touchpoint id, source, type, channel, object and campaign."""
    touchpoint_id, at = _read_text(evidence, 4)
    object_id, at = _read_text(evidence, at)
    words = []
    for name in evidence[:4]:
        if name == _SPELLED:
            word, at = _read_text(evidence, at)
        else:
            word = WELL_KNOWN[name] if name < _OWN else state.words[name - _OWN]
        words.append(word)
    type_, source, channel, campaign_id = words
    return touchpoint_id, source, type_, channel, object_id or None, campaign_id or None


def _name(state: ContactState, word: str) -> int:
    """The byte that names a word."""
    number = NUMBERS.get(word, _OWN)
    if number < _OWN:
        return number
    words = state.words
    if word in words:
        return _OWN + words.index(word)
    if len(words) >= _SPELLED - _OWN:
        return _SPELLED
    words.append(word)
    return _OWN + len(words) - 1


def _text(text: str) -> bytes:
    if len(text) == 36 and _CANONICAL_UUID.fullmatch(text):
        return b"\xfe" + bytes.fromhex(text.replace("-", ""))
    encoded = text.encode()
    if len(encoded) < _UUID:
        return bytes((len(encoded),)) + encoded
    return b"\xff" + _LENGTH.pack(len(encoded)) + encoded


def _read_text(evidence: bytes, at: int) -> tuple[str, int]:
    """The text at a position, and the position after it."""
    length = evidence[at]
    at += 1
    if length == _UUID:
        return str(UUID(bytes=evidence[at : at + 16])), at + 16
    if length == _LONG:
        (length,) = _LENGTH.unpack_from(evidence, at)
        at += 2
    return evidence[at : at + length].decode(), at + length
