"""Care for topics: what differs between a cluster and the contract, and mending what can be mended safely."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from palier.contracts.topics import topic_contracts
from palier.errors import BrokerUnreachableError
from palier.kafka.cluster import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from palier.contracts.topics import TopicContract
    from palier.kafka.cluster import Cluster, ClusterState, TopicState
    from palier.settings import Settings

APPLY = "run `palier topics --apply`"
MOST_REPLICAS = 3
VISIBLE_WITHIN_S = 15.0
# Keeping more or for longer, or compacting sooner, than the contract asks is an operator's choice and no difference:
# mending it would delete records.
AT_LEAST = frozenset({"retention.ms", "max.message.bytes", "delete.retention.ms"})
AT_MOST = frozenset({"max.compaction.lag.ms", "segment.ms"})
UNLIMITED = -1
# A replica that missed records must never lead: acknowledged transactions would be lost.
ON_EVERY_TOPIC = {"unclean.leader.election.enable": "false"}
# Off, a delayed write can fall into a producer's next transaction and leave it hanging.
ON_EVERY_BROKER = {"transaction.partition.verification.enable": "true"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the contract says.

    Attributes:
        topic: its name; `broker N` for a setting of a broker.
        what: the property, by Kafka's name for a setting.
        expected: what the contract asks for.
        actual: what the cluster has.
        remedy: what to do, in one line.
        blocks_worker: a worker must not start: contacts would be split, lost or not found.
    """

    topic: str
    what: str
    expected: str
    actual: str
    remedy: str
    blocks_worker: bool

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.actual}, needed {self.expected}: {self.remedy}"


async def check_topics(settings: Settings) -> list[Difference]:
    """Every difference between the cluster and the contract, topic by topic.

    Raises:
        BrokerUnreachableError: no broker answers now.
        ConfigurationError: the cluster does not let us look.
    """
    contracts = topic_contracts(settings)
    async with connect(settings) as cluster:
        return differences(contracts, await cluster.describe([contract.name for contract in contracts]))


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
                await _create(cluster, contract, _replicas(state))
                say(f"made topic {contract.name} with {contract.partitions} partitions")
        state = await _when_visible(cluster, names)
        for contract in contracts:
            wrong = dict(_wrong_settings(contract, state.topics[contract.name]))
            if wrong:
                # The request replaces all settings of the topic, so those that others made go along.
                await cluster.set_on_topic(contract.name, {**state.topics[contract.name].own, **wrong})
                for name, expected in wrong.items():
                    say(f"{contract.name}: {name} was {state.topics[contract.name].settings.get(name)}, now {expected}")
        return differences(contracts, await cluster.describe(names))


def differences(contracts: Sequence[TopicContract], state: ClusterState) -> list[Difference]:
    """What in `state` is not as `contracts` say; the worker's blockers first."""
    found: list[Difference] = []
    for contract in contracts:
        topic = state.topics.get(contract.name)
        if topic is None:
            expected = f"there, with {contract.partitions} partitions"
            found.append(Difference(contract.name, "the topic", expected, "missing", APPLY, blocks_worker=True))
            continue
        found += _placement_differences(contract, topic, _replicas(state))
        found += _setting_differences(contract, topic)
    found += _broker_differences(state.brokers)
    return sorted(found, key=lambda difference: not difference.blocks_worker)


def _placement_differences(contract: TopicContract, topic: TopicState, replicas: int) -> Iterator[Difference]:
    if topic.partitions != contract.partitions:
        yield Difference(
            contract.name,
            "partition count",
            str(contract.partitions),
            str(topic.partitions),
            f"never changed on a topic in use, contacts would be in two places: set PALIER_PARTITIONS={topic.partitions}"
            ", or another PALIER_TOPIC_PREFIX to start anew",
            blocks_worker=True,
        )
    if topic.leaderless:
        yield Difference(
            contract.name,
            "partitions without a leader",
            "0",
            str(topic.leaderless),
            "bring the brokers back that hold its replicas",
            blocks_worker=True,
        )
    if topic.replicas < replicas:
        yield Difference(
            contract.name,
            "replication factor",
            str(replicas),
            str(topic.replicas),
            "add replicas with Kafka's kafka-reassign-partitions",
            blocks_worker=False,
        )


def _setting_differences(contract: TopicContract, topic: TopicState) -> Iterator[Difference]:
    for name, expected in _wrong_settings(contract, topic):
        loses_state = name == "cleanup.policy" and contract.cleanup == "compact" and contract.model is None
        yield Difference(
            contract.name,
            name,
            expected,
            topic.settings.get(name, "unset"),
            f"{APPLY}; contacts whose records were deleted meanwhile stay lost" if loses_state else APPLY,
            blocks_worker=loses_state,
        )


def _broker_differences(brokers: Mapping[int, Mapping[str, str]]) -> Iterator[Difference]:
    for node_id, settings in brokers.items():
        for name, expected in ON_EVERY_BROKER.items():
            actual = settings.get(name, expected)  # a managed cluster may not show its brokers' settings
            if actual != expected:
                remedy = "set it in the settings of every broker"
                yield Difference(f"broker {node_id}", name, expected, actual, remedy, blocks_worker=False)


def _wrong_settings(contract: TopicContract, topic: TopicState) -> Iterator[tuple[str, str]]:
    for name, expected in {**contract.settings, **ON_EVERY_TOPIC}.items():
        actual = topic.settings.get(name)
        if actual is None or not _satisfies(name, expected, actual):
            yield name, expected


def _satisfies(name: str, expected: str, actual: str) -> bool:
    if name in AT_LEAST:
        return int(actual) == UNLIMITED or int(actual) >= int(expected)
    if name in AT_MOST:
        return int(actual) <= int(expected)
    return set(actual.split(",")) == set(expected.split(","))


def _replicas(state: ClusterState) -> int:
    """Copies of each partition: three where there are brokers for them. One broker, and two, are for development."""
    return min(MOST_REPLICAS, len(state.brokers))


async def _create(cluster: Cluster, contract: TopicContract, replicas: int) -> None:
    # With three copies a write waits for two, so the loss of any one broker loses nothing and stops nothing.
    durable = {"min.insync.replicas": "2"} if replicas == MOST_REPLICAS else {}
    await cluster.create(contract.name, contract.partitions, replicas, {**contract.settings, **durable})


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
