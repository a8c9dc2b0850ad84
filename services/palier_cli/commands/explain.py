"""`palier explain`: why is this contact in this tier?"""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations at run time
from typing import Annotated

import typer

from palier.errors import ConfigurationError
from palier_cli.options import PackOption, chosen_pack, moment, now_ms


def explain(
    *,
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="The contact's id.")],
    log_file: Annotated[
        Path,
        typer.Option("--from", metavar="FILE", help="Touchpoints as JSON lines, plain or gzip; - is standard input."),
    ],
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The moment to explain. Unset: the newest touchpoint of the whole log."),
    ] = None,
    pack: PackOption = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say why a contact is in its tier.

    Scores, what is missing for the next tier, when this one will be lost, permission, and what counted most. Touchpoints
    from after the moment explained are left out, so a TIME in the past answers "why was she?".

    [bold]palier explain ada --from log.jsonl[/bold]
    [bold]palier explain ada --from log.jsonl.gz --at 2026-03-01T12:00:00Z --json[/bold]
    """
    from rich.console import Console

    from palier.packs import load_pack
    from palier_cli.explaining import explanation_of, tell, to_json
    from palier_cli.explanation_text import render
    from palier_cli.lines import open_log

    rules = load_pack(chosen_pack(pack))
    at_ms = moment(at, "--at") if at is not None else None
    with open_log(log_file) as log:
        story = tell(log, contact, rules, latest_ms=now_ms(), at_ms=at_ms)
    if story.refused:
        print(f"{log.name}: {story.refused} refused lines passed over; `palier replay` names them", file=sys.stderr)
    if not story.touchpoints:
        later = f" up to then, {story.left_out} later" if story.left_out else ""
        raise ConfigurationError(f"{log.name} holds no touchpoint of {contact!r}{later}")
    explanation = explanation_of(story, rules)
    if json:
        print(to_json(explanation, story, rules).decode())
        return
    console = Console()
    for part in render(explanation, story, rules):
        console.print(part)
