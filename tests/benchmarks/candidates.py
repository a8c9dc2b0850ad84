"""The candidates: each runs as a process of its own over the same topic and comes back with a `Result`."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.contents import bytes_on_disk, records_of
from benchmarks.measured import MeasuredProcess
from benchmarks.progress import measured_span
from benchmarks.results import Result, StateSizes
from palier.contracts.topics import topic_contracts
from palier.engine.meta import META_KEY, Envelope, decode_meta
from palier.kafka.cluster import connect
from palier.kafka.ports import HOST, free_port
from palier.kafka.topics import apply_topics
from palier.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

TESTS: Final = Path(__file__).parents[1]
PALIER, COMPILED = "Palier", "Palier, fold compiled"
FAUST, READING = "idiomatic Faust", "aiokafka, reading only"
POLL_S: Final = 0.5  # between two looks at a worker's metrics; ten times as often as a Prometheus would
LIMIT_S: Final = 900.0
PROGRESS: Final = re.compile(r"progress (\S+) (\d+)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the candidates share. `core`: the only one they may run on; None: all."""

    brokers: str
    kafka_dir: Path
    work_dir: Path
    topic: str
    partitions: int
    core: int | None

    def start(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> MeasuredProcess:
        """A candidate's process."""
        path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
        return MeasuredProcess(
            [sys.executable, *command],
            self.work_dir / f"{name}.log",
            {"PYTHONPATH": path, **(environment or {})},
            self.core,
        )


def run_compiled(bench: Bench, touchpoints: int, number: int) -> Result:
    """The same worker over a copy of the package whose fold is compiled (deploy/compile_domain.py)."""
    folder = bench.work_dir / "compiled"
    if not folder.exists():
        script = TESTS.parent / "deploy" / "compile_domain.py"
        subprocess.run([sys.executable, str(script), "--into", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return run_palier(bench, touchpoints, number, compiled=folder)


def run_palier(bench: Bench, touchpoints: int, number: int, compiled: Path | None = None) -> Result:
    """The real worker, everything on, until it has committed every touchpoint."""
    name = PALIER if compiled is None else COMPILED
    settings = palier_settings(bench, number, "palier" if compiled is None else "compiled")
    asyncio.run(apply_topics(settings, lambda _line: None))
    environment = {
        f"PALIER_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_unset=True).items()
    }
    if compiled is not None:
        environment["PYTHONPATH"] = os.pathsep.join((str(compiled), str(TESTS)))
    deadline = time.monotonic() + LIMIT_S
    with bench.start(settings.app_id, ["-m", "palier_tiers"], environment) as process:
        outcomes: Counter[str] = Counter()
        while outcomes.total() < touchpoints:
            time.sleep(POLL_S)
            process.check()
            outcomes = _outcomes(settings.metrics_port) or outcomes
            if time.monotonic() > deadline:
                raise RuntimeError(f"not done after {LIMIT_S:.0f} s: {process.log.read_text()[-2_000:]}")
        exit_code = process.stop()
    result = _judge_palier(name, bench, settings, touchpoints, number, process, outcomes, exit_code)
    asyncio.run(_delete_topics(settings))
    return result


def palier_settings(bench: Bench, number: int, kind: str = "palier") -> Settings:
    """Settings of a worker that shares nothing with those of other rounds but the touchpoints."""
    name = f"{kind}-{number}"
    return Settings(
        brokers=bench.brokers,
        app_id=name,
        partitions=bench.partitions,
        data_dir=bench.work_dir / name,
        metrics_port=free_port(),
        clock="event",  # as for any backfill: the wall clock would demote them all once the last one is read
        touchpoints_topic=bench.topic,
        tier_changes_topic=f"{name}-tier-changes",
        tier_current_topic=f"{name}-tier-current",
        dead_letter_topic=f"{name}-dead-letter",
    )


def run_faust(bench: Bench, touchpoints: int, number: int) -> Result:
    """The agent, stopped when it has processed so many of the touchpoints."""
    name = f"faust-{number}"
    output = f"{name}-tier-changes"
    asyncio.run(_create_topic(bench, output))
    command = ["-m", "benchmarks.faust_agent", name, bench.brokers, bench.topic, str(bench.partitions)]
    with bench.start(name, [*command, str(bench.work_dir / name)]) as process:
        points = _follow(process, touchpoints)
        process.stop()
    changelog = f"{name}-contacts-changelog"
    states: dict[bytes, int] = {}
    records = size = 0
    for record in records_of(bench.brokers, changelog):
        records += 1
        size += len(record.key()) + len(record.value() or b"")
        states[record.key()] = len(record.value() or b"")
    outputs = [len(record.key()) + len(record.value()) for record in records_of(bench.brokers, output)]
    return Result(
        **_pace(FAUST, number, process, points, touchpoints),
        state=StateSizes.of(states.values()),
        changelog_records=records,
        changelog_bytes=size,
        changelog_disk_bytes=bytes_on_disk(bench.kafka_dir, changelog),
        outputs=len(outputs),
        output_bytes=sum(outputs),
    )


def run_reading(bench: Bench, touchpoints: int, number: int) -> Result:
    """The floor: nothing but reading."""
    command = ["-m", "benchmarks.raw_reader", bench.brokers, bench.topic, str(bench.partitions), str(touchpoints)]
    with bench.start(f"reading-{number}", command) as process:
        points = _follow(process, touchpoints)
    return Result(**_pace(READING, number, process, points, touchpoints))


def _judge_palier(
    name: str,
    bench: Bench,
    settings: Settings,
    touchpoints: int,
    number: int,
    process: MeasuredProcess,
    outcomes: Counter[str],
    exit_code: int,
) -> Result:
    """Pace and sizes from what lies in the topics: META tells how far each transaction went, and when."""
    contracts = topic_contracts(settings)
    changelog = contracts[4].name
    positions: dict[int, int] = {}
    points, states = [], {}
    records = size = transactions = 0
    marks = []
    for record in records_of(settings.brokers, changelog):
        key, value = record.key(), record.value()
        records += 1
        size += len(key) + len(value or b"")
        if key == META_KEY:
            marks.append((record.timestamp()[1] / 1000, record.partition(), decode_meta(value).positions[bench.topic]))
            transactions += 1
        elif value is None:
            states.pop(key, None)
        else:
            states[key] = len(value) - Envelope.SIZE
    for moment, partition, position in sorted(marks):
        positions[partition] = position
        points.append((moment, sum(positions.values())))
    outputs = []
    sequences: dict[bytes, list[int]] = {}
    for contract in contracts[1:4]:
        for record in records_of(settings.brokers, contract.name):
            outputs.append(len(record.key() or b"") + len(record.value() or b""))
            if contract.name == settings.tier_changes_topic:
                sequences.setdefault(record.key(), []).append(int(dict(record.headers())["ce_sequence"]))
    faults = []
    if exit_code:
        faults.append(f"exit code {exit_code}")
    if sum(positions.values()) != touchpoints:
        faults.append(f"META stands at {sum(positions.values())} of {touchpoints} touchpoints")
    if outcomes.total() != touchpoints:
        faults.append(f"the metrics count {outcomes.total()} of {touchpoints} touchpoints")
    torn = sum(found != list(range(1, len(found) + 1)) for found in sequences.values())
    if torn:
        faults.append(f"{torn} of {len(sequences)} contacts have lost, doubled or disordered tier changes")
    return Result(
        **_pace(name, number, process, points, touchpoints),
        state=StateSizes.of(states.values()),
        changelog_records=records,
        changelog_bytes=size,
        changelog_disk_bytes=bytes_on_disk(bench.kafka_dir, changelog),
        outputs=len(outputs),
        output_bytes=sum(outputs),
        transactions=transactions,
        outcomes=dict(outcomes),
        faults=tuple(faults),
    )


def _pace(
    candidate: str, number: int, process: MeasuredProcess, points: list[tuple[float, int]], touchpoints: int
) -> dict[str, Any]:
    span = measured_span(points, touchpoints)
    return {
        "candidate": candidate,
        "round": number,
        "touchpoints": touchpoints,
        "per_second": span.per_second,
        "cpu_us": 1e6 * process.cpu_s_between(span.start, span.end) / max(span.touchpoints, 1),
        "peak_bytes": process.peak_bytes(),
    }


def _follow(process: MeasuredProcess, touchpoints: int) -> list[tuple[float, int]]:
    """Wait until a child has printed that it did so many; all it printed."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        points = _points(process.log)
        if points and points[-1][1] >= touchpoints:
            return points
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done after {LIMIT_S:.0f} s: {process.log.read_text()[-2_000:]}")
        time.sleep(0.1)


def _points(log: Path) -> list[tuple[float, int]]:
    """What a child has printed of its progress; Faust prints as well."""
    found = PROGRESS.findall(log.read_text(errors="replace"))
    return [(float(moment), int(count)) for moment, count in found]


def _outcomes(port: int) -> Counter[str] | None:
    """Touchpoints committed so far, by outcome; None while the endpoint does not answer."""
    samples = scraped(port)
    if samples is None:
        return None
    outcomes: Counter[str] = Counter()
    for sample in samples:
        if sample.name == "palier_touchpoints_total":
            outcomes[sample.labels["outcome"]] += int(sample.value)
    return outcomes


def scraped(port: int) -> list[Sample] | None:
    """Every sample of a worker's metrics; None while the endpoint does not answer."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return None
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


async def _create_topic(bench: Bench, name: str) -> None:
    """Faust makes only its internal topics by itself."""
    async with connect(Settings(brokers=bench.brokers)) as cluster:
        await cluster.create(name, bench.partitions, 1, {})


async def _delete_topics(settings: Settings) -> None:
    """All but the touchpoints: the next round needs the disk."""
    async with connect(settings) as cluster:
        await cluster.delete([contract.name for contract in topic_contracts(settings)[1:]])
