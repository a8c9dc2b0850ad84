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
def progress(log: Log, publication: Publication) -> Iterator[Callable[[], None]]:
    """Show progress through `log` while the block runs; yields what to call when there is some.

    The plain lines go to standard output: standard error then holds nothing but refusals, one JSON line each.
    """
    if not sys.stderr.isatty():
        yield _lines(publication)
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

        def progressed() -> None:
            refused = sum(publication.refusals.values())
            bar.update(task, completed=log.progress(), acknowledged=publication.acknowledged, refused=refused)

        yield progressed


def _lines(publication: Publication) -> Callable[[], None]:
    due = time.monotonic() + LINE_EVERY_S

    def progressed() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + LINE_EVERY_S
            print(f"{publication.lines} lines read, {publication.acknowledged} touchpoints published", flush=True)

    return progressed
