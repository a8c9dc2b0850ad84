"""The evidence of a contribution, packed: which touchpoint it was, for the reasons of a tier change.

First a byte of flags, then a byte each that names type, source and channel, and the campaign if there is one; then the
id, the object if there is one, and the text of each name that no byte could stand for. A naming byte below 128 is a
well-known word, one up to 254 a word of the contact's own list, 255 a text at the end. A text is its length and UTF-8;
a UUID in its canonical form, as id or object, is its 16 bytes.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from palier.domain.words import NUMBERS, WELL_KNOWN

if TYPE_CHECKING:
    from palier.domain.state import ContactState
    from palier.domain.touchpoint import Touchpoint

_ID_IS_UUID: Final = 1
_HAS_OBJECT: Final = 2
_OBJECT_IS_UUID: Final = 4
_HAS_CAMPAIGN: Final = 8

_OWN: Final = 128
_SPELLED: Final = 255
_MOST_OWN: Final = _SPELLED - _OWN
_NUMBERED: Final = {word: number for word, number in NUMBERS.items() if number < _OWN}
"""The well-known words that a byte has room for."""
_LONG: Final = 255
_LENGTH: Final = Struct(">H")
_UUID_BYTES: Final = 16
_UUID_CHARACTERS: Final = 36


def pack_evidence(state: ContactState, touchpoint: Touchpoint) -> bytes:
    """The evidence of a touchpoint; may add words to the contact's list."""
    campaign, object_id = touchpoint.campaign_id, touchpoint.object_id
    words: tuple[str, ...]
    if campaign:
        words, flags = (touchpoint.type, touchpoint.source, touchpoint.channel, campaign), _HAS_CAMPAIGN
    else:
        words, flags = (touchpoint.type, touchpoint.source, touchpoint.channel), 0
    names, texts = _names(state.words, words), b""
    if _SPELLED in names:
        _list_words(state, words)
        names = _names(state.words, words)
        if _SPELLED in names:
            texts = b"".join(_text(word) for word, name in zip(words, names, strict=True) if name == _SPELLED)
    packed = _uuid(touchpoint.id)
    if packed:
        flags |= _ID_IS_UUID
    else:
        packed = _text(touchpoint.id)
    if object_id:
        of_object = _uuid(object_id) if len(object_id) == _UUID_CHARACTERS else b""
        flags |= _HAS_OBJECT | _OBJECT_IS_UUID if of_object else _HAS_OBJECT
        packed += of_object or _text(object_id)
    return bytes((flags, *names)) + packed + texts


def unpack_evidence(state: ContactState, evidence: bytes) -> tuple[str, str, str, str, str | None, str | None]:
    """Touchpoint id, source, type, channel, object and campaign."""
    flags, at = evidence[0], _end_of_names(evidence)
    names, object_id = evidence[1:at], None
    touchpoint_id, at = _read(evidence, at, is_uuid=bool(flags & _ID_IS_UUID))
    if flags & _HAS_OBJECT:
        object_id, at = _read(evidence, at, is_uuid=bool(flags & _OBJECT_IS_UUID))
    words = []
    for name in names:
        if name == _SPELLED:
            word, at = _read(evidence, at, is_uuid=False)
        else:
            word = WELL_KNOWN[name] if name < _OWN else state.words[name - _OWN]
        words.append(word)
    type_, source, channel, *campaign = words
    return touchpoint_id, source, type_, channel, object_id, campaign[0] if campaign else None


def _end_of_names(evidence: bytes) -> int:
    return 5 if evidence[0] & _HAS_CAMPAIGN else 4


def _names(own: list[str], words: tuple[str, ...]) -> list[int]:
    """The bytes that name words; _SPELLED for one that neither list has."""
    names = []
    for word in words:
        if word in _NUMBERED:
            names.append(_NUMBERED[word])
        elif word in own:
            names.append(_OWN + own.index(word))
        else:
            names.append(_SPELLED)
    return names


def _list_words(state: ContactState, words: tuple[str, ...]) -> None:
    """New words join the contact's list while there is room; those go that no evidence names any more."""
    if state.words:
        _collect(state)
    own = state.words
    for word in words:
        if word not in _NUMBERED and word not in own and len(own) < _MOST_OWN:
            own.append(word)


def _collect(state: ContactState) -> None:
    """Forgets the words that no evidence names any more."""
    # Every new word comes by here, so the end of the names is not asked for by a call each.
    named = b"".join([packed[1 : 5 if packed[0] & _HAS_CAMPAIGN else 4] for packed in state.evidence.values()])
    used = [name for name in range(_OWN, _OWN + len(state.words)) if name in named]
    if len(used) < len(state.words):
        renumbered = bytearray(range(256))
        for place, name in enumerate(used):
            renumbered[name] = _OWN + place
        state.words = [state.words[name - _OWN] for name in used]
        for slot, packed in state.evidence.items():
            end = _end_of_names(packed)
            state.evidence[slot] = packed[:1] + packed[1:end].translate(renumbered) + packed[end:]


def _uuid(text: str) -> bytes:
    """The 16 bytes of a UUID in its canonical form; of any other text none."""
    if len(text) == _UUID_CHARACTERS and text[8:24:5] == "----":
        digits = text.replace("-", "")
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            return b""
        # Python reads more than the canonical form: capitals, blanks, and fewer digits where there are more dashes.
        if len(value) == _UUID_BYTES and value.hex() == digits:
            return value
    return b""


def _text(text: str) -> bytes:
    encoded = text.encode()
    length = len(encoded)
    return (bytes((length,)) if length < _LONG else b"\xff" + _LENGTH.pack(length)) + encoded


def _read(evidence: bytes, at: int, *, is_uuid: bool) -> tuple[str, int]:
    """The text at a position, and the position after it."""
    if is_uuid:
        end = at + _UUID_BYTES
        digits = evidence[at:end].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}", end
    length = evidence[at]
    at += 1
    if length == _LONG:
        (length,) = _LENGTH.unpack_from(evidence, at)
        at += 2
    return evidence[at : at + length].decode(), at + length
