"""The benchmark commands work, and their counts are right. No test looks at a time."""

from __future__ import annotations

import json

import pytest

from benchmarks import stages, throughput
from benchmarks.progress import interpolate, measured_span
from benchmarks.workload import KINDS, arrivals
from external_tools import external_tool
from palier.contracts.decoding import decode_touchpoint
from palier.contracts.refusal import Refusal
from palier.packs import load_pack

TOUCHPOINTS, OF_FAUST = 3_000, 1_000


@pytest.mark.kafka
def test_every_candidate_folds_every_touchpoint(tmp_path, capsys):
    """One tiny round of the real command: Palier commits each touchpoint once, whatever is emitted is in the topics."""
    external_tool("gcc")
    file = tmp_path / "results.json"
    sizes = ["--touchpoints", str(TOUCHPOINTS), "--faust-touchpoints", str(OF_FAUST), "--contacts", "200"]
    assert throughput.main([*sizes, "--rounds", "1", "--json", str(file)]) == 0
    assert "touchpoints/s" in capsys.readouterr().out
    results = {result["candidate"]: result for result in json.loads(file.read_text())["results"]}
    assert {name: result["touchpoints"] for name, result in results.items()} == {
        "Palier": TOUCHPOINTS,
        "Palier, fold compiled": TOUCHPOINTS,
        "idiomatic Faust": OF_FAUST,
        "aiokafka, reading only": TOUCHPOINTS,
    }
    palier = results["Palier"]
    assert results["Palier, fold compiled"]["outcomes"] == palier["outcomes"]
    assert sum(palier["outcomes"].values()) == TOUCHPOINTS
    assert palier["outcomes"]["refused"] == 0
    assert palier["outcomes"]["duplicate"] > 0
    assert palier["outputs"] > 0
    assert 0 < palier["state"]["contacts"] <= 200
    assert palier["changelog_records"] >= palier["state"]["contacts"] + palier["transactions"]
    # Faust may commit a few more than those it is stopped after.
    assert results["idiomatic Faust"]["changelog_records"] >= OF_FAUST


def test_the_stages_run(capsys):
    """The command prints a row for each stage, and each stage was called as often as it should be."""
    costs = stages.measure(2_000, 100, 500)
    assert costs.touchpoints == 1_500  # all but the first checkpoint, which warms up
    assert costs.calls[stages.DECODE] == costs.calls[stages.FOLD] == costs.calls[stages.WALK] == 1_500
    assert 0 < costs.calls[stages.LOAD] <= costs.calls[stages.ENCODE] < 1_500
    assert stages.main(["--touchpoints", "1000", "--contacts", "100", "--checkpoint", "200"]) == 0
    assert stages.FOLD in capsys.readouterr().out


def test_the_workload_is_the_same_every_time_and_all_valid():
    """Candidates of different days fold the same touchpoints, and none is refused."""
    first = list(arrivals(2_000, 300))
    assert first == list(arrivals(2_000, 300))
    assert first != list(arrivals(2_000, 300, seed=8))
    now = 1_800_000_000_000
    assert not any(isinstance(decode_touchpoint(value, key, now, ()), Refusal) for key, value in first)
    assert 250 < sum(len(arrival.value) for arrival in first) / len(first) < 350


def test_the_workload_speaks_the_default_pack():
    """All types but one are known to the default pack, so the fold does its full work."""
    assert {kind.type for kind in KINDS} - load_pack(None).rules.keys() == {"survey.declined"}


def test_the_measured_span_leaves_the_warm_up_out():
    """From the first point at which a tenth is done to the one at which all are, whatever comes before and after."""
    span = measured_span([(100.0, 90), (102.0, 200), (104.0, 700), (110.0, 1_000), (111.0, 1_000)], 1_000)
    assert span == (102.0, 110.0, 800)
    assert span.per_second == 100.0
    assert measured_span([(100.0, 1_000)], 1_000).per_second == 0.0


def test_what_lies_between_two_samples_is_interpolated():
    """CPU time is sampled at other moments than progress is told."""
    curve = [(1.0, 5.0), (2.0, 7.0)]
    assert [interpolate(curve, at) for at in (0.0, 1.5, 2.0, 9.0)] == [5.0, 6.0, 7.0, 7.0]
