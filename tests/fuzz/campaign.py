"""A run over targets: a child process each, its figures, its findings, and what of it is worth keeping."""

from __future__ import annotations

import importlib.util
import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz import seeds
from fuzz.cases import Case
from fuzz.child import ENGINES
from fuzz.findings import write_finding

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).parents[1]
MOST_DEATHS = 20
LONGEST_KEPT = 1_024
MOST_KEPT_PER_RUN = 150
ARTIFACTS = ("crash-*", "timeout-*", "oom-*", "leak-*")
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_PULSE = re.compile(r"^#(\d+)\s.*?cov: (\d+)", re.MULTILINE)


@dataclass
class Result:
    """What became of one target.

    `processor_s`: of `seconds`, what the machine had to give. `branches`: of Palier's code that were reached, 0 without Atheris. `grown`: inputs that reached a new one.
    """

    target: str
    seconds: float = 0.0
    processor_s: float = 0.0
    executions: int = 0
    branches: int = 0
    grown: int = 0
    findings: list[Path] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0

    @property
    def is_clean(self) -> bool:
        """Nothing was found, and something was tried."""
        return self.executions > 0 and not self.findings and not self.deaths


def default_engine() -> str:
    """Atheris where it is installed."""
    return ENGINES[0] if importlib.util.find_spec("atheris") else ENGINES[1]


def fuzz_target(
    target: str,
    seconds: float,
    *,
    engine: str,
    seed: int,
    folder: Path,
    corpus: Path = seeds.CORPUS,
    extra: tuple[str, ...] = (),
) -> Result:
    """Fuzz one target for so long. A child that dies is a finding, and another goes on.

    Args:
        target: its name.
        seconds: to spend on it.
        engine: "atheris" or "plain".
        seed: of the fuzzer's chance.
        folder: for the fuzzer's own files; what it holds from an earlier run of the same Hypothesis is gone on from.
        corpus: findings are written into its folder.
        extra: more arguments of the child.
    """
    result = Result(target)
    into = corpus / seeds.FINDINGS
    begun, spent_s, known = time.monotonic(), _spent_by_children(), set(seeds.findings(target, corpus))
    while (left := seconds - (time.monotonic() - begun)) >= 1 and len(result.deaths) < MOST_DEATHS:
        options = ("--engine", engine, "--seconds", str(round(left)), "--seed", str(seed + len(result.deaths)), *extra)
        child = _child(target, folder, into, *options)
        _add_figures(result, child.stderr)
        if child.returncode:
            result.deaths.append(_death(target, folder, into, child))
    result.seconds, result.processor_s = time.monotonic() - begun, _spent_by_children() - spent_s
    result.findings = sorted(set(seeds.findings(target, corpus)) - known)
    result.grown = len(_grown_units(folder))
    return result


def keep_grown(target: str, folder: Path, corpus: Path = seeds.CORPUS) -> int:
    """Add the smallest cases that reached new code to the corpus; how many there are then."""
    units = _grown_units(folder)
    shown = _child(target, folder, corpus / seeds.FINDINGS, "--show", *map(str, units)).stdout.splitlines()
    path = corpus / f"{target}.jsonl"
    before = path.read_text().splitlines() if path.exists() else []
    new = sorted({line for line in shown if Case.from_json(line).size <= LONGEST_KEPT} - set(before), key=len)
    lines = [*before, *new[:MOST_KEPT_PER_RUN]]
    path.write_text("".join(f"{line}\n" for line in lines))
    return len(lines)


def report(results: list[Result], say: Callable[[str], None]) -> None:
    """A line for each target, then each finding."""
    line = "{:<14} {:>8} {:>12} {:>12} {:>8} {:>9} {:>10} {:>9}"
    say(
        line.format("target", "seconds", "of processor", "executions", "a second", "branches", "new inputs", "findings")
    )
    for one in results:
        found = len(one.findings) + len(one.deaths)
        figures = (
            f"{one.seconds:.0f}",
            f"{one.processor_s:.0f}",
            one.executions,
            f"{one.per_second:.0f}",
            one.branches,
            one.grown,
            found,
        )
        say(line.format(one.target, *figures))
    for one in results:
        for path in one.findings:
            say(f"{one.target}: {json.loads(path.read_text())['broke']}: {path}")
        for death in one.deaths:
            say(f"{one.target}: {death}")


def _child(target: str, folder: Path, findings: Path, *options: str) -> subprocess.CompletedProcess[str]:
    where = ("--folder", str(folder), "--findings", str(findings))
    command = (sys.executable, "-m", "fuzz.child", target, *where, *options)
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False, errors="replace")


def _spent_by_children() -> float:
    """Seconds of the processor, of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _add_figures(result: Result, log: str) -> None:
    pulses = _PULSE.findall(log)
    final = _EXECUTIONS.search(log)
    result.executions += int(final[1]) if final else int(pulses[-1][0]) if pulses else 0
    result.branches = max([result.branches, *(int(branches) for _, branches in pulses)])


def _death(target: str, folder: Path, findings: Path, child: subprocess.CompletedProcess[str]) -> str:
    """Why a child ended; the case that ended it is kept as a finding."""
    artifacts = sorted(path for pattern in ARTIFACTS for path in folder.glob(pattern))
    shown = _child(target, folder, findings, "--show", *map(str, artifacts)).stdout.splitlines() if artifacts else []
    for line in shown:
        write_finding(findings, target, Case.from_json(line), f"the process ended with {child.returncode}")
    for artifact in artifacts:
        artifact.unlink()
    return f"the process ended with {child.returncode}: {child.stderr[-2_000:]}"


def _grown_units(folder: Path) -> list[Path]:
    """What libFuzzer kept because it reached new code."""
    return sorted(path for path in (folder / "units").glob("*") if not path.name.startswith("start-"))
