"""Child processes of the demo: started apart from the terminal, ended in order, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from palier.children import end_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE_S = 10.0
"""How long a child may take to end by itself; a worker needs one last transaction for it."""


class Child:
    """One service as a child process, its output in a log file.

    It runs in a session of its own, so that Ctrl-C reaches only the demo, which then ends its children in an order
    that makes sense. On Linux it dies with the demo even when that is killed with no chance to clean up.
    """

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        # -P: a file of the working folder must not pass for a module of the service.
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, or start it again; the log is added to."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Killed, not asked: the demo's broker dies in the same moment, and what is not committed never happened.
                preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 - safe, see there
            )

    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before it was started. A death by signal is negative."""
        return self._process.poll() if self._process is not None else None

    def terminate(self) -> None:
        """Ask it to end."""
        if self.pid is not None:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, with whatever it has started itself."""
        if self.pid is not None:
            self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.rstrip().splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        if number is signal.SIGKILL:
            os.killpg(self._process.pid, number)  # its session has one process group: its own
        else:
            self._process.send_signal(number)
