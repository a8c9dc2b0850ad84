"""`palier state` without a broker: help, wrong use, and what is said while it works."""

from __future__ import annotations

import pytest

from cli_logs import one_line, palier
from palier.errors import ExitCode
from palier.kafka.ports import HOST, free_port
from palier_cli import stages as stages_module
from palier_cli.stages import stages


def test_the_group_names_its_commands():
    """`palier state` alone is wrong use, and says what there is."""
    done = palier("state")
    assert done.returncode == ExitCode.WRONG_USE
    for command in (b"export", b"import"):
        assert command in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["export", "import"])
def test_a_broker_that_does_not_answer_is_one_line(command, tmp_path):
    """Exit code 69; a file that cannot be read is found first, one that would be written is not begun."""
    file = tmp_path / "file"
    nobody = {"PALIER_BROKERS": f"{HOST}:{free_port()}", "PALIER_STARTUP_TIMEOUT": "0.2"}
    done = palier("state", command, file, **nobody)
    expected = ExitCode.UNAVAILABLE if command == "export" else ExitCode.WRONG_USE
    assert done.returncode == expected, done.stderr
    assert one_line(done.stderr.decode()).startswith("palier: ")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused_before_any_broker_is_asked(tmp_path):
    """Exit code 65, with the place."""
    file = tmp_path / "file"
    file.write_bytes(b"something else")
    done = palier("state", "import", file, PALIER_BROKERS=f"{HOST}:{free_port()}")
    assert done.returncode == ExitCode.DATA
    assert f"{file}: no state file" in one_line(done.stderr.decode())


def test_progress_is_a_line_now_and_then(monkeypatch, capsys):
    """Where there is no terminal: the stage and the share of it that is done, not more often than every few seconds."""
    moments = iter([0.0, 1.0, 5.0, 6.0, 11.0])
    monkeypatch.setattr(stages_module.time, "monotonic", lambda: next(moments))
    with stages() as progressed:
        for stage, done in (("exporting", 1), ("exporting", 50), ("exporting", 60), ("checking", 0)):
            progressed(stage, done, 100 if stage == "exporting" else 0)
    assert capsys.readouterr().err == "exporting: 50 %\nchecking: 0 %\n"
