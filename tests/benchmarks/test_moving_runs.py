"""The benchmark of moving works. No test looks at a time."""

from __future__ import annotations

import pytest

from benchmarks import moving


@pytest.mark.kafka
def test_a_small_move_runs(capsys):
    """One tiny run of the real commands; the import itself compares what it wrote with what was exported."""
    assert moving.main(["--contacts", "300", "--partitions", "2", "--into", "3"]) == 0
    told = capsys.readouterr()
    assert "| `palier state import` |" in told.out
    assert told.err.count("300 contacts, 0 erased ones") == 2
