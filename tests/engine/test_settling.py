"""After a broker went away: nothing is begun while the last transaction may lack its end, and not for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from palier.engine import runner
from palier.engine.events import Failed, LogsMeasured
from palier.engine.protocol import PartitionProtocol

WHOLE = LogsMeasured({"changelog": 7}, {"changelog": 7})
LACKING = LogsMeasured({"changelog": 5}, {"changelog": 7})
AWAY = Failed("the broker is away")


class Settling:
    """As much of a Runner as settling needs; `measurements` are found one after the other, the last one again."""

    number = 3

    def __init__(self, *measurements):
        self._left, self.tried, self.end = list(measurements), 0, None
        self.writer = SimpleNamespace(is_worn=False, contact_lost=True, contact_regained=self._regained)
        self.protocol = PartitionProtocol(3, frozenset({"source"}), "changelog", {}, position=6)

    def _regained(self):
        self.writer.contact_lost = False

    async def _try(self, command):
        await asyncio.sleep(0.01)
        self.tried += 1
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    async def _take_new_writer(self):
        self.writer.is_worn = self.writer.contact_lost = False

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


@pytest.mark.parametrize(
    ("found", "end"),
    [
        (WHOLE, None),
        (LogsMeasured({"changelog": 6}, {"changelog": 6}), None),
        (LogsMeasured({"changelog": 8}, {"changelog": 8}), Failed(f"partition 3: {runner.OVERTAKEN}")),
        (LACKING, Failed(f"partition 3: {runner.OVERTAKEN}")),
        (AWAY, AWAY),
    ],
    ids=["our marker", "not even that", "a successor's transaction", "markers lost", "no broker"],
)
def test_a_renewed_producer_begins_nothing_behind_the_back_of_a_successor(found, end):
    """It fences everybody, a successor too: a worker that was frozen meanwhile would go on with state that is out of date."""
    settling = Settling(found)
    settling.writer.is_worn = True
    asyncio.run(runner.Runner._settle(settling))
    assert settling.end == end
