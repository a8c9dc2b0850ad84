"""After a broker went away: nothing is begun while the last transaction may lack its end, and not for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from palier.engine import runner
from palier.engine.events import Failed, LogsMeasured

WHOLE = LogsMeasured({"changelog": 7}, {"changelog": 7})
LACKING = LogsMeasured({"changelog": 5}, {"changelog": 7})
AWAY = Failed("the broker is away")


class Settling:
    """As much of a Runner as settling needs; `measurements` are found one after the other, the last one again."""

    number = 3

    def __init__(self, *measurements):
        self._left, self.tried, self.end = list(measurements), 0, None
        self.writer = SimpleNamespace(is_worn=False, contact_lost=True, contact_regained=self._regained)

    def _regained(self):
        self.writer.contact_lost = False

    async def _try(self, command):
        await asyncio.sleep(0.01)
        self.tried += 1
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    async def drive(self, event):
        self.end, self.writer.contact_lost = event, False  # the process would end here


@pytest.fixture
def settled(monkeypatch):
    """Lets a Settling come to its end."""
    monkeypatch.setattr(runner, "SETTLE_LIMIT_S", 1.0)
    monkeypatch.setattr(runner, "MARKERS_LIMIT_S", 0.2)

    def settled(*measurements):
        settling = Settling(*measurements)
        asyncio.run(runner.Runner._settle(settling))
        return settling

    return settled


def test_it_goes_on_once_the_markers_are_there(settled):
    """A broker may take its time for coming back and for writing them."""
    settling = settled(AWAY, AWAY, AWAY, LACKING, LACKING, WHOLE)
    assert (settling.end, settling.tried) == (None, 6)


def test_markers_that_never_come_end_the_process(settled):
    """The next transaction would decide the fate of this one; fencing mends it, and need not wait as for a broker."""
    settling = settled(LACKING)
    assert settling.end == Failed(f"partition 3: {runner.MARKERS_LOST}")
    assert settling.tried < 30


def test_a_broker_that_never_comes_back_is_told_as_such(settled):
    """Nothing is known of markers then."""
    assert settled(AWAY).end is AWAY
