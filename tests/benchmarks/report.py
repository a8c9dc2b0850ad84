"""The results as one Markdown table, with ratios to Palier, and as JSON."""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.candidates import COMPILED, FAUST, PALIER, READING
from palier.kafka.jars import KAFKA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.results import Result

PACKAGES: Final = ("palier", "faust-streaming", "aiokafka", "msgspec", "pydantic", "cramjam", "confluent-kafka")

ROWS: Final[dict[str, Callable[[Result], float | None]]] = {
    "touchpoints/s": lambda of: of.per_second,
    "CPU us/touchpoint": lambda of: of.cpu_us,
    "peak memory, MiB": lambda of: of.peak_bytes / 2**20,
    "contacts": lambda of: of.state and of.state.contacts,
    "state, mean B/contact": lambda of: of.state and of.state.mean,
    "state, median B": lambda of: of.state and of.state.median,
    "state, p99 B": lambda of: of.state and of.state.p99,
    "state, largest B": lambda of: of.state and of.state.largest,
    "changelog records/touchpoint": lambda of: _per_touchpoint(of, of.changelog_records),
    "changelog B/touchpoint": lambda of: _per_touchpoint(of, of.changelog_bytes),
    "changelog B/touchpoint on disk": lambda of: _per_touchpoint(of, of.changelog_disk_bytes),
    "outputs/touchpoint": lambda of: _per_touchpoint(of, of.outputs),
    "output B/touchpoint": lambda of: _per_touchpoint(of, of.output_bytes),
    "transactions": lambda of: of.transactions,
    "touchpoints": lambda of: of.touchpoints,
}


def table(results: Sequence[Result]) -> str:
    """Medians over the rounds, a column per candidate; ratio columns are Palier's figure over the other's."""
    columns = [name for name in (PALIER, COMPILED, FAUST, READING) if any(of.candidate == name for of in results)]
    ours = [name for name in (PALIER, COMPILED) if name in columns]
    pairs = [(our, other) for other in (FAUST, READING) if other in columns for our in ours]
    header = ["median of the rounds", *columns, *(f"{our} / {other}" for our, other in pairs)]
    lines = [f"| {' | '.join(header)} |", "|---" + "|---:" * (len(header) - 1) + "|"]
    for row, figure in ROWS.items():
        medians = {name: _median(results, name, figure) for name in columns}
        ratios = [_ratio(medians[our], medians[other]) for our, other in pairs]
        lines.append(f"| {row} | {' | '.join([*(number(medians[name]) for name in columns), *ratios])} |")
    rounds = [
        f"{name}: {', '.join(f'{of.per_second:,.0f}' for of in results if of.candidate == name)} touchpoints/s"
        for name in columns
    ]
    return "\n".join([*lines, "", "Each round. " + "; ".join(rounds) + "."])


def to_json(results: Sequence[Result], arguments: dict[str, Any]) -> dict[str, Any]:
    """Everything measured, for machines."""
    return {
        "arguments": arguments,
        "machine": machine(),
        "versions": versions(),
        "results": [dataclasses.asdict(result) for result in results],
    }


def say(line: str) -> None:
    """Progress, beside the table on stdout."""
    print(line, file=sys.stderr, flush=True)


def machine() -> str:
    """The machine in a line, with how busy it is: the figures mean nothing without."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")), platform.processor()
    )
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load averages {load}"


def versions() -> str:
    """What took part, with versions."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"Apache Kafka {KAFKA_VERSION}, Python {platform.python_version()}, {packages}"


def _cpu_lines() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []


def _median(results: Sequence[Result], name: str, figure: Callable[[Result], float | None]) -> float | None:
    figures = [value for of in results if of.candidate == name and (value := figure(of)) is not None]
    return statistics.median(figures) if figures else None


def _per_touchpoint(of: Result, figure: int | None) -> float | None:
    return None if figure is None else figure / of.touchpoints


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:,.2f}" if ours is not None and theirs else ""


def number(figure: float | None) -> str:
    """Whole, or with two decimals where that says more; nothing for None."""
    if figure is None:
        return ""
    return f"{figure:,.0f}" if figure >= 100 or figure == int(figure) else f"{figure:.2f}"
