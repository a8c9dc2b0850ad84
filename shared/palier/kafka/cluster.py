"""What a cluster has: its brokers, topics and their settings, read and changed through aiokafka's admin client."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import ApiVersionRequest

from palier.errors import BrokerUnreachableError, ConfigurationError
from palier.kafka.clients import client_settings
from palier.kafka.releases import release_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping

    from palier.settings import Settings

Answer = TypeVar("Answer")

COORDINATOR_ATTEMPTS, COORDINATOR_PAUSE_S = 50, 0.2
SET_ON_THE_TOPIC = 1  # config source DYNAMIC_TOPIC_CONFIG: neither a broker's setting nor Kafka's default


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is.

    Attributes:
        partitions: how many it has.
        leaderless: how many of them have no leader now: nobody can write to or read from those.
        replicas: how many copies the worst-off partition has.
        settings: every setting in force, by Kafka's name.
        own: those of them that are set on this very topic.
    """

    partitions: int
    leaderless: int
    replicas: int
    settings: Mapping[str, str]
    own: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A cluster as it is.

    Attributes:
        brokers: node id of each broker, with its settings; without any where we may not read them.
        topics: those asked for that are there, by name.
        releases: node id of each broker, with the release of Kafka that it is (see releases.py).
    """

    brokers: Mapping[int, Mapping[str, str]]
    topics: Mapping[str, TopicState]
    releases: Mapping[int, str] = field(default_factory=dict)


class Cluster:
    """A connected cluster. Made by `connect`."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def describe(self, names: Collection[str]) -> ClusterState:
        """The brokers, and the topics of those names as far as they are there."""
        # Asking for all topics never makes one; asking for a missing one by name may, where brokers make topics.
        found = {topic["topic"]: topic["partitions"] for topic in await self._admin.describe_topics()}
        there = {name: found[name] for name in names if name in found}
        entries = await self._topic_settings(there)
        topics = {
            name: TopicState(
                partitions=len(partitions),
                leaderless=sum(partition["leader"] < 0 for partition in partitions),
                replicas=min((len(partition["replicas"]) for partition in partitions), default=0),
                settings={key: value for key, (value, _) in entries[name].items()},
                own={key: value for key, (value, source) in entries[name].items() if source == SET_ON_THE_TOPIC},
            )
            for name, partitions in there.items()
            if name in entries
        }
        members = (await self._admin.describe_cluster())["brokers"]
        node_ids = [member["node_id"] for member in members]
        brokers = {node_id: await self._broker_settings(node_id) for node_id in node_ids}
        releases = {node_id: await self._release(node_id) for node_id in node_ids}
        return ClusterState(brokers, topics, releases)

    async def create(self, name: str, partitions: int, replicas: int, settings: Mapping[str, str]) -> None:
        """Make a topic; no harm if somebody else has just made it.

        Raises:
            ConfigurationError: the cluster refuses, with its words.
        """
        topic = NewTopic(name, partitions, replicas, topic_configs=dict(settings))
        response = await self._admin.create_topics([topic])
        for _, code, message in response.topic_errors:
            if code != TopicAlreadyExistsError.errno:
                _refused(f"make topic {name}", code, message)

    async def set_on_topic(self, name: str, own: Mapping[str, str]) -> None:
        """Set exactly these settings on a topic: one of its own that is not among them goes back to the default.

        Raises:
            ConfigurationError: the cluster refuses, with its words.
        """
        resource = ConfigResource(ConfigResourceType.TOPIC, name, dict(own))
        for response in await self._admin.alter_configs([resource]):
            for code, message, _, _ in response.resources:
                _refused(f"set {', '.join(own)} on topic {name}", code, message)

    async def id(self) -> str:
        """What the cluster calls itself, once and for all."""
        return str((await self._admin.describe_cluster())["cluster_id"])

    async def members(self, group: str) -> int:
        """How many consumers are in a group now, or have not been gone for as long as their session.

        Raises:
            BrokerUnreachableError: the group's coordinator is not to be had.
        """

        async def ask() -> int:
            (response,) = await self._admin.describe_consumer_groups([group])
            code, _group, _state, _protocol_type, _protocol, members, *_ = response.groups[0]
            if code:
                raise for_code(code)
            return len(members)

        return await self._of_coordinator(ask, group)

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        """The offsets that a group has committed in a topic, by partition.

        Raises:
            BrokerUnreachableError: the group's coordinator is not to be had.
        """

        async def ask() -> dict[Any, Any]:
            found: dict[Any, Any] = await self._admin.list_consumer_group_offsets(group)
            return found

        found = await self._of_coordinator(ask, group)
        return {place.partition: at.offset for place, at in found.items() if place.topic == topic and at.offset >= 0}

    async def _of_coordinator(self, ask: Callable[[], Awaitable[Answer]], group: str) -> Answer:
        for _ in range(COORDINATOR_ATTEMPTS):  # a young cluster makes the coordinators' topic on the first question
            try:
                return await ask()
            except KafkaError as error:
                why = error
            await asyncio.sleep(COORDINATOR_PAUSE_S)
        raise BrokerUnreachableError(f"the coordinator of group {group} does not answer: {why!r}")

    async def delete(self, names: Collection[str]) -> None:
        """Delete topics with all they hold; those that are not there are passed over."""
        await self._admin.delete_topics(list(names))

    async def _topic_settings(self, names: Collection[str]) -> dict[str, dict[str, tuple[str, int]]]:
        if not names:
            return {}
        entries: dict[str, dict[str, tuple[str, int]]] = {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        for response in await self._admin.describe_configs(resources):
            for code, message, _, name, settings in response.resources:
                if code == UnknownTopicOrPartitionError.errno:
                    continue  # just made, and this broker has not heard of it yet: not quite there
                _refused(f"read the settings of topic {name}", code, message)
                entries[name] = {entry[0]: (entry[1], entry[3]) for entry in settings}
        return entries

    async def _broker_settings(self, node_id: int) -> dict[str, str]:
        resource = ConfigResource(ConfigResourceType.BROKER, str(node_id))
        (response,) = await self._admin.describe_configs([resource])
        return {entry[0]: entry[1] for _, _, _, _, settings in response.resources for entry in settings}

    async def _release(self, node_id: int) -> str:
        # aiokafka asks the same at each connection, and keeps the answer to itself.
        response = await self._admin._send_request(ApiVersionRequest(), node_id)  # noqa: SLF001 - watched by test_hooks
        return release_of({request: newest for request, _, newest in response.api_versions})


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Cluster]:
    """Connect to PALIER_BROKERS.

    Raises:
        BrokerUnreachableError: no broker answers now.
    """
    admin = AIOKafkaAdminClient(**client_settings(settings))
    try:
        try:
            await admin.start()
        except KafkaConnectionError:
            raise BrokerUnreachableError(f"no broker answers at {settings.brokers}; is PALIER_BROKERS right?") from None
        yield Cluster(admin)
    finally:
        await admin.close()


def _refused(what: str, code: int, message: str | None) -> None:
    if code != 0:
        error: Any = for_code(code)
        raise ConfigurationError(f"the cluster refuses to {what}: {message or error.description or error.__name__}")
