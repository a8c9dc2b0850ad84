"""What broke a rule, made small and written where pytest will meet it until it is mended."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from fuzz.rules import BrokenRuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fuzz.cases import Case
    from fuzz.targets import Target

SHRINKING_S = 5.0


class Recorder:
    """Checks cases; of each rule that one breaks, the first breach of this run is kept as a file.

    Attributes:
        target: whose rules.
        folder: where findings go.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.folder = folder
        self.broken: set[str] = set()

    def __call__(self, case: Case) -> None:
        """Check a case; never raises."""
        broke = self._broken_by(case)
        if broke is not None and broke not in self.broken:
            self.broken.add(broke)
            smallest = shrunk(case, lambda less: self._broken_by(less) == broke)
            write_finding(self.folder, self.target.name, smallest, broke)

    def _broken_by(self, case: Case) -> str | None:
        """The rule a case breaks, or the place of an exception that should not be."""
        try:
            self.target.check(case)
        except BrokenRuleError as error:
            return error.rule
        except Exception as error:  # noqa: BLE001 - whatever comes out is the finding
            frame = traceback.extract_tb(error.__traceback__)[-1]
            return f"{type(error).__name__} in {frame.name}"
        return None


def write_finding(folder: Path, target: str, case: Case, broke: str) -> Path:
    """Keep a case as a file of the corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}-{case.digest}.json"
    path.write_text(json.dumps({"broke": broke} | json.loads(case.to_json())) + "\n")
    return path


def shrunk(case: Case, still_breaks: Callable[[Case], bool], seconds: float = SHRINKING_S) -> Case:
    """The same case without what it does not need to break its rule: headers, then ever shorter pieces of the value."""
    until = time.monotonic() + seconds
    smaller: Case | None = case
    while smaller is not None:
        case = smaller
        smaller = next((less for less in _smaller(case) if time.monotonic() < until and still_breaks(less)), None)
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for place in range(len(case.headers)):
        yield replace(case, headers=(*case.headers[:place], *case.headers[place + 1 :]))
    value = case.value or b""
    length = len(value) // 2
    while length:
        for begin in range(0, len(value), length):
            yield replace(case, value=value[:begin] + value[begin + length :])
        length //= 2
