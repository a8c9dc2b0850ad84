"""The benchmark of timers works, and its counts are right. No test looks at a time."""

from __future__ import annotations

import json

import pytest

from benchmarks import timers
from benchmarks.silence import FROM_MS, UNTIL_MS, moments, silent_contacts


@pytest.mark.kafka
def test_a_small_crowd_is_demoted(tmp_path, capsys):
    """One tiny run of the real command, which itself compares each contact's tier changes with those it should have."""
    file = tmp_path / "results.json"
    sizes = ["--contacts", "3000", "--touchpoints", "20000", "--partitions", "2"]
    assert timers.main([*sizes, "--json", str(file)]) == 0
    assert "| while demoting |" in capsys.readouterr().out
    results = json.loads(file.read_text())
    assert results["demotions"] >= 3_000
    assert {phase["name"] for phase in results["phases"]} >= {"before", "while demoting", "idle"}


def test_the_crowd_falls_due_within_one_minute():
    """Each contact loses a tier in the minute, and all over it; before and after it there are touchpoints."""
    silent = silent_contacts(20, 7)
    assert all(one.changes >= 1 and one.resting.tier != "unengaged" for one in silent)
    times = list(moments(1_000))
    assert times == sorted(times)
    assert times[0] < FROM_MS
    assert times[-1] > UNTIL_MS
