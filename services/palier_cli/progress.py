"""How far a backfill has come: a bar in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from palier_cli.lines import Log
    from palier_cli.publishing import Publication

LINE_EVERY_S = 5.0


@contextmanager
def progress(log: Log) -> Iterator[Callable[[Publication], None]]:
    """Show progress through `log` while the block runs; yields what takes the news.

    The plain lines go to standard output: standard error then holds nothing but refusals, one JSON line each.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[acknowledged]} in, {task.fields[refused]} refused"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("publishing", total=log.size, acknowledged=0, refused=0)

        def progressed(result: Publication) -> None:
            bar.update(
                task,
                completed=log.progress(),
                acknowledged=result.acknowledged,
                refused=sum(result.refusals.values()),
            )

        yield progressed


def _lines() -> Callable[[Publication], None]:
    due = time.monotonic() + LINE_EVERY_S

    def progressed(result: Publication) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + LINE_EVERY_S
            print(f"{result.lines} lines read, {result.acknowledged} touchpoints published", flush=True)

    return progressed
