"""What lies between a client and its broker: requests and answers that get lost, and requests that come late."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from engine_kit.fake_partition import RefusedError


class Fault(StrEnum):
    """What happens to a request."""

    ANSWER_LOST = "answer lost"
    REQUEST_LOST = "request lost"
    HELD_BACK = "held back"  # and delivered later: a ghost
    REFUSED = "refused"


class UnansweredError(Exception):
    """The connection is gone; whether the broker has done it, nobody knows."""


class _Late(NamedTuple):
    """A request that waits on its way."""

    crashes: int  # of the broker, before it was sent
    name: str
    arguments: tuple
    options: dict


class FakeNetwork:
    """Calls of a FakeLog, by name. `faults`: name of a call -> what happens to the next one."""

    def __init__(self, log):
        self.log = log
        self.faults: dict[str, Fault] = {}
        self.held: list[_Late] = []
        self._due: _Late | None = None  # the ghost under way
        self._after = 0  # it arrives behind so many more records

    def call(self, name, *arguments, **options):
        """The broker's answer.

        Raises:
            RefusedError: it says no.
            UnansweredError: it says nothing.
        """
        if name == "append":
            self._let_pass()
        fault = self.faults.pop(name, None)
        if fault is not None:
            self.log.met[f"{name}: {fault}"] += 1
        if fault is Fault.REFUSED:
            raise RefusedError
        if fault is Fault.HELD_BACK:
            self.held.append(_Late(self.log.crashes, name, arguments, options))
        if fault in (Fault.HELD_BACK, Fault.REQUEST_LOST):
            raise UnansweredError
        answer = getattr(self.log, name)(*arguments, **options)
        if fault is Fault.ANSWER_LOST:
            raise UnansweredError
        return answer

    def deliver(self, which, after=0):
        """One of the requests held back arrives, after so many more records that somebody sends."""
        self.hurry()
        self._due, self._after = self.held.pop(which % len(self.held)), after
        if not after:
            self.hurry()

    def hurry(self):
        """The ghost under way arrives now, unless the broker has crashed: then its connection died too."""
        late, self._due = self._due, None
        if late is None or late.crashes != self.log.crashes:
            return
        try:
            getattr(self.log, late.name)(*late.arguments, **late.options)
        except RefusedError:
            self.log.met[f"{late.name}: ghost refused"] += 1
        else:
            self.log.met[f"{late.name}: ghost accepted"] += 1

    def heal(self):
        """No more faults; what is under way arrives."""
        self.faults.clear()
        self.hurry()
        while self.held:
            self.deliver(0)

    def _let_pass(self):
        if self._due is not None:
            self._after -= 1
            if self._after < 0:
                self.hurry()
