"""What is made of a cluster whose brokers do not all know the same yet."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import UnknownTopicOrPartitionError

from palier.kafka.cluster import Cluster


class Admin:
    """A cluster of which one broker has heard of both topics, and the one that is asked next only of the old."""

    async def describe_topics(self) -> list[dict[str, Any]]:
        partitions = [{"leader": 1, "replicas": [1, 2, 3]}]
        return [{"topic": name, "partitions": partitions} for name in ("old", "new")]

    async def describe_configs(self, _resources: list[Any]) -> list[Any]:
        answers = [(0, None, 2, "old", []), (UnknownTopicOrPartitionError.errno, None, 2, "new", [])]
        return [SimpleNamespace(resources=answers)]

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": []}


def test_a_topic_that_not_every_broker_knows_is_not_there_yet():
    """Right after it was made another broker may be asked for its settings: that is no refusal, and is asked again."""
    state = asyncio.run(Cluster(Admin()).describe(["old", "new"]))  # type: ignore[arg-type] # as much as is asked of it
    assert state.topics.keys() == {"old"}
