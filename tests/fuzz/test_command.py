"""The command finds what it is for, keeps it, and says so; also when the interpreter itself dies."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fuzz import __main__ as command
from fuzz import campaign, child
from fuzz.cases import Case
from fuzz.findings import Recorder, shrunk
from fuzz.targets import TARGETS

VALUES = TARGETS["values"]
PLANTED = ("--plant",)


def fuzz_values(tmp_path, seconds, extra=()):
    return campaign.fuzz_target(
        "values", seconds, engine="plain", seed=1, folder=tmp_path / "work", corpus=tmp_path / "corpus", extra=extra
    )


def test_a_disagreement_is_found_kept_and_small(tmp_path) -> None:
    """A fast decoder that lets a rating of 101 through is found; the file alone shows it, and holds little else."""
    result = fuzz_values(tmp_path, 2, PLANTED)
    assert not result.is_clean
    found = {json.loads(path.read_text())["broke"]: Case.from_json(path.read_text()) for path in result.findings}
    taken = found["both decoders agree, not Touchpoint and invalid"].value
    assert len(taken) < 250
    assert b"101" in taken
    lines = []
    campaign.report([result], lines.append)
    assert any("both decoders agree" in line for line in lines)


def test_nothing_is_found_where_nothing_is_wrong(tmp_path) -> None:
    """A run says how much it tried, and finds nothing in decoders without fault."""
    result = fuzz_values(tmp_path, 2)
    assert result.is_clean
    assert result.executions > 0
    assert not (tmp_path / "corpus").exists()


def test_a_dead_interpreter_is_a_finding(tmp_path, monkeypatch) -> None:
    """What ended the process is found by its last input, and the rest of the time goes on being used."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "import palier.contracts.decoding as decoding\n"
        "taken = decoding.decode_line\n"
        f"last = pathlib.Path({str(tmp_path / 'work' / child.CRASH)!r})\n"
        "decoding.decode_line = lambda line, at: os.abort() if last.exists() else taken(line, at)\n"
    )
    result = fuzz_values(tmp_path, 2)
    assert result.deaths
    assert {json.loads(path.read_text())["broke"] for path in result.findings} == {"the process ended with -6"}


def test_exit_code_and_ledger(tmp_path, monkeypatch, capsys) -> None:
    """The exit code is 1 after any finding, and the ledger has a line of every run."""
    ledger = tmp_path / "ledger.jsonl"
    clean = campaign.Result("moments", seconds=60, processor_s=6, executions=1_000)
    for result, code in ((clean, 0), (replace(clean, deaths=["died"]), 1), (replace(clean, executions=0), 1)):
        monkeypatch.setattr(command, "fuzz_target", lambda *_, result=result, **__: result)
        options = ["--minutes", "1", "--target", "moments", "--ledger", str(ledger), "--folder", str(tmp_path)]
        monkeypatch.setattr("sys.argv", ["fuzz", *options])
        assert command.main() == code
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [entry["happened"]["findings"] for entry in entries] == [0, 1, 0]
    assert [entry["happened"]["executions"] for entry in entries] == [1_000, 1_000, 0]
    assert {entry["fault"] for entry in entries} == {"decoders fuzzed"}
    assert "1000" in capsys.readouterr().out


def test_a_finding_is_made_once_for_each_rule(tmp_path) -> None:
    """A rule broken a thousand times is one file."""

    def check(case):
        assert b"x" not in case.value

    recorder = Recorder(replace(VALUES, check=check), tmp_path)
    for number in range(10):
        recorder(Case(b"%dx" % number))
    assert [Case.from_json(path.read_text()).value for path in tmp_path.iterdir()] == [b"x"]


def test_shrinking_keeps_what_breaks() -> None:
    """What is left breaks the rule still, and nothing more of it can go."""
    case = Case(b"." * 500 + b"a" + b"." * 300 + b"b", headers=(("one", b"1"), ("two", None)))
    assert shrunk(case, lambda less: {b"a"[0], b"b"[0]} <= set(less.value)) == Case(b"ab")


@pytest.mark.parametrize("name", ["values", "records"])
def test_what_a_fuzzer_kept_can_be_shown(name: str, tmp_path) -> None:
    """A fuzzer's buffer becomes a case that people can read, and the corpus holds each once."""
    units = tmp_path / "units"
    units.mkdir()
    for number in range(3):
        (units / str(number)).write_bytes(bytes([number]) * 200)
    (tmp_path / "corpus").mkdir()
    kept = campaign.keep_grown(name, tmp_path, tmp_path / "corpus")
    lines = (tmp_path / "corpus" / f"{name}.jsonl").read_text().splitlines()
    assert 1 <= kept == len(set(lines)) <= 3
    assert campaign.keep_grown(name, tmp_path, tmp_path / "corpus") == kept
