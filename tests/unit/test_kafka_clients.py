"""Waiting for a broker that is not there."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from palier.errors import BrokerUnreachableError, ConfigurationError
from palier.kafka.clients import client_settings, wait_for_broker
from palier.settings import Settings

pytestmark = pytest.mark.asyncio


async def test_waiting_is_quiet_and_ends_in_time_with_the_reason(caplog: pytest.LogCaptureFixture):
    """Each failed attempt is silent; the end is one error that names the brokers, the time and what was wrong."""
    began = time.monotonic()
    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:9 within 0\.5 s .*[Cc]onnect"):
        await wait_for_broker("127.0.0.1:9", 0.5)
    assert time.monotonic() - began < 2
    assert caplog.records == []


async def test_afterwards_the_client_logs_again(caplog: pytest.LogCaptureFixture):
    """Silence is for the wait only."""
    with pytest.raises(BrokerUnreachableError):
        await wait_for_broker("127.0.0.1:9", 0)
    logging.getLogger("aiokafka").error("heard")
    assert [record.getMessage() for record in caplog.records] == ["heard"]


async def test_somebody_who_accepts_and_never_answers_is_no_broker():
    """A port that is open and mute does not hold us up beyond the time given."""
    connections = []
    server = await asyncio.start_server(lambda *connection: connections.append(connection), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    began = time.monotonic()
    with pytest.raises(BrokerUnreachableError):
        await wait_for_broker(f"127.0.0.1:{port}", 1)
    assert time.monotonic() - began < 4
    assert connections
    for _, writer in connections:
        writer.close()
    server.close()


@pytest.mark.parametrize("brokers", ["127.0.0.1:port", "[::1"])
async def test_a_list_that_cannot_be_read_is_wrong_use(brokers: str):
    """No waiting for an address that can never be one."""
    with pytest.raises(ConfigurationError, match="host:port"):
        await wait_for_broker(brokers, 30)


async def test_every_client_tells_the_broker_whose_it_is():
    """The application's name is in the brokers' logs and quotas."""
    assert client_settings(Settings(brokers="b:1", topic_prefix="x-")) == {
        "bootstrap_servers": "b:1",
        "client_id": "x-palier-tiers",
    }
