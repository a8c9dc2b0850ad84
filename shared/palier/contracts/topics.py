"""Topics as data: one table that brokers are set up and checked from, and that AsyncAPI and the README print."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from palier.contracts.dead_letter import DeadLetter
from palier.contracts.limits import DAY_MS, MIB
from palier.contracts.tier_change import TierChange
from palier.contracts.tier_current import TierCurrent
from palier.contracts.touchpoint import Touchpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from palier.settings import Settings

Cleanup = Literal["delete", "compact"]

DEAD_LETTER_MAX_BYTES: Final = 2 * MIB
"""What the dead-letter topic and its producer take: 1 MiB of original value, its key and headers, and ours."""

DELETIONS_KEPT_MS: Final = 7 * DAY_MS
"""How long a compacted topic keeps a deletion: whoever has a copy that is older may have missed one."""

_COMPACTED: Final = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(DAY_MS),
    "segment.ms": str(DAY_MS),
    "delete.retention.ms": str(DELETIONS_KEPT_MS),
}


@dataclass(frozen=True, slots=True)
class TopicContract:
    """One topic: who writes what to it, who reads it, and how the broker keeps it.

    Attributes:
        name: as on the broker, prefix included.
        key: what a record's key is, in words.
        model: pydantic model of the value; None for Palier's own binary records.
        partitions: a record goes to the partition number its touchpoint came from, so all topics have the same count.
        cleanup: `delete` keeps records for a time, `compact` the newest per key.
        settings: topic settings by their Kafka names, `cleanup.policy` included.
        producers: who writes.
        consumers: who reads.
        description: one sentence.
    """

    name: str
    key: str
    model: type[BaseModel] | None
    partitions: int
    cleanup: Cleanup
    settings: Mapping[str, str]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    description: str


def topic_contracts(settings: Settings) -> tuple[TopicContract, ...]:
    """Every topic: touchpoints, tier changes, current tiers, dead letters, the changelog, transfers; in that order."""
    partitions = settings.partitions
    worker = ("palier_tiers",)
    downstream = ("downstream automation",)
    contact_key = "contact_id in UTF-8"
    return (
        TopicContract(
            name=f"{settings.topic_prefix}{settings.touchpoints_topic}",
            key=contact_key,
            model=Touchpoint,
            partitions=partitions,
            cleanup="delete",
            settings=_kept_for(28, max_message_bytes=MIB),
            producers=("upstream apps", "palier_simulator", "palier publish"),
            consumers=worker,
            description="What contacts did, as upstream apps saw it.",
        ),
        TopicContract(
            name=f"{settings.topic_prefix}{settings.tier_changes_topic}",
            key=contact_key,
            model=TierChange,
            partitions=partitions,
            cleanup="delete",
            settings=_kept_for(28),
            producers=worker,
            consumers=downstream,
            description="Every change of a contact's tiers, once, with its reasons.",
        ),
        TopicContract(
            name=f"{settings.topic_prefix}{settings.tier_current_topic}",
            key=contact_key,
            model=TierCurrent,
            partitions=partitions,
            cleanup="compact",
            settings=MappingProxyType(_COMPACTED),
            producers=worker,
            consumers=downstream,
            description="The current tiers of each contact: a table to load instead of a history to fold.",
        ),
        TopicContract(
            name=f"{settings.topic_prefix}{settings.dead_letter_topic}",
            key="the original key",
            model=DeadLetter,
            partitions=partitions,
            cleanup="delete",
            settings=_kept_for(14, max_message_bytes=DEAD_LETTER_MAX_BYTES),
            producers=worker,
            consumers=("operators",),
            description="Refused records: the original bytes, with the reason in headers.",
        ),
        TopicContract(
            name=f"{settings.application}-contacts-changelog",
            key="Palier's own",
            model=None,
            partitions=partitions,
            cleanup="compact",
            settings=MappingProxyType(_COMPACTED),
            producers=worker,
            consumers=worker,
            description="The state of each contact and the progress of each partition, for recovery.",
        ),
        TopicContract(
            name=f"{settings.application}-transfers",
            key="Palier's own",
            model=None,
            partitions=partitions,
            cleanup="delete",
            settings=_kept_for(30),
            producers=worker,
            consumers=worker,
            description="Contacts on their way from one partition to another when two are merged; unused as yet.",
        ),
    )


def topics_table(settings: Settings) -> str:
    """Every topic as a Markdown table, for the README."""
    rows = [
        "| topic | partitions | cleanup | settings | written by | read by | holds |",
        "|---|---|---|---|---|---|---|",
    ]
    for topic in topic_contracts(settings):
        others = "<br>".join(f"`{name}={value}`" for name, value in topic.settings.items() if name != "cleanup.policy")
        rows.append(
            f"| `{topic.name}` | {topic.partitions} | {topic.cleanup} | {others} "
            f"| {', '.join(topic.producers)} | {', '.join(topic.consumers)} | {topic.description} |"
        )
    return "\n".join(rows)


def _kept_for(days: int, *, max_message_bytes: int | None = None) -> Mapping[str, str]:
    """Settings of a topic whose records are deleted after `days`."""
    settings = {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)}
    if max_message_bytes is not None:
        settings["max.message.bytes"] = str(max_message_bytes)
    return MappingProxyType(settings)
