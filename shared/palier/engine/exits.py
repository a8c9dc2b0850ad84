"""Crash-only: what is not committed never happened, so leaving at once is always safe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from palier.errors import ExitCode


def exit_now(code: ExitCode, reason: str) -> NoReturn:
    """End the process with one line on stderr. No clean-up: a clean-up could still write."""
    os.write(2, f"palier: {reason} (exit {int(code)})\n".encode())
    os._exit(code)
