"""Care for topics: told what differs between a cluster and the contract, and mended what can be mended safely."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from palier.contracts.brokers import broker_settings
from palier.contracts.topics import topic_contracts
from palier.errors import BrokerUnreachableError
from palier.kafka.cluster import connect
from palier.kafka.differences import (
    INTERNAL_TOPICS,
    differences,
    in_sync_wanted,
    replicas_wanted,
    settings_to_mend,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from palier.contracts.topics import TopicContract
    from palier.kafka.cluster import Cluster, ClusterState, TopicState
    from palier.kafka.differences import Difference
    from palier.settings import Settings

VISIBLE_WITHIN_S = 15.0


async def check_topics(settings: Settings) -> list[Difference]:
    """Every difference between the cluster and the contract, topic by topic, then broker by broker.

    Raises:
        BrokerUnreachableError: no broker answers now.
        ConfigurationError: the cluster does not let us look.
    """
    async with connect(settings) as cluster:
        return await _differences(cluster, settings)


async def apply_topics(settings: Settings, say: Callable[[str], object]) -> list[Difference]:
    """Make missing topics, mend settings, and tell `say` each step; what is left for an operator comes back.

    No topic gets more or fewer partitions, and none is deleted: contacts would be found in the wrong place.

    Raises:
        BrokerUnreachableError: no broker answers now.
        ConfigurationError: the cluster refuses a topic or a setting.
    """
    contracts = topic_contracts(settings)
    names = [contract.name for contract in contracts]
    async with connect(settings) as cluster:
        state = await cluster.describe(names)
        for contract in contracts:
            if contract.name not in state.topics:
                await _create(cluster, contract, replicas_wanted(state))
                say(f"made topic {contract.name} with {contract.partitions} partitions")
        state = await _when_visible(cluster, names)
        for contract in contracts:
            await _mend(cluster, contract, state.topics[contract.name], say)
        return await _differences(cluster, settings)


async def _differences(cluster: Cluster, settings: Settings) -> list[Difference]:
    contracts = topic_contracts(settings)
    state = await cluster.describe([*(contract.name for contract in contracts), *INTERNAL_TOPICS])
    return differences(contracts, state, broker_settings(settings))


async def _create(cluster: Cluster, contract: TopicContract, replicas: int) -> None:
    settings = {**contract.settings, "min.insync.replicas": str(in_sync_wanted(replicas))}
    await cluster.create(contract.name, contract.partitions, replicas, settings)


async def _mend(cluster: Cluster, contract: TopicContract, topic: TopicState, say: Callable[[str], object]) -> None:
    wrong = dict(settings_to_mend(contract, topic))
    if not wrong:
        return
    # The request replaces all settings of the topic, so those that others made go along.
    await cluster.set_on_topic(contract.name, {**topic.own, **wrong})
    for name, expected in wrong.items():
        say(f"{contract.name}: {name} was {topic.settings.get(name)}, now {expected}")


async def _when_visible(cluster: Cluster, names: list[str]) -> ClusterState:
    """The state once all topics are known and led, which takes a new topic a moment."""
    try:
        async with asyncio.timeout(VISIBLE_WITHIN_S):
            while True:
                state = await cluster.describe(names)
                if all(name in state.topics and not state.topics[name].leaderless for name in names):
                    return state
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise BrokerUnreachableError(f"topics are there, but without a leader after {VISIBLE_WITHIN_S:g} s") from None
