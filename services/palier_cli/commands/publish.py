"""`palier publish`: load a log into Kafka."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from palier_cli.options import now_ms


def publish(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Touchpoints as JSON lines, plain or gzip; - is standard input.")
    ],
    from_line: Annotated[
        int, typer.Option(min=1, metavar="N", help="Pass over the lines before this one, to go on after a failure.")
    ] = 1,
) -> None:
    """Load touchpoints from a file into Kafka.

    Keyed by contact, in order, idempotent: for backfills. A line that is no touchpoint is reported on standard error as a JSON line (line, reason, message) and left out. Exit
    code 0 means that every other line is in the topic, acknowledged by the broker.

    [bold]palier publish log.jsonl.gz[/bold]
    """
    import asyncio

    from palier.settings import load_settings
    from palier_cli.lines import open_log
    from palier_cli.progress import progress
    from palier_cli.publishing import Publication
    from palier_cli.refusals import report_refusal
    from palier_cli.topic_care import require_touchpoints

    settings = load_settings()

    async def run() -> None:
        await require_touchpoints(settings)
        publication = Publication(settings, latest_ms=now_ms(), refused=report_refusal)
        try:
            with progress(log, publication) as progressed:
                await publication.run(log, from_line=from_line, progressed=progressed)
        except asyncio.CancelledError:  # Ctrl-C
            print(f"interrupted: {publication.how_to_go_on()}", file=sys.stderr)
            raise
        left_out = sum(publication.refusals.values())
        passed_over = f", {min(from_line - 1, publication.lines)} passed over" if from_line > 1 else ""
        print(
            f"{publication.lines} lines: {publication.acknowledged} touchpoints published, {left_out} refused{passed_over}"
        )

    with open_log(file) as log:
        asyncio.run(run())
