"""What every campaign showed, a line of JSON each: rounds add up over runs, days and machines."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

PROOF = Path(__file__).with_name("ledger.jsonl")


@dataclass
class Entry:
    """One campaign. `faults` is empty if everything was exact and the rounds proved something.

    `rounds`: what was done in each. `transactions`, `undone`: committed, and seen undone. `ends`: exit code -> how many
    workers ended by themselves with it. `happened`: what the fault counted.
    """

    fault: str
    seed: int
    began: str = ""
    rounds: list[str] = field(default_factory=list)
    touchpoints: int = 0
    changes: int = 0
    lost: int = 0
    doubled: int = 0
    conflicting: int = 0
    transactions: int = 0
    undone: int = 0
    longest_silence_s: float = 0.0
    ends: dict[str, int] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    load: float = 0.0  # how many processes wanted to run, on average over the last minutes: silences grow with it
    commit: str = ""
    machine: str = ""

    def take(self, verdict):
        """What a judge saw."""
        for name in ("touchpoints", "changes", "lost", "doubled", "conflicting", "transactions", "undone"):
            setattr(self, name, getattr(verdict, name))
        self.faults += verdict.faults

    def take_ends(self, ends, expected):
        """(exit code, reason) of workers that ended by themselves -> how often; codes that are not `expected` are faults."""
        codes = Counter()
        for (code, _), count in ends.items():
            codes[str(int(code)) if isinstance(code, int) else code] += count  # or "late": had to be killed
        self.ends = dict(codes)
        self.faults += [f"a worker ended with {code}: {why}" for code, why in ends if code not in expected]


def append(ledger, entry):
    """Write an entry's line."""
    entry.commit, entry.machine = _commit(), f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    entry.load = round(os.getloadavg()[1], 1)
    entry.longest_silence_s = round(entry.longest_silence_s, 2)
    entry.faults = [line[:400] for line in entry.faults[:20]]
    with ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")


def _commit():
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def read(ledger):
    """All entries, in order."""
    return [Entry(**json.loads(line)) for line in ledger.read_text(encoding="utf-8").splitlines()]


COLUMNS = ("lost", "doubled", "conflicting", "undone")


def table(entries, titles):
    """Markdown: a row for each title of `titles` (fault's name -> title), in that order, then faults that it does not know."""
    by_title = {title: [] for title in titles.values()}
    for entry in entries:
        by_title.setdefault(titles.get(entry.fault, entry.fault), []).append(entry)
    lines = [
        "| fault | rounds | lost | doubled | conflicting | transactions undone | workers ended by themselves | longest silence | found |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|",
    ]
    for title, ones in by_title.items():
        if not ones:
            continue
        ends = sum((Counter(one.ends) for one in ones), Counter())
        cells = (
            title,
            sum(len(one.rounds) for one in ones),
            *(sum(getattr(one, column) for one in ones) for column in COLUMNS),
            ", ".join(f"{count} x {code}" for code, count in sorted(ends.items())) or "none",
            f"{max(one.longest_silence_s for one in ones):.1f} s",
            sum(bool(one.faults) for one in ones),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def origin(entries):
    """When, where and of what the entries are, in a line."""
    days = sorted({entry.began[:10] for entry in entries})
    commits = list(dict.fromkeys(entry.commit for entry in entries))
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"{span}, {', '.join(sorted({entry.machine for entry in entries}))}; "
        f"{sum(entry.touchpoints for entry in entries):,} touchpoints, {sum(entry.changes for entry in entries):,} tier changes, "
        f"{sum(len(entry.rounds) for entry in entries):,} rounds in {sum(entry.seconds for entry in entries) / 3600:.1f} h; "
        f"commits {commits[0]} to {commits[-1]}"
    )
