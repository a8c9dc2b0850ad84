"""Needed topics beside what the cluster has, as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from palier.contracts.brokers import OLDEST_KAFKA, broker_settings
from palier.contracts.limits import DAY_MS, KIB, MIB
from palier.contracts.topics import topic_contracts
from palier.kafka.differences import MOST_REPLICAS, ON_EVERY_TOPIC, in_sync_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from palier.contracts.topics import TopicContract
    from palier.kafka.differences import Difference
    from palier.settings import Settings

TOPIC = "the topic"
PARTITIONS = "partition count"


def print_topics(settings: Settings, differences: Sequence[Difference]) -> None:
    """What topics and brokers need and what was found instead; under the table every difference with its remedy."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("topic", no_wrap=True)
    table.add_column("needed", no_wrap=True)
    table.add_column("found")
    for topic in topic_contracts(settings):
        _add(table, topic, [difference for difference in differences if difference.topic == topic.name])
    _add_common(table)
    _add_brokers(table, settings, [difference for difference in differences if difference.topic.startswith("broker ")])
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


def _add_common(table: Table) -> None:
    """A line for each setting that is the same for all; a topic that is otherwise has it in a line of its own."""
    table.add_row(Text("every topic", style="bold"), "", "")
    for name, value in ON_EVERY_TOPIC.items():
        table.add_row(f"  {name}", f"{value}{_in_units(name, value)}", "", style="dim")
    most, fewer = in_sync_wanted(MOST_REPLICAS), in_sync_wanted(MOST_REPLICAS - 1)
    table.add_row("  min.insync.replicas", f"{most} of {MOST_REPLICAS} replicas, else {fewer}", "", style="dim")


def _add_brokers(table: Table, settings: Settings, differences: Sequence[Difference]) -> None:
    """A line for each thing that every broker needs, with those brokers that are otherwise."""
    needed = {"Kafka's release": f"{OLDEST_KAFKA} or later"}
    needed.update({setting.name: str(setting) for setting in broker_settings(settings)})
    table.add_row(Text("every broker", style="bold"), "", Text("" if differences else "as needed", style="green"))
    for what, wanted in needed.items():
        found = [difference for difference in differences if difference.what == what]
        text = Text(", ").join(
            Text(f"{difference.topic}: {difference.actual}", style=_style(difference)) for difference in found
        )
        table.add_row(f"  {what}", f"{wanted}{_in_units(what, wanted.split()[-1])}", text, style="dim")


def _in_units(name: str, value: str) -> str:
    """A time or size in units that a person thinks in."""
    if name.endswith(".ms"):
        days, seconds = int(value) // DAY_MS, int(value) / 1000
        return f" ({days} d)" if days else f" ({seconds:g} s)"
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
