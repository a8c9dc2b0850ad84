"""The benchmark of the stores works. No test looks at a time."""

from __future__ import annotations

from benchmarks import stores


def test_a_small_comparison_runs(capsys):
    """One tiny run in processes of their own: both stores stand side by side, and all that was written was found."""
    assert stores.main(["--states", "500"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| | memory://, 500 | rocksdb://, 500 |"
    rows = {cells[1].strip(): cells[2:4] for line in lines[2:] if len(cells := line.split("|")) == 5}
    assert rows.keys() == stores.ROWS.keys()
    assert all(float(rocksdb.replace(",", "")) >= 0 for _, rocksdb in rows.values())
    assert not rows["open again, s"][0].strip(), "memory is gone with its process"
