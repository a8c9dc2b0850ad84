"""Recoveries, each by a process of its own: a real worker with either store, and a stock Faust table beside it."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.faust_table import TABLE
from benchmarks.loading import load
from benchmarks.measured import MeasuredProcess
from benchmarks.moving import Resting, contacts
from benchmarks.workload import Arrival
from palier.engine.meta import Envelope
from palier.kafka.cluster import connect
from palier.kafka.ports import free_port
from palier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS: Final = Path(__file__).parents[1]
LIMIT_S: Final = 900.0
POLL_S: Final = 0.05
APART_S: Final = 5  # between the moments at which two contacts fall due
LONGEST_S: Final = 60 * 86_400
AFTERWARDS_S: Final = 1.0  # the most memory may be needed just after the last record
NEVER_S: Final = 1e10  # a grace with which no timer fires: or a crowd of demotions would follow at once
FAUST: Final = "stock Faust"
MOMENT: Final = r"^(\S+ \S+) \S+ +palier.engine.\S+: "
GENERATION: Final = re.compile(MOMENT + r"generation \d+: partitions \[\d", re.MULTILINE)
RECOVERED: Final = re.compile(MOMENT + r"recovered (\d+) changelog records of [1-9]", re.MULTILINE)
OF_FAUST: Final = re.compile(r"(assigned|recovered) (\d+\.\d+) ?(\d*)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One process, from its start until it has recovered. `records`: those read of the changelog."""

    name: str
    contacts: int
    records: int
    from_start_s: float
    from_assignment_s: float
    cpu_s: float
    peak_bytes: int
    later_bytes: int | None  # resident a second later
    faults: tuple[str, ...] = field(default=())


def crowd(count: int) -> Iterator[tuple[bytes, Resting]]:
    """So many contacts, without records of tier-current.

    They share states, but each falls due at a moment of its own: what a worker notes of that takes memory.
    """
    for number, (key, contact) in enumerate(contacts(count)):
        _, due_s = Envelope.version_and_due(contact.state)
        envelope = Envelope.pack(Envelope.VERSION, 1, 0, due_s + APART_S * number % LONGEST_S if due_s else 0)
        yield key, Resting(envelope + contact.state[Envelope.SIZE :], contact.tier, None)


def recover(name: str, settings: Settings, folder: Path, expected: int, contacts: int) -> Recovery:
    """Run a worker until it has recovered `expected` changelog records, and stop it in good order."""
    variables = {f"PALIER_{member.upper()}": str(value) for member, value in settings if value is not None}
    variables["PALIER_METRICS_PORT"] = str(free_port())
    log = folder / f"{name.replace(':', '').replace('/', '').replace(' ', '-').replace(',', '')}.log"
    started = time.time()
    with MeasuredProcess([sys.executable, "-m", "palier_tiers"], log, variables, None) as process:
        _wait_for(RECOVERED, process)
        time.sleep(AFTERWARDS_S)
        text = log.read_text()
        assigned, recovered = (_last(pattern, text) for pattern in (GENERATION, RECOVERED))
        done, records = _moment(recovered[1]), int(recovered[2])
        later = process.samples[-1].resident
        cpu_s = process.cpu_s_between(started, done)
        code = process.stop()
    faults = [f"exit code {code}"] if code else []
    if records != expected:
        faults.append(f"{records} records read, {expected} expected")
    return Recovery(
        name=name,
        contacts=contacts,
        records=records,
        from_start_s=done - started,
        from_assignment_s=done - _moment(assigned[1]),
        cpu_s=cpu_s,
        peak_bytes=process.peak_bytes(),
        later_bytes=later,
        faults=tuple(faults),
    )


def recover_with_faust(brokers: str, partitions: int, folder: Path, count: int) -> Recovery:
    """The same keys and values in the changelog of a stock Faust table, and its recovery."""
    app_id = "stock-faust"
    changelog = f"{app_id}-{TABLE}-changelog"
    asyncio.run(_create(brokers, changelog, partitions))
    # Without transactions: stock recovery would wait for ever for the record at the place of the last marker.
    load(brokers, changelog, (Arrival(key, contact.state) for key, contact in crowd(count)))
    command = [sys.executable, "-m", "benchmarks.faust_table", app_id, brokers, str(partitions), str(folder / "faust")]
    started = time.time()
    with MeasuredProcess(command, folder / "faust.log", {"PYTHONPATH": str(TESTS)}, None) as process:
        process.wait()
        told = {what: (float(moment), keys) for what, moment, keys in OF_FAUST.findall(process.log.read_text())}
        if "recovered" not in told:
            process.check()
    (assigned, _), (done, keys) = told["assigned"], told["recovered"]
    return Recovery(
        name=FAUST,
        contacts=count,
        records=count,
        from_start_s=done - started,
        from_assignment_s=done - assigned,
        cpu_s=process.cpu_s_between(started, done),
        peak_bytes=process.peak_bytes(),
        later_bytes=None,  # it has ended
        faults=() if int(keys) == count else (f"{keys} keys recovered of {count}",),
    )


async def _create(brokers: str, topic: str, partitions: int) -> None:
    async with connect(Settings(brokers=brokers)) as cluster:
        await cluster.create(topic, partitions, 1, {"cleanup.policy": "compact"})


def _wait_for(pattern: re.Pattern[str], process: MeasuredProcess) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not pattern.search(process.log.read_text(errors="replace")):
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done after {LIMIT_S:.0f} s: {process.log.read_text()[-2_000:]}")
        time.sleep(POLL_S)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    return list(pattern.finditer(text))[-1]


def _moment(written: str) -> float:
    """Seconds since the epoch of a moment as logging writes it, in local time."""
    return datetime.strptime(written, "%Y-%m-%d %H:%M:%S,%f").timestamp()  # noqa: DTZ007 - it is local time
