"""The compiled fold, an option, gives what pure Python gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from external_tools import external_tool

ROOT = Path(__file__).parents[2]


COMPILED_TOO = ("tests/unit/test_domain_*.py", "tests/unit/test_contact_state.py", "tests/unit/test_golden.py")
"""Tests of the fold itself."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> dict[str, str]:
    """The environment in which the compiled fold is used, and that it is."""
    external_tool("gcc")
    folder = tmp_path_factory.mktemp("compiled")
    made = subprocess.run(
        [sys.executable, str(ROOT / "deploy/compile_domain.py"), "--into", str(folder)],
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT / "tests")])}
    where = subprocess.run(
        [sys.executable, "-c", "import palier.domain.fold as fold; print(fold.__file__)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(folder))
    assert where.stdout.strip().endswith(".so")
    return environment


def test_the_compiled_fold_agrees_with_the_naive_model(compiled, tmp_path):
    """Every outcome, change, score and reason of a nasty history, states stored between touchpoints, timers, newer packs."""
    compared = subprocess.run(
        [sys.executable, "-m", "model.compare", "--seeds", "1..2", "--touchpoints", "4000", "--codec",
         "--timers", "--pack-change", "3"],
        env=compiled, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "0 differences in all" in compared.stdout


def test_the_compiled_fold_passes_the_tests_of_the_fold(compiled):
    """What mypyc checks at every call is kept: types that pure Python never asked for."""
    files = [str(file) for pattern in COMPILED_TOO for file in sorted(ROOT.glob(pattern))]
    passed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *files],
        env=compiled, cwd=ROOT, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert passed.returncode == 0, passed.stdout + passed.stderr
