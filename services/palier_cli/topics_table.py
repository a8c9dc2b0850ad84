"""Needed topics beside what the cluster has, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from palier.contracts.limits import DAY_MS, KIB, MIB
from palier.contracts.topics import topic_contracts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.contracts.topics import TopicContract
    from palier.kafka.topics import Difference
    from palier.settings import Settings

TOPIC = "the topic"
PARTITIONS = "partition count"


def print_topics(settings: Settings, differences: Sequence[Difference]) -> None:
    """Per topic what it needs and what was found instead; under the table every difference with its remedy."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("topic", no_wrap=True)
    table.add_column("needed", no_wrap=True)
    table.add_column("found")
    for topic in topic_contracts(settings):
        _add(table, topic, [difference for difference in differences if difference.topic == topic.name])
    console.print(table)
    kinds: dict[tuple[object, ...], list[Difference]] = {}
    for difference in differences:
        kinds.setdefault(_kind(difference), []).append(difference)
    for alike in kinds.values():
        console.print(_trouble(alike), soft_wrap=True)
    if not differences:
        console.print(f"all as needed at {settings.brokers}", style="green", highlight=False)


def _add(table: Table, topic: TopicContract, differences: Sequence[Difference]) -> None:
    """A line for the topic, one for each setting, and one for anything else that is not as it should be."""
    found = {difference.what: Text(difference.actual, style=_style(difference)) for difference in differences}
    whole = found.pop(TOPIC, None) or Text("" if differences else "as needed", style="green")
    table.add_row(Text(topic.name, style="bold"), f"{topic.partitions} partitions", found.pop(PARTITIONS, whole))
    for name, value in topic.settings.items():
        table.add_row(f"  {name}", f"{value}{_in_units(name, value)}", found.pop(name, ""), style="dim")
    for name, actual in found.items():
        (needed,) = (difference.expected for difference in differences if difference.what == name)
        table.add_row(f"  {name}", needed, actual)


def _in_units(name: str, value: str) -> str:
    """A time or size in units that a person thinks in."""
    if name.endswith(".ms"):
        return f" ({int(value) // DAY_MS} d)"
    if name.endswith(".bytes"):
        return f" ({int(value) // MIB} MiB)" if int(value) >= MIB else f" ({int(value) // KIB} KiB)"
    return ""


def _kind(difference: Difference) -> tuple[object, ...]:
    return difference.blocks_worker, difference.what, difference.expected, difference.actual, difference.remedy


def _trouble(alike: Sequence[Difference]) -> Text:
    """One line for topics that lack the same thing."""
    first = alike[0]
    label = "blocks a worker" if first.blocks_worker else "should be mended"
    topics = ", ".join(difference.topic for difference in alike)
    return Text.assemble(
        (f"{label}: ", _style(first)),
        f"{first.what} is {first.actual}, needed {first.expected} ({topics}): {first.remedy}",
    )


def _style(difference: Difference) -> str:
    return "bold red" if difference.blocks_worker else "yellow"
