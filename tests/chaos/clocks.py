"""The wall clock as one process sees it, put forward and back while it runs. Its monotonic clock goes on undisturbed."""

from __future__ import annotations

import time
from pathlib import Path

from external_tools import external_tool

HOUR_S, DAY_S = 3_600, 86_400
LIBRARY = "faketime/libfaketimeMT.so.1"  # the one for processes with threads


class WallClock:
    """A clock of its own for each process that is started with `environment`; right until it is set."""

    def __init__(self, folder):
        """Needs libfaketime, as Debian's package `faketime` brings it. `folder`: where the offset lies."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "clock"
        self.ahead_s = 0
        self.set_ahead(0)

    @property
    def environment(self):
        """Variables on top of the process's own."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # Event loops, time-outs and the watchdog live by it.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # The times of files stay what they are: RocksDB and we compare them with each other only.
            "NO_FAKE_STAT": "1",
        }

    def set_ahead(self, seconds):
        """From now on the process's clock is so many seconds ahead of the true one; less than 0: behind."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)  # never half written before the eyes of its reader
        self.ahead_s = seconds

    def now_ms(self):
        """What the process takes for the time."""
        return time.time_ns() // 1_000_000 + self.ahead_s * 1_000


def _library():
    """Beside the program: PREFIX/bin/faketime, PREFIX/lib/[architecture/]faketime/."""
    prefix = Path(external_tool("faketime")).resolve().parents[1]
    return next(path for pattern in (f"lib/{LIBRARY}", f"lib/*/{LIBRARY}") for path in prefix.glob(pattern))
