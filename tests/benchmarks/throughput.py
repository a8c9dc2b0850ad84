"""Palier beside an idiomatic Faust agent and bare reading, on one broker of its own, in rounds.

    PYTHONPATH=tests python -m benchmarks.throughput --touchpoints 400000 --rounds 3

Starts a local Apache Kafka, loads the touchpoints once, runs every candidate in each round, in turns of order, prints
one Markdown table and stops what it started. Figures come from the same minutes on the same machine: compare them with
each other, not with those of another day. Exit code 1: a touchpoint or an output was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import report
from benchmarks.candidates import Bench, palier_settings, run_compiled, run_faust, run_palier, run_reading
from benchmarks.loading import load
from benchmarks.workload import arrivals, contacts_for
from palier.kafka.local import LocalKafka
from palier.kafka.topics import apply_topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Result

CANDIDATES: Final = {"palier": run_palier, "compiled": run_compiled, "faust": run_faust, "reading": run_reading}
TOPIC: Final = "touchpoints"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every `with` stops what it started
    with tempfile.TemporaryDirectory(prefix="palier-benchmark-") as folder:
        results = run(options, Path(folder))
    print(report.table(results))
    print(f"\n{report.versions()}.\n{report.machine()}.")
    if options.json:
        text = json.dumps(report.to_json(results, {**vars(options), "json": str(options.json)}), indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    faults = [f"{of.candidate}, round {of.round}: {fault}" for of in results for fault in of.faults]
    for fault in faults:
        print(f"WRONG COUNTS: {fault}")
    return 1 if faults else 0


def run(options: argparse.Namespace, folder: Path) -> list[Result]:
    """Broker, load, rounds."""
    contacts = options.contacts or contacts_for(options.touchpoints)
    sizes = dict.fromkeys(("palier", "compiled", "reading"), options.touchpoints)
    sizes["faust"] = options.faust_touchpoints or max(1, options.touchpoints // 10)
    results = []
    with LocalKafka(folder / "kafka", say=report.say, heap="1g") as kafka:
        bench = Bench(
            brokers=kafka.brokers,
            kafka_dir=folder / "kafka",
            work_dir=folder,
            topic=TOPIC,
            partitions=options.partitions,
            core=options.core,
        )
        asyncio.run(apply_topics(palier_settings(bench, 0), lambda _line: None))
        started = time.monotonic()
        size = load(kafka.brokers, TOPIC, arrivals(options.touchpoints, contacts, options.seed))
        report.say(
            f"loaded {options.touchpoints:,} touchpoints of {size / options.touchpoints:.0f} bytes from up to "
            f"{contacts:,} contacts in {time.monotonic() - started:.0f} s"
        )
        names = options.candidates
        for number in range(1, options.rounds + 1):
            turn = (number - 1) % len(names)
            for name in (*names[turn:], *names[:turn]):
                result = CANDIDATES[name](bench, sizes[name], number)
                report.say(
                    f"round {number}: {result.candidate}: {result.per_second:,.0f}/s, {result.cpu_us:.1f} us CPU each"
                )
                results.append(result)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__.partition("\n")[0])
    parser.add_argument("--touchpoints", type=int, default=400_000, help="loaded and folded (%(default)s)")
    parser.add_argument("--faust-touchpoints", type=int, help="of these, for the Faust agent (a tenth)")
    parser.add_argument("--contacts", type=int, help="how many at most (a twentieth, 20 000 to 200 000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each candidate runs (%(default)s)")
    parser.add_argument("--partitions", type=int, default=4, help="of every topic (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the touchpoints (%(default)s)")
    parser.add_argument("--core", type=int, help="the only core the candidates may use (all); Kafka is not bound")
    parser.add_argument(
        "--candidates", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES), help="which (all)"
    )
    parser.add_argument("--json", type=Path, help="file for everything measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
