"""Worker processes, as a supervisor starts and ends them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

COMMAND = [sys.executable, "-m", "palier_tiers"]
ENDPOINT = re.compile(r"metrics and health on (http://\S+)")


def environment(settings, **more):
    """The variables of a process that is to have these settings, and nothing of ours besides."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PALIER_")}
    ours = {f"PALIER_{name.upper()}": str(value) for name, value in settings if value is not None}
    return {**outside, **ours, **more}


def run_to_its_end(environment, limit_s=30):
    """A worker that is expected to end by itself: (exit code, lines on stderr)."""
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=limit_s, check=False)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


class Worker:
    """One worker process, started at once; a context manager that leaves none behind."""

    def __init__(self, settings, folder, command=COMMAND, **more):
        """`more`: variables on top of `settings`. The log goes to `folder`, all starts in one file."""
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.log_path = folder / "worker.log"
        self.exits = []
        self._command = command
        self._environment = environment(settings, PALIER_DATA_DIR=str(folder / "data"), **more)
        self.start()

    def start(self, **more):
        """Start or start again; `more`: variables of this start alone."""
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment | more, stdout=log, stderr=log)

    def keep_running(self):
        """What a supervisor does: start it again if it ended."""
        if self.process.poll() is not None:
            self.exits.append(self.process.returncode)
            self.start()

    def kill(self):
        """Kill -9, and no new start."""
        self.process.kill()
        self.process.wait()

    def stop(self, number=signal.SIGTERM, limit_s=10):
        """Send a signal; returns the exit code, `late` if the process had to be killed."""
        self.process.send_signal(number)
        return self.wait(limit_s)

    def wait(self, limit_s):
        """The exit code once the process has ended, `late` if it had to be killed."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return "late"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    # --- what it says -------------------------------------------------------------------------------------------------
    @property
    def log(self):
        """Everything it has written so far, over all starts."""
        return self.log_path.read_text()

    @property
    def last_words(self):
        """The line with which the last start ended, without "palier: "; empty if it said none."""
        said = [line for line in self._said().splitlines() if line.startswith("palier: ")]
        return said[-1].removeprefix("palier: ") if said else ""

    def _said(self):
        return self.log_path.read_bytes()[self._log_start :].decode(errors="replace")

    @property
    def endpoint(self):
        """Address of metrics and health of the running process; None as long as it has not said so."""
        found = ENDPOINT.search(self._said())
        return found and found[1]

    def wait_until_ready(self, limit_s=30):
        """Until it has joined its group and recovered whatever it was given."""
        deadline = time.monotonic() + limit_s
        while not self.is_ready():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log}"
            assert time.monotonic() < deadline, f"not ready: {self.log}"
            time.sleep(0.05)

    def wait_until_committed(self, limit_s=60):
        """Until it has committed a first checkpoint."""
        self.wait_until_ready(limit_s)
        deadline = time.monotonic() + limit_s
        while not self.metric("palier_checkpoints_total")['outcome="committed"']:
            assert time.monotonic() < deadline, f"nothing committed: {self.log}"
            time.sleep(0.02)

    def is_ready(self):
        """It has joined its group and recovered whatever it was given."""
        try:
            return self.endpoint is not None and self._get("/readyz") is not None
        except (urllib.error.URLError, ConnectionError):  # not yet, or no more
            return False

    def metric(self, name):
        """Every sample of a metric: {labels as text: value}."""
        sample = re.compile(rf"^{name}(?:{{(.*)}})? (\S+)$", re.MULTILINE)
        return {labels: float(value) for labels, value in sample.findall(self._get("/metrics"))}

    def _get(self, path):
        with urllib.request.urlopen(f"{self.endpoint}{path}", timeout=10) as answer:
            return answer.read().decode()
