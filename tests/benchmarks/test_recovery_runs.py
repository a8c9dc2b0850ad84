"""The benchmarks of recovery and takeover work, and their counts are right. No test looks at a time."""

from __future__ import annotations

import json

import pytest

from benchmarks import recovery, takeover

pytestmark = pytest.mark.kafka


def test_a_worker_recovers_what_it_should(tmp_path, capsys):
    """Everything with either store, and one META a partition with files that are whole."""
    file = tmp_path / "results.json"
    workers = [recovery.MEMORY, recovery.COLD, recovery.WARM]
    assert recovery.main(["--contacts", "500", "--partitions", "2", "--candidates", *workers, "--json", str(file)]) == 0
    assert "records/s" in capsys.readouterr().out
    read = {result["name"]: result["records"] for result in json.loads(file.read_text())["results"]}
    assert read == {recovery.MEMORY: 502, recovery.COLD: 502, recovery.WARM: 2}


def test_stock_faust_recovers_the_same_states(capsys):
    """All keys, or the command would say so."""
    arguments = ["--contacts", "500", "--partitions", "2", "--candidates", recovery.FAUST]
    assert recovery.main(arguments) == 0
    assert recovery.FAUST in capsys.readouterr().out


def test_a_pair_takes_over_from_each_other(tmp_path):
    """One kill -9, one SIGTERM: each partition of the victim speaks again, nothing is lost or doubled."""
    file = tmp_path / "rounds.json"
    small = ["--contacts", "200", "--partitions", "4", "--rate", "300", "--rounds", "1", "--calm", "1"]
    assert takeover.main([*small, "--stores", "memory://", "--session-timeouts", "2", "--json", str(file)]) == 0
    rounds = json.loads(file.read_text())["rounds"]
    assert [(one["blow"], len(one["seconds"])) for one in rounds] == [(takeover.KILL, 2), (takeover.TERM, 2)]
    assert min(rounds[0]["seconds"]) > 0.5, "the session must expire first"
