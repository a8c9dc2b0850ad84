"""The simulator as a process: files, exit codes, one line of trouble, an orderly end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

COMMAND = [sys.executable, "-m", "palier_simulator"]
SMALL = ["--contacts", "20", "--days", "40"]


def simulate(*arguments, timeout=30, **environment):
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, timeout=timeout, check=False, env={**os.environ, **environment}
    )


def test_a_file_and_standard_output_hold_the_same_lines(tmp_path):
    """The same arguments give the same bytes, into a file or a pipe; stderr tells how many."""
    file = tmp_path / "touchpoints.jsonl"
    into_file = simulate(*SMALL, "--jsonl", str(file))
    piped = simulate(*SMALL, "--jsonl", "-")
    assert (into_file.returncode, piped.returncode) == (0, 0)
    assert file.read_bytes() == piped.stdout
    lines = piped.stdout.count(b"\n")
    assert f"done: {lines:,} records".encode() in into_file.stderr
    assert into_file.stdout == b""


def test_malformed_share_zero_is_all_json():
    """--malformed 0 leaves only lawful records, and they are those of a run with malformed ones."""
    clean = simulate(*SMALL, "--jsonl", "-", "--malformed", "0").stdout.splitlines()
    assert all(isinstance(msgspec.json.decode(line), dict) for line in clean)
    dirty = simulate(*SMALL, "--jsonl", "-", "--malformed", "0.2").stdout.splitlines()
    rest = iter(dirty)
    assert all(line in rest for line in clean)  # in this order
    assert len(dirty) > len(clean)


def test_stderr_names_no_contact():
    """Logs hold counts, never contacts or payloads."""
    assert b"c-0000" not in simulate(*SMALL, "--jsonl", "-").stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (["--rate", "none"], {}, 2, "--rate"),
        (["--jsonl", "/nowhere/at/all.jsonl"], {}, 2, "No such file or directory"),
        ([], {"PALIER_PARTITIONS": "many"}, 2, "PALIER_PARTITIONS"),
        (["--brokers", "127.0.0.1:1"], {"PALIER_STARTUP_TIMEOUT": "0"}, 69, "127.0.0.1:1"),
        ([], {"PALIER_BROKERS": "127.0.0.1:1", "PALIER_STARTUP_TIMEOUT": "0"}, 69, "127.0.0.1:1"),
    ],
)
def test_trouble_is_one_line(arguments, environment, code, words):
    """Wrong use ends with 2, an unreachable broker with 69; each with one line that says what and where."""
    ended = simulate(*arguments, **environment)
    assert ended.returncode == code
    assert ended.stderr.count(b"\n") == 1
    assert words in ended.stderr.decode()


def test_a_reader_that_leaves_is_no_trouble():
    """`... | head -1` ends the run quietly."""
    process = subprocess.Popen([*COMMAND, "--jsonl", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b'{"id":')
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_with_whole_lines(number, code, tmp_path):
    """SIGTERM ends with 0, SIGINT with 130, both without a traceback and with every line whole."""
    file = tmp_path / "touchpoints.jsonl"
    process = subprocess.Popen(
        [*COMMAND, "--speed", "2", "--malformed", "0", "--jsonl", str(file)], stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 20
    while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=20) == code
    errors = process.stderr.read().decode()
    process.stderr.close()
    assert "Traceback" not in errors
    lines = file.read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"}\n") for line in lines)
    assert f"stopped: {len(lines):,} records" in errors


def test_help_answers_at_once():
    """--help imports neither Kafka's client nor the settings nor the world."""
    code = "import sys, palier_simulator.__main__ as m; m.main(['--help'])"
    loaded = (
        subprocess.run(
            [sys.executable, "-c", f"import atexit, sys; atexit.register(lambda: print(*sys.modules)); {code}"],
            capture_output=True,
            text=True,
            check=False,
        )
        .stdout.splitlines()[-1]
        .split()
    )
    assert "palier_simulator.arguments" in loaded
    assert {"aiokafka", "asyncio", "pydantic", "palier_simulator.world"}.isdisjoint(loaded)
