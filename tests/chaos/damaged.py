"""Every case of damaged logs that the tests of the engine have, each as a round: a line of the ledger for all of them.

Each case does one kind of damage to an application that has worked, and asserts how the worker ends, what it says, that
nothing was written, and, where consent can help, that it goes on with it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaos.ledger import Entry

NAME, TITLE = "damaged", "damaged, shortened or foreign logs: every case"
CASES = Path(__file__).parents[1] / "integration" / "test_engine_damage.py"
PREFIX = "test_"


class _Cases:
    """A plugin of pytest that takes down how each case ended."""

    def __init__(self, entry, say):
        self._entry, self._say = entry, say

    def pytest_report_teststatus(self, report):
        """No dots of pytest's own between our lines."""
        return report.outcome, "", ""

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        name = report.nodeid.split("::")[-1].removeprefix(PREFIX).replace("_", " ")
        self._entry.rounds.append(name)
        self._say(f"  {len(self._entry.rounds):>4}  {report.duration:5.1f} s  {name}: {report.outcome}")
        if not report.passed:
            self._entry.faults.append(f"{name}: {report.outcome} at {report.when}: {report.longreprtext[-300:]}")


def damaged(say):
    """The entry of all cases."""
    began, started = datetime.now(UTC), time.monotonic()
    entry = Entry(NAME, 0, began=began.isoformat(timespec="seconds"))
    code = pytest.main(["-q", "--no-header", "--no-summary", str(CASES)], [_Cases(entry, say)])
    if not entry.rounds:
        entry.faults.append(f"no case was run: pytest ended with {int(code)}")
    entry.seconds = round(time.monotonic() - started, 1)
    return entry
