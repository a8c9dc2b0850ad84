"""How long a worker takes to recover many contacts, with either store, beside a stock Faust table; and in how much memory.

    PYTHONPATH=tests python -m benchmarks.recovery --contacts 1000000

Starts a local Apache Kafka, fills the changelog of an application with states of typical contacts (50 touchpoints in 90
days), starts a real worker on it with memory://, with rocksdb:// and an empty disk, and with rocksdb:// again on the files
that were left; then a stock Faust table over the same keys and values. Prints one Markdown table and stops what it started.
Exit code 1: a recovery read too little or too much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import report
from benchmarks.moving import END_MS, fill
from benchmarks.recovering import FAUST, NEVER_S, crowd, recover, recover_with_faust
from palier.kafka.local import LocalKafka
from palier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.recovering import Recovery

MEMORY, COLD, WARM = "memory://", "rocksdb://, empty disk", "rocksdb://, warm"
CANDIDATES: Final = (MEMORY, COLD, WARM, FAUST)
ROWS: Final[dict[str, Callable[[Recovery], float | None]]] = {
    "contacts": lambda of: of.contacts,
    "s from start of the process": lambda of: of.from_start_s,
    "s from assignment": lambda of: of.from_assignment_s,
    "us from assignment, per contact": lambda of: 1e6 * of.from_assignment_s / of.contacts,
    "changelog records read": lambda of: of.records,
    "records/s": lambda of: of.records / of.from_assignment_s,
    "CPU s": lambda of: of.cpu_s,
    "peak memory, MiB": lambda of: of.peak_bytes / 2**20,
    "memory a second later, MiB": lambda of: None if of.later_bytes is None else of.later_bytes / 2**20,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every `with` stops what it started
    with tempfile.TemporaryDirectory(prefix="palier-recovery-") as folder:
        size, recoveries = run(options, Path(folder))
    print(f"States of {size} bytes in the mean, {options.partitions} partitions.\n")
    print(table(recoveries))
    print(f"\n{report.versions()}.\n{report.machine()}.")
    if options.json:
        results = [asdict(recovery) for recovery in recoveries]
        options.json.write_text(json.dumps({"machine": report.machine(), "results": results}, indent=1) + "\n")
    faults = [f"{of.name}: {fault}" for of in recoveries for fault in of.faults]
    for fault in faults:
        print(f"WRONG COUNTS: {fault}")
    return 1 if faults else 0


def run(options: argparse.Namespace, folder: Path) -> tuple[int, list[Recovery]]:
    """Broker, changelog, recoveries one after the other; bytes of a state in the mean come first."""
    recoveries = []
    with LocalKafka(folder / "kafka", say=report.say, heap="1g") as kafka:
        settings = Settings(
            brokers=kafka.brokers,
            partitions=options.partitions,
            data_dir=folder / "data",
            timer_grace=NEVER_S,
        )
        report.say(f"writing the states of {options.contacts:,} contacts")
        size = asyncio.run(fill(settings, crowd(options.contacts), END_MS))
        on_disk = settings.model_copy(update={"store": "rocksdb://"})
        everything = options.contacts + options.partitions  # one META each
        for name, used, expected in (
            (MEMORY, settings, everything),
            (COLD, on_disk, everything),
            (WARM, on_disk, options.partitions),
        ):
            if name in options.candidates:
                recoveries.append(recover(name, used, folder, expected, options.contacts))
                report.say(f"{name}: {recoveries[-1].from_assignment_s:.1f} s")
        if FAUST in options.candidates:
            count = options.faust_contacts or options.contacts
            recoveries.append(recover_with_faust(kafka.brokers, options.partitions, folder, count))
            report.say(f"{FAUST}: {recoveries[-1].from_assignment_s:.1f} s")
    return size, recoveries


def table(recoveries: Sequence[Recovery]) -> str:
    """A column for each; beside stock Faust, how many times as fast per contact."""
    lines = [f"| | {' | '.join(of.name for of in recoveries)} |", "|---" + "|---:" * len(recoveries) + "|"]
    for row, figure in ROWS.items():
        lines.append(f"| {row} | {' | '.join(report.number(figure(of)) for of in recoveries)} |")
    stock = next((of for of in recoveries if of.name == FAUST), None)
    if stock is not None:
        factors = [stock.from_assignment_s / stock.contacts / (of.from_assignment_s / of.contacts) for of in recoveries]
        lines.append(f"| times as fast as {FAUST} | {' | '.join(map(report.number, factors))} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--faust-contacts", type=int, help="how many for stock Faust, which takes its time (as many)")
    parser.add_argument("--partitions", type=int, default=8, help="of every topic (%(default)s)")
    parser.add_argument(
        "--candidates",
        nargs="+",
        choices=CANDIDATES,
        default=CANDIDATES,
        help="which (all); a warm disk needs a cold one",
    )
    parser.add_argument("--json", type=Path, help="file for everything measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
