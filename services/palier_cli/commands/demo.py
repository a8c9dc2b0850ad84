"""`palier demo`: watch the whole thing work."""

from __future__ import annotations

from typing import Annotated

import typer

from palier.contracts.limits import DAY_MS
from palier_cli.options import now_ms


def demo(
    *,
    seconds: Annotated[
        float | None, typer.Option(min=1, metavar="N", help="End after N seconds of traffic. Unset: at Ctrl-C.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="A live screen; --no-live, or no terminal: plain lines.")
    ] = True,
    contacts: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="Simulated contacts.")] = 2_000,
    days: Annotated[
        int, typer.Option(min=1, max=3_650, metavar="N", help="Simulated days, one a second, before real time begins.")
    ] = 365,
) -> None:
    """Watch it work: broker, worker and simulated traffic in one go.

    Shows the tier changes as they happen, with their reasons.

    Takes the broker in PALIER_BROKERS, else a container, else starts a local Kafka. Ctrl-C ends everything and leaves
    neither a process nor a file behind.

    [bold]palier demo[/bold]
    [bold]palier demo --seconds 30 --no-live[/bold]
    """
    from palier_cli.demo.session import Plan
    from palier_cli.demo.stage import perform

    plan = Plan(seconds, contacts, now_ms() - days * DAY_MS)
    code = perform(plan, live=live)
    raise typer.Exit(code)
