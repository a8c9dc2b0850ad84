"""Needed topics beside what the cluster has, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from palier.contracts.topics import topic_contracts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.kafka.topics import Difference
    from palier.settings import Settings


def print_topics(settings: Settings, differences: Sequence[Difference]) -> None:
    """One line per topic with what it needs; under the table each difference with its remedy."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("topic", no_wrap=True, overflow="fold")
    table.add_column("partitions", justify="right")
    table.add_column("needed")
    table.add_column("found")
    for topic in topic_contracts(settings):
        needed = ", ".join(f"{name}={value}" for name, value in topic.settings.items())
        table.add_row(topic.name, str(topic.partitions), needed, _found(topic.name, differences))
    console.print(table)
    for difference in differences:
        style = "bold red" if difference.blocks_worker else "yellow"
        label = "blocks a worker" if difference.blocks_worker else "should be mended"
        console.print(Text.assemble((f"{label}: ", style), str(difference)), soft_wrap=True)
    if not differences:
        console.print(f"all as needed at {settings.brokers}", style="green")


def _found(topic: str, differences: Sequence[Difference]) -> Text:
    """What the cluster has where it differs, else that all is as needed."""
    own = [difference for difference in differences if difference.topic == topic]
    if not own:
        return Text("as needed", style="green")
    text = ", ".join(d.actual if d.what == "the topic" else f"{d.what}={d.actual}" for d in own)
    return Text(text, style="bold red" if any(difference.blocks_worker for difference in own) else "yellow")
