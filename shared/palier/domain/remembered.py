"""Step 1: which touchpoints a contact has had already.

The list is bytes: rows of 12, in order of arrival, each the 8-byte digest of a touchpoint's source and id and the low
32 bits of its time. Rows are at most weeks apart (`remember` sees to that), so 32 bits of milliseconds, which turn
over every 49 days, tell an expired row from a fresh one.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Final

from palier.domain.limits import LATENESS_MS, REMEMBERED_IDS

if TYPE_CHECKING:
    from palier.domain.state import ContactState

_DIGEST: Final = 8
_BLANK: Final = blake2b(digest_size=_DIGEST)
"""Copying it costs half of making another."""
_ROW: Final = Struct(">8sI")
_LOW: Final = Struct(">I")
_LOW_32_BITS: Final = 0xFFFF_FFFF
_HALF_TURN: Final = 0x8000_0000


def digest_of(source: str, touchpoint_id: str) -> bytes:
    """8 bytes that stand for the pair. The source's length keeps ("a", "bc") apart from ("ab", "c")."""
    hasher = _BLANK.copy()
    hasher.update(f"{len(source)}:{source}{touchpoint_id}".encode())
    return hasher.digest()


def is_remembered(state: ContactState, digest: bytes) -> bool:
    """The touchpoint came before, and is not forgotten yet."""
    rows = state.remembered
    at = rows.find(digest)
    while at >= 0:
        if at % _ROW.size == 0 and not _is_expired(rows, at, state.as_of - state.ahead - LATENESS_MS):
            return True
        at = rows.find(digest, at + 1)
    return False


def remember(state: ContactState, digest: bytes, occurred_at: int, elapsed: int) -> None:
    """The end of step 6: adds the touchpoint unless it is late, then forgets.

    `elapsed` is how far the step has moved the newest touchpoint. Forgotten are rows older than `as_of` less the
    lateness limit, then the first-arrived beyond 128. Expired rows that arrived after a fresh one may stay on: they
    are neither found nor counted.
    """
    start = state.as_of - LATENESS_MS
    rows = state.remembered
    if elapsed > LATENESS_MS:
        rows = b""  # whatever was in it is older than the touchpoint before this one
    if occurred_at >= start:
        rows += _ROW.pack(digest, occurred_at & _LOW_32_BITS)
    while rows and _is_expired(rows, 0, start):
        rows = rows[_ROW.size :]
    if len(rows) > REMEMBERED_IDS * _ROW.size:
        rows = b"".join(
            rows[at : at + _ROW.size] for at in range(0, len(rows), _ROW.size) if not _is_expired(rows, at, start)
        )[-REMEMBERED_IDS * _ROW.size :]
    state.remembered = rows


def _is_expired(rows: bytes, at: int, start: int) -> bool:
    """The row's time lies before `start`, both taken modulo 2**32."""
    low: int = _LOW.unpack_from(rows, at + _DIGEST)[0]
    return (low - start) & _LOW_32_BITS >= _HALF_TURN
