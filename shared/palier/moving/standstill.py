"""What must hold before state is moved: the topics are there, nobody works on them, no transaction is open."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from palier.contracts.topics import topic_contracts
from palier.errors import ConfigurationError
from palier.kafka.differences import differences
from palier.kafka.extents import extents

if TYPE_CHECKING:
    from collections.abc import Collection

    from palier.kafka.cluster import Cluster
    from palier.kafka.extents import Extent
    from palier.settings import Settings

SETTLE_S: Final = 10.0  # markers follow the answer to a commit
SETTLE_PAUSE_S: Final = 0.1


class Topics(NamedTuple):
    """Names of the topics that hold or feed state."""

    touchpoints: str
    tier_current: str
    changelog: str

    @classmethod
    def of(cls, settings: Settings) -> Topics:
        """Those of an application."""
        touchpoints, _changes, tier_current, _dead_letters, changelog, _transfers = topic_contracts(settings)
        return cls(touchpoints.name, tier_current.name, changelog.name)


async def require_topics(cluster: Cluster, settings: Settings, needed: Collection[str] | None = None) -> None:
    """Return if the topics (`needed`, else all) are such that a worker could start on them.

    Raises:
        ConfigurationError: one is missing or wrong.
    """
    contracts = topic_contracts(settings)
    state = await cluster.describe([contract.name for contract in contracts])
    for difference in differences(contracts, state):
        if difference.blocks_worker and (needed is None or difference.topic in needed):
            raise ConfigurationError(f"topic {difference}")


async def require_stopped(cluster: Cluster, application: str) -> None:
    """Return if no worker of the application is in its group.

    Raises:
        ConfigurationError: there are some.
    """
    if members := await cluster.members(application):
        raise ConfigurationError(
            f"{members} worker{'s' * (members > 1)} of {application} at work: stop them first (one that was killed, or has "
            "a PALIER_GROUP_INSTANCE_ID, leaves the group only after PALIER_SESSION_TIMEOUT)"
        )


async def settled_extents(settings: Settings, topic: str) -> list[Extent]:
    """The extents of a topic's partitions, none of which has an open transaction.

    Raises:
        ConfigurationError: one stays open.
    """
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = await extents(settings, topic, settings.partitions)
        hanging = [number for number, extent in enumerate(found) if extent.stable < extent.end]
        if not hanging:
            return found
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"a transaction is open in {topic}, partitions {hanging}: it ends within a minute of its producer's end; if "
                "it does not, start a worker, which ends its own, or find it with kafka-transactions.sh find-hanging"
            )
        await asyncio.sleep(SETTLE_PAUSE_S)
