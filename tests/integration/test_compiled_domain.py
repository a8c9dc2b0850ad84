"""The compiled fold, an option, gives what pure Python gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from external_tools import external_tool

ROOT = Path(__file__).parents[2]


def test_the_compiled_fold_agrees_with_the_naive_model(tmp_path):
    """Every outcome, change, score and reason of a nasty history, states stored between touchpoints, timers, newer packs."""
    external_tool("gcc")
    made = subprocess.run(
        [sys.executable, str(ROOT / "deploy/compile_domain.py"), "--into", str(tmp_path)],
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests")])}
    where = subprocess.run(
        [sys.executable, "-c", "import palier.domain.fold as fold; print(fold.__file__)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(tmp_path))
    assert where.stdout.strip().endswith(".so")
    compared = subprocess.run(
        [sys.executable, "-m", "model.compare", "--seeds", "1..2", "--touchpoints", "4000", "--codec",
         "--timers", "--pack-change", "3"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "0 differences in all" in compared.stdout
