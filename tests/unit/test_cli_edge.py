"""The edge of the command line: exit codes, one readable line, no traceback, a quick --help."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from cli_logs import moment, one_line, palier, purchase, write_log
from palier.errors import EXIT_MEANINGS, BrokerUnreachableError, DataError, ExitCode
from palier.settings import Settings
from palier_cli import __main__ as edge

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = (
    "aiokafka",
    "faust",
    "msgspec",
    "palier.domain",
    "palier.kafka",
    "palier.settings",
    "prometheus_client",
    "pydantic",
)


class Here(Protocol):
    """`palier` in this process: exit code, standard output, standard error."""

    def __call__(self, *arguments: str) -> tuple[int, str, str]: ...


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = edge.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_help_imports_nothing_heavy() -> None:
    """`palier --help` answers at once, since what commands need is imported when they run."""
    code = (
        "import sys, palier_cli.__main__ as edge\n"
        "edge.run(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert one_line(done.stderr.decode()) == "[]"
    assert b"palier demo" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["rply"], "palier: No such command 'rply'. Did you mean 'replay'?"),
        (["replay", "--untill", "x"], "palier replay: No such option: --untill"),
        (["publish"], "palier publish: Missing argument 'FILE'."),
        (["demo", "--seconds", "soon"], "palier demo: Invalid value for '--seconds'"),
        (["pack", "check"], "palier pack check: Missing argument 'FILE'."),
        (["explain", "ada"], "palier explain: Missing option '--from'."),
        (["replay", "nowhere.jsonl"], "palier: nowhere.jsonl: No such file or directory"),
        (["publish", "nowhere.jsonl"], "palier: nowhere.jsonl: No such file or directory"),
        (["explain", "ada", "--from", "nowhere.jsonl"], "palier: nowhere.jsonl: No such file or directory"),
        (["replay", "--until", "2026-03-01T12:00:00", "-"], "palier: --until: '2026-03-01T12:00:00' has no offset"),
        (["replay", "--until", "tomorrow", "-"], "palier: --until: 'tomorrow' is not a date and time of RFC 3339"),
        (["replay", "--pack", "nowhere.toml"], "palier: "),
        (["pack", "check", "nowhere.toml"], "palier: "),
        (["contracts", "/proc/palier"], "palier: /proc/palier: "),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(here: Here, arguments: list[str], complaint: str) -> None:
    """Whoever mistypes gets the command, what is wrong and nothing else."""
    code, out, err = here(*arguments)
    assert (code, out) == (ExitCode.WRONG_USE, "")
    assert one_line(err).startswith(complaint)


def test_wrong_settings_are_one_line_that_names_the_variables(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wrong variable at once, with its value."""
    monkeypatch.setenv("PALIER_PARTITIONS", "none")
    monkeypatch.setenv("PALIER_CLOCK", "sundial")
    code, _, err = here("topics")
    assert code == ExitCode.WRONG_USE
    assert all(part in one_line(err) for part in ("PALIER_PARTITIONS='none'", "PALIER_CLOCK='sundial'"))


@pytest.mark.parametrize("command", [["topics"], ["topics", "--apply"], ["publish", "LOG"]])
def test_an_unreachable_broker_is_one_line_and_exit_code_69(
    here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: list[str]
) -> None:
    """Nobody listens there: after PALIER_STARTUP_TIMEOUT the command says so and where it looked."""
    log = write_log(tmp_path / "log.jsonl", purchase())
    monkeypatch.setenv("PALIER_STARTUP_TIMEOUT", "0.2")
    with socket.socket() as nobody:  # bound but not listening: nobody else can take the port meanwhile
        nobody.bind(("127.0.0.1", 0))
        brokers = f"127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("PALIER_BROKERS", brokers)
        code, _, err = here(*(str(log) if part == "LOG" else part for part in command))
    assert code == ExitCode.UNAVAILABLE
    assert brokers in one_line(err)


@pytest.mark.parametrize(
    ("trouble", "code", "line"),
    [
        (DataError("damaged"), ExitCode.DATA, "palier: damaged\n"),
        (BrokerUnreachableError("two\nlines"), ExitCode.UNAVAILABLE, "palier: two lines\n"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, ""),
        (PermissionError(13, "Permission denied", "here"), ExitCode.WRONG_USE, "palier: here: Permission denied\n"),
        (OSError(28, "No space left on device"), ExitCode.WRONG_USE, "palier: No space left on device\n"),
    ],
)
def test_expected_trouble_becomes_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trouble: BaseException, code: int, line: str
) -> None:
    """One table of reasons: each error class ends the process with its own code and at most one line."""

    def fail(_arguments: list[str]) -> int:
        raise trouble

    monkeypatch.setattr(edge, "_invoke", fail)
    assert edge.run([]) == code
    assert capsys.readouterr().err == line


def test_a_bug_says_where_it_is_and_ends_with_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a fault of ours shows a traceback, for the report."""
    monkeypatch.setattr(edge, "_invoke", lambda _arguments: 1 // 0)
    assert edge.run([]) == ExitCode.INTERNAL
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_name_the_terminal_cannot_show_is_no_failure(tmp_path: Path) -> None:
    """In an ASCII terminal foreign letters are escaped; the command goes on."""
    log = write_log(tmp_path / "log.jsonl", [line.replace(b'"ada"', b'"zo\\u00eb"') for line in purchase()])
    done = palier("explain", "zoë", "--from", log, "--at", moment(4), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"zo\xeb is engaged" in done.stdout


def test_worker_help_lists_every_setting_and_every_exit_code() -> None:
    """The table comes from the declarations, so none can be missing; names are never cut."""
    text = palier("worker", "--help", COLUMNS="100").stdout.decode()
    assert all(f"PALIER_{name.upper()} " in text for name in Settings.model_fields)
    assert all(f" {int(code)} " in text for code in EXIT_MEANINGS)


def test_worker_becomes_the_worker() -> None:
    """`palier worker` is the worker process itself: its exit code and its complaint are the worker's own."""
    by_command = palier("worker", PALIER_PARTITIONS="none")
    by_module = subprocess.run(
        [sys.executable, "-m", "palier_tiers"], capture_output=True, check=False, env={"PALIER_PARTITIONS": "none"}
    )
    assert by_command.returncode == by_module.returncode == ExitCode.WRONG_USE
    assert by_command.stderr == by_module.stderr
