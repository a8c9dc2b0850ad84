"""A candidate as a child process: its log, its CPU time and memory over time, and a decent end."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Self

import psutil

from benchmarks.progress import interpolate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SAMPLE_S = 0.05
STOP_S = 30.0
LOG_TAIL = 2_000


class Sample(NamedTuple):
    """CPU seconds used so far and bytes resident now, children included, at a moment of the wall clock."""

    moment: float
    cpu_s: float
    resident: int


class MeasuredProcess:
    """Runs a command and watches it from a thread of its own. A context manager: what it started, it ends."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str], core: int | None) -> None:
        """Starts at once; `core`: the only one it may run on."""
        self.log = log
        self.samples: list[Sample] = []
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment}
            )
        self._watched = psutil.Process(self._process.pid)
        if core is not None:
            self._watched.cpu_affinity([core])  # before it has threads: they inherit it
        self._ended = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._watching.join()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raises RuntimeError, with the end of its log, if it has ended by itself."""
        if self._process.poll() is not None:
            raise RuntimeError(
                f"ended with {self._process.returncode}: {self.log.read_text(errors='replace')[-LOG_TAIL:]}"
            )

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._ended.set()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def wait(self) -> int:
        """The exit code of a command that ends by itself."""
        return self._process.wait()

    def cpu_s_between(self, start: float, end: float) -> float:
        """CPU seconds used between two moments."""
        curve = [(sample.moment, sample.cpu_s) for sample in self.samples]
        return interpolate(curve, end) - interpolate(curve, start)

    def peak_bytes(self) -> int:
        """The most bytes that were resident at a time."""
        return max(sample.resident for sample in self.samples)

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            try:
                family = [self._watched, *self._watched.children(recursive=True)]
                times = [member.cpu_times() for member in family]
                resident = sum(member.memory_info().rss for member in family)
            except psutil.NoSuchProcess:
                return
            self.samples.append(Sample(time.time(), sum(of.user + of.system for of in times), resident))
