"""Programs that some tests call and that no Python package brings."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

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
