"""The messages a contact got lately, and what was done with them: what a scanner is known by.

Of at most eight messages, in the order in which they joined, the state keeps a row of bytes by the number of the message
(digests.py): flags, the newest delivery and the latest conviction if there are any, then the latest six opens and clicks
by arrival. Each of these has its time, a digest of its link, the mark of its touchpoint, and flags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from palier.domain.digests import SHORT, short_digest_of
from palier.domain.limits import LATENESS_MS, MESSAGE_ENTRIES, MESSAGES
from palier.domain.remembered import MARK

if TYPE_CHECKING:
    from palier.domain.state import ContactState

DELIVERED: Final = 1
"""What a rule may say that a touchpoint does with a message."""
OPENED: Final = 2
CLICKED: Final = 3

HAS_DELIVERY: Final = 1
"""Flags a row begins with."""
HAS_CONVICTION: Final = 2
IS_CLICK: Final = 1
"""Flags of an open or click. Genuine: a human's, and its source counts. Scored: its points may be taken back."""
IS_GENUINE: Final = 2
IS_SCORED: Final = 4
HAS_LINK: Final = 16
_STAYS: Final = IS_CLICK | HAS_LINK

TIME: Final = 6
ENTRY: Final = TIME + SHORT + MARK + 1
_LINK: Final = TIME
_MARK: Final = _LINK + SHORT
_FLAGS: Final = _MARK + MARK
_NO_LINK: Final = bytes(SHORT)
_FIRST: Final = 1
"""Where the first time stands, whatever it is the time of: no row is without one."""
_SECOND: Final = _FIRST + TIME


def delivered_at(row: bytes) -> int:
    """Time of the newest delivery; -1 without one."""
    return int.from_bytes(row[_FIRST:_SECOND], "big") if row[0] & HAS_DELIVERY else -1


def convicted_at(row: bytes) -> int:
    """Time of the touchpoint that convicted the message last; -1 without one."""
    flags = row[0]
    if not flags & HAS_CONVICTION:
        return -1
    at = _SECOND if flags & HAS_DELIVERY else _FIRST
    return int.from_bytes(row[at : at + TIME], "big")


def entries_of(row: bytes) -> int:
    """How many opens and clicks are remembered."""
    return len(row) // ENTRY  # a head is shorter than an entry


def clicks_of(row: bytes) -> list[tuple[int, bytes]]:
    """Time and link of every remembered click, in order of arrival; no link is empty."""
    clicks = []
    for at in range(_end_of_head(row), len(row), ENTRY):
        flags = row[at + _FLAGS]
        if flags & IS_CLICK:
            link = row[at + _LINK : at + _MARK] if flags & HAS_LINK else b""
            clicks.append((int.from_bytes(row[at : at + TIME], "big"), link))
    return clicks


def entry_of(occurred_at: int, link: str, mark: bytes, flags: int) -> bytes:
    """An open or click, as the row keeps it."""
    if link:
        return occurred_at.to_bytes(TIME, "big") + short_digest_of(link) + mark + bytes((flags | HAS_LINK,))
    return occurred_at.to_bytes(TIME, "big") + _NO_LINK + mark + bytes((flags,))


def remember_delivery(state: ContactState, message: int, occurred_at: int) -> None:
    """A message was delivered."""
    messages, time = state.messages, occurred_at.to_bytes(TIME, "big")
    row = messages.get(message)
    if row is None:
        messages[message] = b"\1" + time
    elif not row[0] & HAS_DELIVERY:
        messages[message] = bytes((row[0] | HAS_DELIVERY,)) + time + row[_FIRST:]
    elif time > row[_FIRST:_SECOND]:
        messages[message] = row[:_FIRST] + time + row[_SECOND:]
    _forget(state)


def remember_entry(state: ContactState, message: int, entry: bytes, *, convicts: bool) -> None:
    """A message was opened or clicked."""
    row = state.messages.get(message, b"\0")
    if convicts:
        at = _SECOND if row[0] & HAS_DELIVERY else _FIRST
        rest = row[at + TIME :] if row[0] & HAS_CONVICTION else row[at:]
        row = bytes((row[0] | HAS_CONVICTION,)) + row[_FIRST:at] + entry[:TIME] + rest
    if len(row) >= MESSAGE_ENTRIES * ENTRY:
        first = _end_of_head(row)
        if len(row) - first == MESSAGE_ENTRIES * ENTRY:
            row = row[:first] + row[first + ENTRY :]
    state.messages[message] = row + entry
    _forget(state)


def clear_entries(state: ContactState, message: int, moment: int, within_ms: int) -> list[tuple[bytes, int]]:
    """Of the opens and clicks around the moment only remains what they were; gives mark and time of those that scored."""
    row, scored = state.messages.get(message, b"\0"), []
    for at in range(_end_of_head(row), len(row), ENTRY):
        t, flags = int.from_bytes(row[at : at + TIME], "big"), row[at + _FLAGS]
        if abs(t - moment) <= within_ms and flags & ~_STAYS:
            if flags & IS_SCORED:
                scored.append((row[at + _MARK : at + _FLAGS], t))
            row = row[: at + _FLAGS] + bytes((flags & _STAYS,)) + row[at + ENTRY :]
            state.messages[message] = row
    return scored


def _forget(state: ContactState) -> None:
    """Messages go of which nothing is of the last seven days, then the one of nine that joined first."""
    messages = state.messages
    if len(messages) > 1 and state.as_of > LATENESS_MS:
        oldest = (state.as_of - LATENESS_MS).to_bytes(TIME, "big")
        gone = [
            message
            for message, row in messages.items()
            if row[_FIRST:_SECOND] < oldest and (len(row) == _SECOND or _is_older(row, oldest))
        ]
        for message in gone:
            del messages[message]
    if len(messages) > MESSAGES:
        del messages[next(iter(messages))]


def _is_older(row: bytes, oldest: bytes) -> bool:
    """Every time that a row holds, after the first, lies before the moment; as bytes they are in the order of times."""
    start = _end_of_head(row)
    for at in range(len(row) - ENTRY, start - 1, -ENTRY):
        if row[at : at + TIME] >= oldest:
            return False
    return start <= _SECOND or row[_SECOND:start] < oldest


def _end_of_head(row: bytes) -> int:
    return _FIRST + TIME * ((row[0] & HAS_DELIVERY) + (row[0] >> 1 & 1))
