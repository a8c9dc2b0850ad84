"""`palier kafka`: a local broker in the foreground."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer


def kafka(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 9092,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where its data stay between runs. Unset: kafka in PALIER_DATA_DIR."),
    ] = None,
) -> None:
    """Run a local Apache Kafka in the foreground, for development.

    Ctrl-C stops it; its data stay. No Docker and no Java needed: the first run fetches Kafka's jars once.

    [bold]palier kafka --port 9092[/bold]
    """
    from functools import partial

    from palier.kafka.local import run_in_foreground
    from palier.settings import load_settings

    folder = data_dir if data_dir is not None else load_settings().data_dir / "kafka"
    code = run_in_foreground(folder, port, partial(print, flush=True))
    raise typer.Exit(code)
