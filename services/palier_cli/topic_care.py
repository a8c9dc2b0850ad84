"""Before anything is asked of a cluster: is a broker there, and is the topic fit to be written to?"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from palier.contracts.topics import topic_contracts
from palier.errors import ConfigurationError
from palier.kafka.clients import wait_for_broker
from palier.kafka.topics import check_topics

if TYPE_CHECKING:
    from palier.settings import Settings

NOTICE_AFTER_S = 2.0


async def reach_broker(settings: Settings) -> None:
    """Wait for a broker as long as the settings say, and say so on standard error if it takes a while.

    Raises:
        BrokerUnreachableError: none answered in time.
    """
    waiting = asyncio.create_task(wait_for_broker(settings.brokers, settings.startup_timeout))
    done, _ = await asyncio.wait([waiting], timeout=NOTICE_AFTER_S)
    if not done:
        print(f"waiting up to {settings.startup_timeout:g} s for a broker at {settings.brokers}", file=sys.stderr)
    await waiting


async def require_touchpoints(settings: Settings) -> None:
    """Return if touchpoints can be published.

    Raises:
        BrokerUnreachableError: no broker answers.
        ConfigurationError: their topic is missing, or such that contacts would be split.
    """
    await reach_broker(settings)
    name = topic_contracts(settings)[0].name
    for difference in await check_topics(settings):
        if difference.topic == name and difference.blocks_worker:
            raise ConfigurationError(f"topic {difference}")
