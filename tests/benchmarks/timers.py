"""A million contacts who all fall due within one minute, while touchpoints of others keep coming.

    PYTHONPATH=tests python -m benchmarks.timers --contacts 1000000

Starts a local Apache Kafka, writes the state of contacts who lose a tier in the same minute of event time, loads
touchpoints of others before, during and after that minute, runs one worker over it at full speed, prints Markdown tables
and stops what it started. The minute passes in event time, as fast as the worker reads: in a few seconds, not in sixty.
Exit code 1: a demotion or a touchpoint was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import report
from benchmarks.candidates import POLL_S, Bench, scraped
from benchmarks.contents import records_of
from benchmarks.loading import load
from benchmarks.moving import fill
from benchmarks.progress import interpolate
from benchmarks.silence import DISTINCT, FROM_MS, MINUTE_MS, copies, moments, silent_contacts, traffic
from palier.contracts.records import BATCH_HEADER
from palier.contracts.topics import topic_contracts
from palier.engine.meta import META_KEY, decode_meta
from palier.kafka.local import LocalKafka
from palier.kafka.ports import free_port
from palier.settings import Settings
from worker_kit.topics import set_on_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measured import Sample
    from benchmarks.silence import Silent

NEVER_S: Final = 1e10
LIMIT_S: Final = 3600.0
WARM_UP_S: Final = 2.0  # after the first transaction
SETTLED_S: Final = 5.0  # watched once everything is done
ROWS: Final = 16
MIB: Final = 2**20
FILLED: Final = 1  # the batch number that the states are written with

Curve = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of the run. `resident`: bytes, at its beginning, at most, and at its end."""

    name: str
    seconds: float
    touchpoints_per_second: float
    demotions_per_second: float
    cpu_share: float
    resident: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the run gave. `course`: rows of (second, touchpoints/s, demotions/s, resident bytes)."""

    phases: list[Phase]
    course: list[tuple[float, float, float, int]]
    demotions: int
    touchpoints: int
    faults: list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    options = _parser().parse_args(arguments)
    options.touchpoints = options.touchpoints or 5 * options.contacts
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every `with` stops what it started
    with tempfile.TemporaryDirectory(prefix="palier-timers-") as folder:
        outcome = run(options, Path(folder))
    print(f"{options.contacts:,} contacts due within a minute, {outcome.touchpoints:,} touchpoints of others\n")
    print(phase_table(outcome.phases))
    print(f"\n{course_table(outcome.course)}")
    print(f"\n{report.versions()}.\n{report.machine()}.")
    if options.json:
        about = {"arguments": {**vars(options), "json": str(options.json)}, "machine": report.machine()}
        text = json.dumps({**about, "versions": report.versions(), **dataclasses.asdict(outcome)}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    for fault in outcome.faults:
        print(f"WRONG COUNTS: {fault}")
    return 1 if outcome.faults else 0


def run(options: argparse.Namespace, folder: Path) -> Outcome:
    """Broker, states, touchpoints, worker, judgement."""
    with LocalKafka(folder / "kafka", say=report.say, heap="1g") as kafka:
        settings = Settings(
            brokers=kafka.brokers,
            partitions=options.partitions,
            data_dir=folder / "worker",
            metrics_port=free_port(),
            clock="event",
            timer_grace=NEVER_S if options.never else 0,
        )
        silent = silent_contacts(min(DISTINCT, max(1, options.contacts // 20)), options.seed)
        states = ((name.encode(), one.resting) for name, one in copies(silent, options.contacts))
        size = asyncio.run(fill(settings, states, FROM_MS - MINUTE_MS))
        report.say(f"{options.contacts:,} states of {size} bytes written")
        set_on_topic(settings, settings.touchpoints_topic, "retention.ms", "-1")  # they are of long ago
        load(
            kafka.brokers,
            settings.touchpoints_topic,
            traffic(options.touchpoints, options.seed),
            moments(options.touchpoints),
        )
        report.say(f"{options.touchpoints:,} touchpoints loaded")
        wanted = {
            name: one._replace(changes=0 if options.never else one.changes)
            for name, one in copies(silent, options.contacts)
        }
        bench = Bench(
            brokers=kafka.brokers,
            kafka_dir=folder / "kafka",
            work_dir=folder,
            topic=settings.touchpoints_topic,
            partitions=options.partitions,
            core=options.core,
        )
        samples, exit_code = watch(bench, settings, options.touchpoints, sum(one.changes for one in wanted.values()))
        return judge(settings, samples, wanted, options.touchpoints, exit_code)


def watch(bench: Bench, settings: Settings, touchpoints: int, demotions: int) -> tuple[list[Sample], int]:
    """Run the worker until it has committed everything and a little longer; its CPU time and memory, and its exit code."""
    variables = {
        f"PALIER_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_unset=True).items()
    }
    deadline = time.monotonic() + LIMIT_S
    with bench.start("timers", ["-m", "palier_tiers"], variables) as process:
        done = (0, 0)
        while done != (touchpoints, demotions):
            time.sleep(POLL_S)
            process.check()
            done = _done(settings.metrics_port) or done
            if time.monotonic() > deadline or done[0] > touchpoints or done[1] > demotions:
                report.say(f"given up: {done} of {(touchpoints, demotions)}: {process.log.read_text()[-2_000:]}")
                break
        time.sleep(SETTLED_S)
        return process.samples, process.stop()


def _done(port: int) -> tuple[int, int] | None:
    """Touchpoints and demotions by silence committed so far; None while the endpoint does not answer."""
    samples = scraped(port)
    if samples is None:
        return None
    counts: Counter[str] = Counter()
    for sample in samples:
        if sample.labels.get("cause", "inactivity") == "inactivity":
            counts[sample.name] += int(sample.value) if sample.name.endswith("_total") else 0
    return counts["palier_touchpoints_total"], counts["palier_tier_changes_total"]


# --- what lies in the topics ----------------------------------------------------------------------------------------------
def judge(
    settings: Settings, samples: list[Sample], wanted: dict[str, Silent], touchpoints: int, exit_code: int
) -> Outcome:
    """Pace from what was committed when; every contact must have been demoted as often as it should, in sequence."""
    contracts = topic_contracts(settings)
    committed: dict[tuple[int, int], float] = {}
    marks = []
    for record in records_of(settings.brokers, contracts[4].name):
        if record.key() == META_KEY and (meta := decode_meta(record.value())).batch_number > FILLED:
            moment = record.timestamp()[1] / 1000
            committed[record.partition(), meta.batch_number] = moment
            marks.append((moment, record.partition(), meta.positions[settings.touchpoints_topic]))
    read, positions = [], Counter[int]()
    for moment, partition, position in sorted(marks):
        positions[partition] = position
        read.append((moment, float(positions.total())))
    demoted: Counter[float] = Counter()
    sequences: dict[str, list[int]] = defaultdict(list)
    for record in records_of(settings.brokers, settings.tier_changes_topic):
        name, headers = record.key().decode(), dict(record.headers())
        if name in wanted:
            demoted[committed[record.partition(), int(headers[BATCH_HEADER])]] += 1
            sequences[name].append(int(headers["ce_sequence"]))
    faults = [f"exit code {exit_code}"] if exit_code else []
    if positions.total() != touchpoints:
        faults.append(f"{positions.total()} of {touchpoints} touchpoints committed")
    wrong = sum(
        sequences[name] != list(range(one.sequence + 1, one.sequence + one.changes + 1)) for name, one in wanted.items()
    )
    if wrong:
        faults.append(f"{wrong} of {len(wanted)} contacts have lost, doubled or disordered tier changes")
    demotions = _sums(demoted)
    return Outcome(
        phases=_phases(read, demotions, samples),
        course=_course(read, demotions or [(0.0, 0.0)], samples),
        demotions=demoted.total(),
        touchpoints=touchpoints,
        faults=faults,
    )


def _sums(counts: Counter[float]) -> Curve:
    """How many there were by each moment, beginning with none."""
    curve: Curve = []
    total = 0
    for moment in sorted(counts):
        if not curve:
            curve.append((moment - 0.001, 0.0))
        total += counts[moment]
        curve.append((moment, float(total)))
    return curve


def _phases(read: Curve, demotions: Curve, samples: list[Sample]) -> list[Phase]:
    """Each from where the one before it ends."""
    end = next(moment for moment, count in read if count == read[-1][1])  # timers go on committing
    start = min(read[0][0] + WARM_UP_S, end)
    phases: list[tuple[str, float]] = [("no timers", end)]
    if demotions:
        first, last = demotions[0][0], demotions[-1][0]
        phases = [("before", first), ("while demoting", min(last, end))]
        phases.append(("after", end) if last < end else ("demoting only", last))
    phases.append(("idle", samples[-1].moment))
    found = []
    for name, stop in phases:
        found.append(_phase(name, start, stop, (read, demotions or [(start, 0.0)]), samples))
        start = stop
    return found


def _phase(name: str, start: float, stop: float, curves: tuple[Curve, Curve], samples: list[Sample]) -> Phase:
    touchpoints, demotions = (_rate(curve, start, stop) for curve in curves)
    within = [sample.resident for sample in samples if start <= sample.moment <= stop]
    before = [sample.resident for sample in samples if sample.moment <= start]
    resident = [*before[-1:], *within]
    return Phase(
        name=name,
        seconds=stop - start,
        touchpoints_per_second=touchpoints,
        demotions_per_second=demotions,
        cpu_share=_rate([(sample.moment, sample.cpu_s) for sample in samples], start, stop),
        resident=(resident[0], max(resident), resident[-1]),
    )


def _course(read: Curve, demotions: Curve, samples: list[Sample]) -> list[tuple[float, float, float, int]]:
    """The whole run in steps of equal length."""
    start, end = read[0][0], samples[-1].moment
    step = (end - start) / ROWS
    resident = [(sample.moment, float(sample.resident)) for sample in samples]
    return [
        (
            number * step,
            _rate(read, start + number * step, start + (number + 1) * step),
            _rate(demotions, start + number * step, start + (number + 1) * step),
            int(interpolate(resident, start + (number + 1) * step)),
        )
        for number in range(ROWS)
    ]


def _rate(curve: Curve, start: float, stop: float) -> float:
    return (interpolate(curve, stop) - interpolate(curve, start)) / (stop - start) if stop > start else 0.0


# --- what is printed ------------------------------------------------------------------------------------------------------
def phase_table(phases: list[Phase]) -> str:
    """A row for each stretch of the run."""
    rows = [
        "| | seconds | touchpoints/s | of before | demotions/s | CPU | memory first, most, last (MiB) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in phases:
        share = one.touchpoints_per_second / phases[0].touchpoints_per_second if phases[0].touchpoints_per_second else 0
        memory = " / ".join(f"{size / MIB:,.0f}" for size in one.resident)
        rows.append(
            f"| {one.name} | {one.seconds:.1f} | {one.touchpoints_per_second:,.0f} | {share:.0%} | "
            f"{one.demotions_per_second:,.0f} | {one.cpu_share:.0%} | {memory} |"
        )
    return "\n".join(rows)


def course_table(course: list[tuple[float, float, float, int]]) -> str:
    """The run over time."""
    rows = ["| from second | touchpoints/s | demotions/s | memory, MiB |", "|---:|---:|---:|---:|"]
    rows += [f"| {at:.1f} | {read:,.0f} | {gone:,.0f} | {size / MIB:,.0f} |" for at, read, gone, size in course]
    return "\n".join(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timers", description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=1_000_000, help="that fall due (%(default)s)")
    parser.add_argument("--touchpoints", type=int, help="of others (five times as many)")
    parser.add_argument("--never", action="store_true", help="no timer fires: the same run, to compare with")
    parser.add_argument("--partitions", type=int, default=4, help="of every topic (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of everything drawn (%(default)s)")
    parser.add_argument("--core", type=int, help="the only core the worker may use (all)")
    parser.add_argument("--json", type=Path, help="file for everything measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
