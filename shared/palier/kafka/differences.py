"""What in a cluster is not as the contract says. Values in, values out: nothing here talks to Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from palier.contracts.brokers import OLDEST_KAFKA
from palier.contracts.limits import MIB
from palier.kafka.releases import is_before

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from palier.contracts.brokers import BrokerSetting
    from palier.contracts.topics import TopicContract
    from palier.kafka.cluster import ClusterState, TopicState

APPLY = "run `palier topics --apply`"
MOST_REPLICAS = 3
# Keeping more or for longer, or compacting sooner, than the contract asks is an operator's choice and no difference:
# mending it would delete records.
AT_LEAST = frozenset({"retention.ms", "max.message.bytes", "delete.retention.ms"})
AT_MOST = frozenset({"max.compaction.lag.ms", "segment.ms"})
UNLIMITED = -1
ON_EVERY_TOPIC = {
    # A replica that missed records must never lead: acknowledged transactions would be lost.
    "unclean.leader.election.enable": "false",
    "max.message.bytes": str(MIB),  # Kafka's own default is a little more, but brokers may have another
}
# Kafka keeps its own books in these; losing a copy of them loses commits.
INTERNAL_TOPICS = ("__transaction_state", "__consumer_offsets")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the contract says.

    Attributes:
        topic: its name; `broker N` for a broker.
        what: the property, by Kafka's name for a setting.
        expected: what the contract asks for.
        actual: what the cluster has.
        remedy: what to do, in one line.
        blocks_worker: a worker must not start: contacts would be split, lost or not found, or it could never commit.
    """

    topic: str
    what: str
    expected: str
    actual: str
    remedy: str
    blocks_worker: bool

    @property
    def place(self) -> str:
        """Where it is, with the kind of thing: `topic touchpoints`, `broker 1`."""
        return self.topic if self.topic.startswith("broker ") else f"topic {self.topic}"

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.actual}, needed {self.expected}: {self.remedy}"


def differences(
    contracts: Sequence[TopicContract], state: ClusterState, brokers: Sequence[BrokerSetting] = ()
) -> list[Difference]:
    """What in `state` is not as the contracts of topics and brokers say; the worker's blockers first."""
    replicas = replicas_wanted(state)
    found: list[Difference] = []
    for contract in contracts:
        topic = state.topics.get(contract.name)
        if topic is None:
            expected = f"there, with {contract.partitions} partitions"
            found.append(Difference(contract.name, "the topic", expected, "missing", APPLY, blocks_worker=True))
            continue
        found += _partition_differences(contract, topic)
        found += _replica_differences(contract.name, topic, replicas)
        found += _setting_differences(contract, topic)
    for name in INTERNAL_TOPICS:
        if name in state.topics:
            found += _replica_differences(name, state.topics[name], replicas)
    found += _broker_differences(state, brokers)
    return sorted(found, key=lambda difference: not difference.blocks_worker)


def replicas_wanted(state: ClusterState) -> int:
    """Copies of each partition: three where there are brokers for them. One broker, and two, are for development."""
    return min(MOST_REPLICAS, len(state.brokers))


def in_sync_wanted(replicas: int) -> int:
    """How many copies a write waits for. Of three it is two: the loss of any one broker loses and stops nothing."""
    return 2 if replicas >= MOST_REPLICAS else 1


def settings_to_mend(contract: TopicContract, topic: TopicState) -> Iterator[tuple[str, str]]:
    """Name and needed value of each setting of a topic that is wrong and that can be set without harm."""
    for name, expected in {**ON_EVERY_TOPIC, **contract.settings}.items():
        actual = topic.settings.get(name)
        if actual is None or not _satisfies(name, expected, actual):
            yield name, expected
    if _in_sync_is_wrong(topic):
        yield "min.insync.replicas", str(in_sync_wanted(topic.replicas))


def _partition_differences(contract: TopicContract, topic: TopicState) -> Iterator[Difference]:
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


def _replica_differences(name: str, topic: TopicState, wanted: int) -> Iterator[Difference]:
    if topic.replicas < wanted:
        yield Difference(
            name,
            "replication factor",
            str(wanted),
            str(topic.replicas),
            "add replicas with Kafka's kafka-reassign-partitions",
            blocks_worker=False,
        )
    if _in_sync_is_wrong(topic):
        in_sync, internal = int(topic.settings["min.insync.replicas"]), name in INTERNAL_TOPICS
        yield Difference(
            name,
            "min.insync.replicas",
            str(in_sync_wanted(topic.replicas)),
            str(in_sync),
            "set it with Kafka's kafka-configs" if internal else APPLY,
            blocks_worker=in_sync > topic.replicas,  # nobody could write
        )


def _in_sync_is_wrong(topic: TopicState) -> bool:
    """More than there are copies: no write succeeds. One of three or more: acknowledged writes can get lost."""
    in_sync = topic.settings.get("min.insync.replicas")
    return in_sync is not None and not in_sync_wanted(topic.replicas) <= int(in_sync) <= max(topic.replicas, 1)


def _setting_differences(contract: TopicContract, topic: TopicState) -> Iterator[Difference]:
    for name, expected in settings_to_mend(contract, topic):
        if name == "min.insync.replicas":
            continue  # told with the replicas
        loses_state = name == "cleanup.policy" and contract.cleanup == "compact" and contract.model is None
        yield Difference(
            contract.name,
            name,
            expected,
            topic.settings.get(name, "unset"),
            f"{APPLY}; contacts whose records were deleted meanwhile stay lost" if loses_state else APPLY,
            blocks_worker=loses_state,
        )
    limit = topic.settings.get("retention.bytes", str(UNLIMITED))
    if contract.cleanup == "delete" and int(limit) != UNLIMITED:
        yield Difference(
            contract.name,
            "retention.bytes",
            f"{UNLIMITED} (no limit)",
            limit,
            "records go before their time once a partition is that large; lift the limit if the disks allow it",
            blocks_worker=False,
        )


def _broker_differences(state: ClusterState, needed: Sequence[BrokerSetting]) -> Iterator[Difference]:
    for node_id, settings in state.brokers.items():
        release = state.releases.get(node_id, OLDEST_KAFKA)
        if is_before(release, OLDEST_KAFKA):
            yield Difference(
                f"broker {node_id}",
                "Kafka's release",
                f"{OLDEST_KAFKA} or later",
                release,
                "upgrade the broker: its transactions lack checks that Palier counts on",
                blocks_worker=False,
            )
        for setting in needed:
            actual = settings.get(setting.name)  # a managed cluster may not show its brokers' settings
            if actual is not None and not setting.is_met_by(actual):
                yield Difference(
                    f"broker {node_id}", setting.name, str(setting), actual, setting.remedy, setting.blocks_worker
                )


def _satisfies(name: str, expected: str, actual: str) -> bool:
    if name in AT_LEAST:
        return int(actual) == UNLIMITED or int(actual) >= int(expected)
    if name in AT_MOST:
        return int(actual) <= int(expected)
    return set(actual.split(",")) == set(expected.split(","))
