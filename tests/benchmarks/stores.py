"""What the stores cost, side by side: time per record, memory, disk, reopening.

    PYTHONPATH=tests python -m benchmarks.stores --states 100000 1000000

One partition, one process for each measurement. States are 800 bytes: a typical contact's (50 touchpoints in 90 days),
filled up with noise, so that they compress no better than real ones. Needs no Kafka; prints one Markdown table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from benchmarks import report
from benchmarks.moving import typical
from palier.contracts.contact_state import encode_state
from palier.engine.meta import Envelope, Meta
from palier.engine.rocksdb_store import RocksStore
from palier.engine.store import Mark, MemoryStore, StateStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STORES: Final = ("memory://", "rocksdb://")
STATE_BYTES: Final = 800
DISTINCT: Final = 200  # states folded; the number at the end makes each one its own
BATCH: Final = 5_000  # states in a write: a checkpoint under load
LOOKS: Final = 100_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One store with so many states. `None`: the store has no such thing."""

    store: str
    states: int
    write_us: float
    write_cpu_us: float
    overwrite_us: float
    slowest_write_ms: float
    get_us: float
    get_cpu_us: float
    get_absent_us: float
    items_s: float
    clear_s: float
    resident_bytes: int
    disk_bytes: int | None = None
    close_s: float | None = None
    open_s: float | None = None
    items_reopened_s: float | None = None
    get_reopened_us: float | None = None
    get_reopened_cpu_us: float | None = None


ROWS: Final[dict[str, Callable[[Figures], float | None]]] = {
    "write, us per state": lambda of: of.write_us,
    "write, CPU us of the calling thread": lambda of: of.write_cpu_us,
    "write again in random order, us per state": lambda of: of.overwrite_us,
    f"slowest write of {BATCH:,}, ms": lambda of: of.slowest_write_ms,
    "get, us": lambda of: of.get_us,
    "get, CPU us": lambda of: of.get_cpu_us,
    "get what is not there, us": lambda of: of.get_absent_us,
    "items() over all, s": lambda of: of.items_s,
    "memory (RSS), MiB": lambda of: of.resident_bytes / 2**20,
    "disk, MiB": lambda of: of.disk_bytes and of.disk_bytes / 2**20,
    "close, s": lambda of: of.close_s,
    "open again, s": lambda of: of.open_s,
    "items() over all after opening, s": lambda of: of.items_reopened_s,
    "get after opening, us": lambda of: of.get_reopened_us,
    "get after opening, CPU us": lambda of: of.get_reopened_cpu_us,
    "clear, s": lambda of: of.clear_s,
}


def templates() -> list[bytes]:
    """States as they rest, without the last eight bytes."""
    chance = Random(0)
    states = [Envelope.pack(Envelope.VERSION, 1, 0, 0) + encode_state(typical(seed)[0]) for seed in range(DISTINCT)]
    return [(state + chance.randbytes(STATE_BYTES))[: STATE_BYTES - 8] for state in states]


def key_of(number: int) -> bytes:
    """A contact's key."""
    return b"contact-%012d" % number


class Written(NamedTuple):
    """Seconds of many writes: together, CPU of the calling thread, the slowest one."""

    wall: float
    cpu: float
    slowest: float


def write_all(store: StateStore, numbers: Sequence[int], ends: list[bytes]) -> Written:
    """Write a state for each number; making the states is not counted."""
    wall = cpu = slowest = 0.0
    for first in range(0, len(numbers), BATCH):
        states = [(key_of(one), ends[one % DISTINCT] + b"%08d" % one) for one in numbers[first : first + BATCH]]
        started, started_cpu = time.perf_counter(), time.thread_time()
        store.write(states, Mark(Meta(batch_number=first), first, int(time.time() * 1000)))
        taken = time.perf_counter() - started
        wall, cpu, slowest = wall + taken, cpu + time.thread_time() - started_cpu, max(slowest, taken)
    return Written(wall, cpu, slowest)


def look(store: StateStore, keys: Sequence[bytes], *, is_there: bool) -> tuple[float, float]:
    """Microseconds for one get: on the clock, and CPU."""
    started, started_cpu = time.perf_counter(), time.thread_time()
    found = sum(store.get(key) is not None for key in keys)
    taken, taken_cpu = time.perf_counter() - started, time.thread_time() - started_cpu
    assert found == (len(keys) if is_there else 0)
    return taken / len(keys) * 1e6, taken_cpu / len(keys) * 1e6


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def drain(entries: Iterator[object]) -> None:
    """Read to the end, keep nothing."""
    deque(entries, maxlen=0)


def measure(name: str, count: int, folder: Path) -> Figures:
    """Everything about one store, in this process."""
    chance, ends = Random(1), templates()
    before = psutil.Process().memory_info().rss
    store: StateStore = MemoryStore() if name == "memory://" else RocksStore(folder, limit_s=3_600)
    written = write_all(store, range(count), ends)
    resident = psutil.Process().memory_info().rss - before
    again = chance.sample(range(count), count)
    overwritten = write_all(store, again, ends)
    present = [key_of(chance.randrange(count)) for _ in range(LOOKS)]
    absent = [b"nobody-%012d" % number for number in range(LOOKS)]
    get_us, get_cpu_us = look(store, present, is_there=True)
    figures = Figures(
        store=name,
        states=count,
        write_us=written.wall / count * 1e6,
        write_cpu_us=written.cpu / count * 1e6,
        overwrite_us=overwritten.wall / count * 1e6,
        slowest_write_ms=max(written.slowest, overwritten.slowest) * 1e3,
        get_us=get_us,
        get_cpu_us=get_cpu_us,
        get_absent_us=look(store, absent, is_there=False)[0],
        items_s=seconds(lambda: drain(store.items())),
        clear_s=0.0,
        resident_bytes=resident,
    )
    if isinstance(store, RocksStore):
        resident = max(resident, psutil.Process().memory_info().rss - before)
        close_s, started = seconds(store.close), time.perf_counter()
        store = RocksStore(folder, limit_s=3_600)
        open_s, items_s = time.perf_counter() - started, seconds(lambda: drain(store.items()))
        get_us, get_cpu_us = look(store, present, is_there=True)
        figures = dataclasses.replace(
            figures,
            resident_bytes=resident,
            close_s=close_s,
            open_s=open_s,
            items_reopened_s=items_s,
            get_reopened_us=get_us,
            get_reopened_cpu_us=get_cpu_us,
            disk_bytes=sum(file.stat().st_size for file in folder.iterdir()),
        )
    figures = dataclasses.replace(figures, clear_s=seconds(store.clear))
    store.close()
    return figures


def measured_apart(name: str, count: int) -> Figures:
    """The same, in a process of its own: its memory is the store's."""
    command = [sys.executable, "-m", "benchmarks.stores", "--only", name, "--states", str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return Figures(**json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment).stdout))


def table(results: Sequence[Figures]) -> str:
    """A column for each store and number of states."""
    lines = [
        f"| | {' | '.join(f'{of.store}, {of.states:,}' for of in results)} |",
        "|---" + "|---:" * len(results) + "|",
    ]
    for row, figure in ROWS.items():
        cells = ("" if (value := figure(of)) is None else f"{value:,.2f}" for of in results)
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stores", description=__doc__.partition("\n")[0])
    parser.add_argument("--states", type=int, nargs="+", default=[100_000, 1_000_000], help="how many (%(default)s)")
    parser.add_argument("--only", choices=STORES, help="measure one store in this process and print JSON")
    options = parser.parse_args(arguments)
    if options.only:
        with tempfile.TemporaryDirectory(prefix="palier-stores-") as folder:
            print(json.dumps(dataclasses.asdict(measure(options.only, options.states[0], Path(folder) / "copy"))))
        return 0
    print(table([measured_apart(name, count) for count in options.states for name in STORES]))
    print(f"\nrocksdict {report.version('rocksdict')}; {report.versions()}.\n{report.machine()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
