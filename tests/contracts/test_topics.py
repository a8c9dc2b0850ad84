"""Topics as data: names, settings and the table made of them."""

from __future__ import annotations

from palier.contracts.topics import topic_contracts, topics_table
from palier.contracts.touchpoint import Touchpoint
from palier.settings import Settings

DAY_MS = 24 * 60 * 60 * 1000
COMPACTED = {
    "cleanup.policy": "compact",
    "max.compaction.lag.ms": str(DAY_MS),
    "segment.ms": str(DAY_MS),
    "delete.retention.ms": str(7 * DAY_MS),
}


def test_topics_of_the_default_settings() -> None:
    """Six topics in a fixed order, kept as the product's table of topics says."""
    topics = topic_contracts(Settings())
    assert {topic.name: dict(topic.settings) for topic in topics} == {
        "touchpoints": {
            "cleanup.policy": "delete",
            "retention.ms": str(28 * DAY_MS),
            "max.message.bytes": "1048576",
        },
        "tier-changes": {"cleanup.policy": "delete", "retention.ms": str(28 * DAY_MS)},
        "tier-current": COMPACTED,
        "touchpoints.dead-letter": {
            "cleanup.policy": "delete",
            "retention.ms": str(14 * DAY_MS),
            "max.message.bytes": "2097152",
        },
        "palier-tiers-contacts-changelog": COMPACTED,
        "palier-tiers-transfers": {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)},
    }
    assert topics[0].model is Touchpoint
    assert {topic.partitions for topic in topics} == {8}
    assert all(topic.cleanup == topic.settings["cleanup.policy"] for topic in topics)


def test_every_name_carries_the_prefix() -> None:
    """Two environments on one cluster share no topic."""
    settings = Settings(topic_prefix="staging.", app_id="tiers", touchpoints_topic="events", partitions=3)
    assert [topic.name for topic in topic_contracts(settings)] == [
        "staging.events",
        "staging.tier-changes",
        "staging.tier-current",
        "staging.touchpoints.dead-letter",
        "staging.tiers-contacts-changelog",
        "staging.tiers-transfers",
    ]
    assert {topic.partitions for topic in topic_contracts(settings)} == {3}


def test_table_names_every_topic_and_setting() -> None:
    """The README's table is made of the same data: a row per topic, each setting in it."""
    header, rule, *rows = topics_table(Settings()).splitlines()
    topics = topic_contracts(Settings())
    assert header.count("|") == rule.count("|")
    for topic, row in zip(topics, rows, strict=True):
        assert row.count("|") == header.count("|")
        assert row.startswith(f"| `{topic.name}` ")
        for name, value in topic.settings.items():
            assert (value if name == "cleanup.policy" else f"`{name}={value}`") in row
