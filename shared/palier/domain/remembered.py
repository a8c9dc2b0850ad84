"""Step 1: which touchpoints a contact has had already.

The list is bytes: rows of 12, in order of arrival, each the 8-byte digest of a touchpoint's source and id and the low
32 bits of its time. Rows are at most weeks apart (`remember` sees to that), so 32 bits of milliseconds, which turn
over every 49 days, tell an expired row from a fresh one.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Final

from palier.domain.limits import LATENESS_MS, REMEMBERED_IDS

if TYPE_CHECKING:
    from palier.domain.state import ContactState

_DIGEST: Final = 8
_ROW: Final = Struct(">8sI")
_ROW_SIZE: Final = _ROW.size
_low_bits: Final = Struct(">I").unpack_from
_LOW_32_BITS: Final = 0xFFFF_FFFF
_HALF_TURN: Final = 0x8000_0000

MARK: Final = 3
NO_MARK: Final = bytes(MARK)
"""The mark of what nobody can name any more."""
_FIRST_MARK: Final = b"\0\0\1"


def digest_of(source: str, touchpoint_id: str) -> bytes:
    """8 bytes that stand for the pair. The source's length keeps ("a", "bc") apart from ("ab", "c")."""
    hasher = _hasher_of(source).copy()
    hasher.update(touchpoint_id.encode())
    return hasher.digest()


@lru_cache(maxsize=1_024)
def _hasher_of(source: str) -> blake2b:
    """A hasher that has taken the source in, to be copied."""
    return blake2b(f"{len(source)}:{source}".encode(), digest_size=_DIGEST)


def mark_of(digest: bytes) -> bytes:
    """The first bytes of a touchpoint's digest: enough to tell it among the few dozen that a contact remembers."""
    mark = digest[:MARK]
    return _FIRST_MARK if mark == NO_MARK else mark


def bytes_of(count: int) -> int:
    """How long a list of so many touchpoints is at least."""
    return count * _ROW_SIZE


def is_remembered(state: ContactState, digest: bytes) -> bool:
    """The touchpoint came before, and is not forgotten yet."""
    rows = state.remembered
    at = rows.find(digest)
    while at >= 0:
        if at % _ROW_SIZE == 0 and not _is_expired(rows, at, state.as_of - state.ahead - LATENESS_MS):
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
    # After a jump past the limit, whatever was remembered is older than the touchpoint before this one.
    rows = b"" if elapsed > LATENESS_MS else state.remembered
    fresh, size = 0, len(rows)
    while fresh < size and (_low_bits(rows, fresh + _DIGEST)[0] - start) & _LOW_32_BITS >= _HALF_TURN:
        fresh += _ROW_SIZE
    if fresh:
        rows = rows[fresh:]
    if occurred_at >= start:
        rows += _ROW.pack(digest, occurred_at & _LOW_32_BITS)
    if len(rows) > REMEMBERED_IDS * _ROW_SIZE:
        rows = b"".join(
            rows[at : at + _ROW_SIZE] for at in range(0, len(rows), _ROW_SIZE) if not _is_expired(rows, at, start)
        )[-REMEMBERED_IDS * _ROW_SIZE :]
    state.remembered = rows


def came_at_once(state: ContactState, moment: int, count: int, within_ms: int) -> bool:
    """The latest `count` remembered touchpoints by arrival all lie less than `within_ms` from the moment.

    To be asked of a moment that is not late, before step 6 adds its touchpoint.
    """
    rows, newest = state.remembered, state.as_of - state.ahead
    at = len(rows) - _ROW_SIZE
    # Rows are of the week up to the newest touchpoint; a moment that is much newer would be told apart no more.
    if moment - newest >= within_ms or at < (count - 1) * _ROW_SIZE:
        return False
    start = newest - LATENESS_MS
    while count and at >= 0:
        if not _is_expired(rows, at, start):
            distance = (_low_bits(rows, at + _DIGEST)[0] - moment) & _LOW_32_BITS
            if within_ms <= distance <= _LOW_32_BITS + 1 - within_ms:
                return False
            count -= 1
        at -= _ROW_SIZE
    return count == 0


def _is_expired(rows: bytes, at: int, start: int) -> bool:
    """The row's time lies before `start`, both taken modulo 2**32."""
    expired: bool = (_low_bits(rows, at + _DIGEST)[0] - start) & _LOW_32_BITS >= _HALF_TURN
    return expired
