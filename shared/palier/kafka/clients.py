"""What every Kafka client here has in common: its settings, and waiting for a broker."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from palier.errors import BrokerUnreachableError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.settings import Settings

RETRY_S = 0.1
ATTEMPT_S = 5.0


def client_settings(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for every client of aiokafka: consumer, producer, admin."""
    return {"bootstrap_servers": settings.brokers, "client_id": settings.application}


async def wait_for_broker(brokers: str, timeout_s: float) -> None:
    """Return once a broker of the list has told its cluster's members. Tries at least once; quiet meanwhile.

    Raises:
        ConfigurationError: `brokers` is not a list of host:port.
        BrokerUnreachableError: none did within `timeout_s`; says why the last attempt failed.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        with _complaints() as complaints:
            if await _attempt(brokers, deadline - time.monotonic()):
                return
        if time.monotonic() + RETRY_S >= deadline:
            why = complaints[-1] if complaints else "it knows no member of its cluster yet"
            raise BrokerUnreachableError(
                f"no broker answered at {brokers} within {timeout_s:g} s ({why}); is PALIER_BROKERS right, is it running?"
            )
        await asyncio.sleep(RETRY_S)


async def _attempt(brokers: str, left_s: float) -> bool:
    timeout_ms = int(1000 * min(max(left_s, 1.0), ATTEMPT_S))
    client = AIOKafkaClient(bootstrap_servers=brokers, request_timeout_ms=timeout_ms)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except ValueError:
        raise ConfigurationError(f"PALIER_BROKERS={brokers!r} is not a list of host:port, comma-separated") from None
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collects what aiokafka would log about each failed attempt, instead of having it scroll by."""
    collected: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collected.append(record.getMessage())

    logger, collector = logging.getLogger("aiokafka"), Collector()
    propagated = logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield collected
    finally:
        logger.propagate = propagated
        logger.removeHandler(collector)
