"""How far a work of several stages has come: a bar for each in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from palier_cli.progress import LINE_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yields what to call when there is progress, with the stage, how much of it is done, and how much there is."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progressed(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage)
            bars.update(tasks[stage], completed=done, total=total)

        yield progressed


def _lines() -> Callable[[str, int, int], None]:
    due = time.monotonic() + LINE_EVERY_S

    def progressed(stage: str, done: int, total: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + LINE_EVERY_S
            print(f"{stage}: {100 * done // max(total, 1)} %", file=sys.stderr, flush=True)

    return progressed
