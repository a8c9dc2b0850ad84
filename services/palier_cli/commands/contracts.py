"""`palier contracts`: what other teams build against, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def contracts(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to write; made if missing.")] = Path(
        "contracts"
    ),
) -> None:
    """Write JSON Schema, AsyncAPI and examples of every topic.

    For teams that publish touchpoints or subscribe to tier changes.

    [bold]palier contracts docs/contracts[/bold]
    """
    from palier.contracts.export import write_contracts

    for path in write_contracts(folder):
        print(path)
