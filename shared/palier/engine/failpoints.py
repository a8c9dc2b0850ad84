"""Named points at which the process can be made to die as `kill -9` would, to prove that each is a safe place to die.

PALIER_FAILPOINT=name:nth, in the environment of a worker under test, kills it when it comes to that point for the nth time.
Not a setting: nobody who runs Palier wants it. Unset, a point costs a look at a global; none is passed for each record.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Final, TypeVar

from palier.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Coroutine

VARIABLE: Final = "PALIER_FAILPOINT"
POINTS: Final = {
    "fenced": "the older owner is shut out, nothing is read yet",
    "recovering": "some changelog records are applied",
    "completing": "the last transaction, which was undone, is being written again",
    "begun": "a transaction is open and empty",
    "outputs-acknowledged": "tier changes and dead letters are written, no state is",
    "changelog-acknowledged": "everything is written, its end is not asked for",
    "end-due": "everything is in the transaction, the end is about to be asked for",
    "end-sent": "the end is asked for, whether it comes is not known",
    "committed": "the broker has committed, nothing here knows it",
    "stored": "the store has it too",
    "refused": "a record is refused, its dead letter is in no transaction yet",
    "timers": "contacts have fallen due, their demotions are not in a transaction yet",
    "revoked": "the group takes partitions away, the last transaction is not begun",
}

Result = TypeVar("Result")


class _Armed:
    """The one point at which this process is to die."""

    def __init__(self, name: str, nth: int) -> None:
        self.name, self._left = name, nth

    def pass_by(self) -> None:
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


_armed: _Armed | None = None


def arm(text: str | None) -> None:
    """Take `name:nth`, as PALIER_FAILPOINT has it; None and "" disarm.

    Raises:
        ConfigurationError: there is no such point, or nth is no number from 1 on.
    """
    global _armed  # noqa: PLW0603 - of the process, as its death is
    _armed = None
    if not text:
        return
    name, _, nth = text.partition(":")
    if name not in POINTS or not nth.isdecimal() or int(nth) < 1:
        raise ConfigurationError(f"{VARIABLE}={text}: wanted NAME:NTH with one of {', '.join(POINTS)}")
    _armed = _Armed(name, int(nth))


def reached(name: str) -> None:
    """The process is at this point; perhaps it is its last."""
    if _armed is not None and _armed.name == name:
        _armed.pass_by()


async def under_way(name: str, request: Coroutine[object, object, Result]) -> Result:
    """Await a request. The point is where it has been sent and is not answered."""
    if _armed is None or _armed.name != name:
        return await request
    answer = asyncio.ensure_future(request)
    await asyncio.sleep(0)  # the task's first turn writes to the socket; no broker answers within it
    _armed.pass_by()
    return await answer
