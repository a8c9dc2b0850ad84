"""`palier pack` and `palier contracts`: rules and contracts from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli_logs import one_line
from palier.errors import ExitCode
from palier.packs import load_pack
from palier_cli import __main__ as edge

if TYPE_CHECKING:
    from pathlib import Path

VERSION = f"version = {load_pack(None).version}"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = edge.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_what_show_prints_is_a_pack_that_check_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Print, change, check: the way to a pack of one's own. What comes out is what went in."""
    code, shown, identity = run(capsys, "pack", "show")
    assert code == 0
    file = tmp_path / "rules.toml"
    file.write_text(shown)
    code, out, err = run(capsys, "pack", "check", str(file))
    assert (code, err) == (0, "")
    assert out.removeprefix(f"{file}: ") == identity.removeprefix("# ")
    assert load_pack(file).digest == load_pack(None).digest


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("interest = 25", "interest = 13", ["engaged", "25", "19"]),
        ("half_lif_days", "half_life_days", ["half_lif_days"]),
        ("version = 'one'", VERSION, ["version"]),
        ("= [", VERSION, ["line"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "show"])
def test_a_broken_pack_is_one_line_that_names_the_member(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, wrong: str, right: str, named: list[str]
) -> None:
    """Exit code 2; what cannot be in force is not shown as if it were."""
    _, shown, _ = run(capsys, "pack", "show")
    assert right in shown
    file = tmp_path / "rules.toml"
    file.write_text(shown.replace(right, wrong, 1))
    arguments = ["pack", "check", str(file)] if command == "check" else ["pack", "show", "--pack", str(file)]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (ExitCode.WRONG_USE, "")
    assert all(part in one_line(err) for part in [str(file), *named])


def test_show_takes_the_pack_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PALIER_PACK decides, as it does for the worker."""
    _, shown, _ = run(capsys, "pack", "show")
    file = tmp_path / "rules.toml"
    file.write_text(shown.replace(VERSION, "version = 7", 1))
    monkeypatch.setenv("PALIER_PACK", str(file))
    _, _, identity = run(capsys, "pack", "show")
    assert " version 7: " in identity


def test_contracts_are_written_to_the_folder_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is printed, so that a script can go on with them."""
    code, out, _ = run(capsys, "contracts", str(tmp_path / "made"))
    written = sorted(str(path) for path in (tmp_path / "made").rglob("*") if path.is_file())
    assert code == 0
    assert sorted(out.splitlines()) == written
    assert any(name.endswith("touchpoint.schema.json") for name in written)
