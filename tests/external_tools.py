"""Programs that some tests call."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def external_tool(name: str) -> str:
    """The program's path, from PATH or beside this interpreter.

    Without it the test is skipped, with that reason; where CI=true it fails, else CI could be green for lack of a tool.
    """
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found:
        return found
    reason = f"{name} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: .ci/run should have brought it")
    pytest.skip(reason)


def output_of(*command: str | Path, **more: Any) -> str:
    """The standard output of a command, started at the root of the repository, that must end well."""
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, timeout=120, **more)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
