"""Keeps a worker running, as systemd or Kubernetes would: a fault of its own starts it again, anything else does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.errors import EXIT_MEANINGS, ExitCode, PalierError

if TYPE_CHECKING:
    from palier_cli.demo.children import Child

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 60.0
"""A child that ran this long was well: its next fault starts from the first pause again."""
FAULTS_AT_MOST = 6
"""Faults in a row, none of them after a steady run, after which starting again is no remedy."""


class Supervisor:
    """Looks after one child; told the time, so that a test needs none."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.restarts = 0
        self._faults = 0
        self._started_at = 0.0
        self._start_again_at: float | None = None

    def start(self, now: float) -> None:
        """Start the child for the first time."""
        self._started_at = now
        self.child.start()

    def look(self, now: float) -> None:
        """See after the child; call it a few times a second.

        Raises:
            PalierError: the child ended in a way that starting it again cannot mend; its exit code is handed on.
        """
        if self._start_again_at is not None:
            if now >= self._start_again_at:
                self._start_again_at = None
                self.restarts += 1
                self.start(now)
            return
        code = self.child.exit_code()
        if code is None:
            return
        if code >= 0 and code != ExitCode.INTERNAL:
            raise ended(self.child, code)
        # 70, or a death by signal (out of memory, a kill by hand): nothing is lost, so it simply starts again.
        self._faults = 1 if now - self._started_at >= STEADY_AFTER_S else self._faults + 1
        if self._faults > FAULTS_AT_MOST:
            raise ended(self.child, ExitCode.INTERNAL)
        self._start_again_at = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._faults - 1))


def ended(child: Child, code: int) -> PalierError:
    """The error for a child that ended with `code`, which becomes the demo's own exit code where it means something."""
    known = code in EXIT_MEANINGS and code != ExitCode.DONE
    meaning = EXIT_MEANINGS[ExitCode(code)] if known else f"unasked, with exit code {code}"
    last_words = child.last_words(1)
    error = PalierError(f"the {child.name} ended: {meaning}{f'; it said: {last_words}' if last_words else ''}")
    error.exit_code = ExitCode(code) if known else ExitCode.INTERNAL
    return error
