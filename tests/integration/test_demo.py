"""`palier demo`: the whole product on a real broker, and nothing left of it afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from palier.kafka.local import FoundKafka

CHANGE = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d  c-\d{6}  [a-z-]+( -> [a-z-]+| \([+-].*\))"
    r"  (because .*[a-z]+\.[a-z]+ (x\d+ )?[+-][0-9.]+|converted: .*|silent too long: .*|permission .*|erased .*|.* down to .*)"
)
SMALL = ("--contacts", "300", "--no-live")
STARTS_WITHIN_S = 150


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the demo puts its folder, so that a test sees what is left there."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@contextmanager
def demo(
    kafka: FoundKafka, scratch: Path, *arguments: str, own_broker: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A running demo; whatever happens in the test, it is gone afterwards."""
    environment = {**os.environ, "TMPDIR": str(scratch), "PALIER_PARTITIONS": "2"}
    if not own_broker:
        environment["PALIER_BROKERS"] = kafka.brokers
    command = [sys.executable, "-m", "palier_cli", "demo", *SMALL, *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> list[str]:
    """Lines of the demo up to the first that matches."""
    assert process.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + STARTS_WITHIN_S
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            return lines
        assert time.monotonic() < deadline, lines[-5:]
    raise AssertionError(f"the demo ended: {lines[-5:]} {process.stderr and process.stderr.read()}")


def rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """(what it prints from now on, everything on stderr), when it has ended by itself.

    Not communicate(): that reads past what `read_until` has left in the stream's buffer.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    process.wait(120)
    return out, err


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_it_shows_tier_changes_with_their_reasons_and_leaves_nothing(kafka: FoundKafka, scratch: Path) -> None:
    """On its own broker: within seconds changes scroll by; at the end no process, no file, exit code 0, and a true count."""
    if kafka.kind == "given":
        pytest.skip("PALIER_BROKERS is set: the demo would not start a broker of its own")
    with demo(kafka, scratch, "--seconds", "15", own_broker=True) as process:
        lines = read_until(process, r" -> ")
        started = descendants(process)
        out, err = rest_of(process)
    lines += out.splitlines()
    assert (process.returncode, err) == (ExitCode.DONE, "")
    assert len(started) >= 2
    changes = [line for line in lines if re.match(r"\d{4}-", line)]
    assert len(changes) > 20
    assert [line for line in changes if not CHANGE.fullmatch(line)] == []
    told = re.fullmatch(r"Done: (\d+) touchpoints became (\d+) tier changes, .* Nothing is left running\.", lines[-1])
    assert told is not None, lines[-1]
    assert int(told[2]) == len(changes) < int(told[1])
    assert [child for child in started if child.is_running()] == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(kafka: FoundKafka, scratch: Path, number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal alike: exit code 130, what was done is told, nothing is left."""
    with demo(kafka, scratch) as process:
        read_until(process, r" -> ")
        started = descendants(process)
        process.send_signal(number)
        out, err = rest_of(process)
    assert (process.returncode, err) == (ExitCode.INTERRUPTED, "")
    assert out.splitlines()[-1].startswith("Stopped: ")
    assert len(started) == 2
    assert [child for child in started if child.is_running()] == []
    assert list(scratch.iterdir()) == []


def test_ctrl_c_before_the_traffic_is_as_clean(kafka: FoundKafka, scratch: Path) -> None:
    """Impatience while the worker starts leaves nothing either."""
    with demo(kafka, scratch) as process:
        read_until(process, "Kafka at ")
        process.send_signal(signal.SIGINT)
        _, err = rest_of(process)
    assert (process.returncode, err) == (ExitCode.INTERRUPTED, "")
    assert list(scratch.iterdir()) == []


def test_a_killed_worker_is_started_again_and_goes_on(kafka: FoundKafka, scratch: Path) -> None:
    """Crash-only on show: kill -9 the worker, and after a moment the changes go on."""
    with demo(kafka, scratch) as process:
        read_until(process, r" -> ")
        (worker,) = [child for child in descendants(process) if "palier_tiers" in _command_line(child)]
        worker.kill()
        read_until(process, r"^-- .*worker starting again")
        read_until(process, r"^-- .*worker running, restarted 1 x")
        read_until(process, r" -> ")
        process.send_signal(signal.SIGINT)
        out, _ = rest_of(process)
    assert "the worker was once restarted" in out


def test_on_a_given_broker_it_uses_topics_of_its_own_and_deletes_them(kafka: FoundKafka, scratch: Path) -> None:
    """Others' topics stay untouched; its own carry a prefix that is told, and are gone afterwards."""
    with demo(kafka, scratch, "--seconds", "3") as process:
        (*_, told) = read_until(process, "topics of this demo begin with ")
        prefix = told.split("begin with ")[1].split()[0]
        read_until(process, "worker ready")
        assert {name for name in _topics(kafka) if name.startswith(prefix)} != set()
        rest_of(process)
    assert process.returncode == ExitCode.DONE
    assert {name for name in _topics(kafka) if name.startswith(prefix)} == set()


def test_a_broken_pack_ends_the_demo_before_it_begins(kafka: FoundKafka, scratch: Path, tmp_path: Path) -> None:
    """One line, exit code 2, nothing started and nothing left."""
    pack = tmp_path / "broken.toml"
    pack.write_text("name = 'broken'\n")
    environment = {**os.environ, "TMPDIR": str(scratch), "PALIER_BROKERS": kafka.brokers, "PALIER_PACK": str(pack)}
    command = [sys.executable, "-m", "palier_cli", "demo", *SMALL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == ExitCode.WRONG_USE
    assert str(pack) in line
    assert list(scratch.iterdir()) == []


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _topics(kafka: FoundKafka) -> set[str]:
    import asyncio

    from aiokafka.admin import AIOKafkaAdminClient

    async def names() -> set[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.brokers)
        await admin.start()
        try:
            return set(await admin.list_topics())
        finally:
            await admin.close()

    return asyncio.run(names())


def test_a_reader_that_leaves_early_ends_the_demo_quietly(kafka: FoundKafka, scratch: Path) -> None:
    """`palier demo --no-live | head`: everything ends, without a complaint."""
    with demo(kafka, scratch) as process:
        read_until(process, r" -> ")
        started = descendants(process)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == ExitCode.DONE
        assert process.stderr.read() == ""
    assert [child for child in started if child.is_running()] == []
    assert list(scratch.iterdir()) == []


def test_a_broker_that_is_not_there_is_one_line(scratch: Path) -> None:
    """Exit code 69 after PALIER_STARTUP_TIMEOUT; nothing is started for it."""
    environment = {
        **os.environ,
        "TMPDIR": str(scratch),
        "PALIER_BROKERS": "127.0.0.1:9",
        "PALIER_STARTUP_TIMEOUT": "0.5",
    }
    command = [sys.executable, "-m", "palier_cli", "demo", *SMALL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, list(scratch.iterdir())) == (ExitCode.UNAVAILABLE, [])
    assert "127.0.0.1:9" in line


def test_in_a_terminal_it_draws_one_screen_and_gives_the_terminal_back(kafka: FoundKafka, scratch: Path) -> None:
    """80 x 24: the other screen of the terminal is taken, drawn within its size, and left; the last line tells the rest."""
    seen, code = _in_terminal(
        [sys.executable, "-m", "palier_cli", "demo", "--contacts", "300", "--seconds", "6"],
        {**os.environ, "TMPDIR": str(scratch), "PALIER_BROKERS": kafka.brokers, "TERM": "xterm-256color"},
    )
    taken, given_back = seen.index("\x1b[?1049h"), seen.rindex("\x1b[?1049l")
    screen = seen[taken:given_back]
    assert code == ExitCode.DONE
    for part in ("Palier demo", "engaged-to-influence", "touchpoints/s", "Latest tier changes", "Ctrl-C ends it all"):
        assert part in screen
    frames = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame) for frame in screen.split("\x1b[H")[1:]]
    assert max(frame.count("\n") for frame in frames) < 24
    assert max(len(line.rstrip("\r")) for frame in frames for line in frame.split("\n")) <= 80
    assert "Done: " in seen[given_back:]


def _in_terminal(command: list[str], environment: dict[str, str]) -> tuple[str, int]:
    """Run a command in a terminal of 80 x 24; all it wrote there, and its exit code."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = bytearray()
        with suppress(OSError):  # the terminal is gone once the command has ended
            while data := os.read(ours, 65_536):
                written += data
        os.close(ours)
        return written.decode(), process.wait(timeout=60)
