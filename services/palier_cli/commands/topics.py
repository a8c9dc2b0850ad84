"""`palier topics`: what Kafka needs to hold, what it holds, and making up the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palier.kafka.differences import Difference


def topics(
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Create what is missing, set what differs.")] = False,
) -> None:
    """Show which topics Palier needs and what the cluster has.

    Exit code 2 if something blocks a worker. --apply makes missing topics and mends settings. It never changes a number of partitions and never deletes.

    [bold]palier topics[/bold]
    [bold]PALIER_BROKERS=kafka-1:9092 palier topics --apply[/bold]
    """
    import asyncio

    from palier.errors import ExitCode
    from palier.kafka.topics import apply_topics, check_topics
    from palier.settings import load_settings
    from palier_cli.topic_care import reach_broker
    from palier_cli.topics_table import print_topics

    settings = load_settings()

    async def care() -> list[Difference]:
        await reach_broker(settings)
        return await (apply_topics(settings, print) if apply else check_topics(settings))

    differences = asyncio.run(care())
    print_topics(settings, differences)
    if any(difference.blocks_worker for difference in differences):
        raise typer.Exit(ExitCode.WRONG_USE)
