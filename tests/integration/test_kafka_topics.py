"""Topics on a real broker: what is reported, what is mended, and what is left alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from palier.contracts.topics import topic_contracts
from palier.kafka.cluster import connect
from palier.kafka.differences import Difference
from palier.kafka.topics import apply_topics, check_topics

if TYPE_CHECKING:
    from palier.settings import Settings

pytestmark = pytest.mark.asyncio


def silent(_line: str) -> None:
    """For a caller who does not care what is said."""


async def test_applied_topics_are_as_the_contract_says(topic_settings: Settings):
    """After --apply nothing differs, and a second --apply has nothing to do."""
    said: list[str] = []
    assert await check_topics(topic_settings) == []
    assert await apply_topics(topic_settings, said.append) == []
    assert said == []


async def test_a_missing_topic_stops_the_worker_and_is_made(topic_settings: Settings):
    """A topic that is not there is reported with its remedy, and the remedy works."""
    name = topic_contracts(topic_settings)[0].name
    async with connect(topic_settings) as cluster:
        await cluster.delete([name])
        async with asyncio.timeout(10):
            while True:  # brokers hear of it a moment later
                if not (await cluster.describe([name])).topics:
                    break
                await asyncio.sleep(0.02)
    (difference,) = await check_topics(topic_settings)
    assert (
        str(difference) == f"{name}: the topic is missing, needed there, with 4 partitions: run `palier topics --apply`"
    )
    assert difference.blocks_worker
    said: list[str] = []
    assert await apply_topics(topic_settings, said.append) == []
    assert said == [f"made topic {name} with 4 partitions"]


async def test_another_partition_count_stops_the_worker_and_is_left_alone(topic_settings: Settings):
    """Contacts would be looked for in the wrong partition: only an operator can decide, and is told how."""
    wider = topic_settings.model_copy(update={"partitions": 6})
    found = await apply_topics(wider, silent)
    assert {(difference.what, difference.expected, difference.actual) for difference in found} == {
        ("partition count", "6", "4")
    }
    assert all(difference.blocks_worker and "PALIER_PARTITIONS=4" in difference.remedy for difference in found)
    assert {difference.topic for difference in found} == {contract.name for contract in topic_contracts(wider)}
    assert await check_topics(topic_settings) == []


async def test_a_changelog_that_forgets_stops_the_worker_until_mended(topic_settings: Settings):
    """Under cleanup.policy=delete the changelog loses the contacts that have been quiet."""
    changelog = topic_contracts(topic_settings)[4]
    assert changelog.name.endswith("-changelog")
    async with connect(topic_settings) as cluster:
        await cluster.set_on_topic(changelog.name, {**changelog.settings, "cleanup.policy": "delete"})
    (difference,) = await check_topics(topic_settings)
    assert difference.blocks_worker
    assert (difference.what, difference.expected, difference.actual) == ("cleanup.policy", "compact", "delete")
    said: list[str] = []
    assert await apply_topics(topic_settings, said.append) == []
    assert said == [f"{changelog.name}: cleanup.policy was delete, now compact"]


async def test_mending_keeps_what_an_operator_has_set(topic_settings: Settings):
    """A setting outside the contract, and a longer retention, survive the mending of another setting."""
    touchpoints = topic_contracts(topic_settings)[0].name
    theirs = {"retention.ms": "-1", "flush.messages": "5000", "max.message.bytes": "100000"}
    async with connect(topic_settings) as cluster:
        await cluster.set_on_topic(touchpoints, theirs)
    (difference,) = await check_topics(topic_settings)
    assert difference == Difference(
        touchpoints, "max.message.bytes", "1048576", "100000", "run `palier topics --apply`", blocks_worker=False
    )
    await apply_topics(topic_settings, silent)
    async with connect(topic_settings) as cluster:
        own = (await cluster.describe([touchpoints])).topics[touchpoints].own
    assert own == {**theirs, "max.message.bytes": "1048576"}
