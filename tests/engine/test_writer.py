"""The guard against ghost commits."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.producer import sender
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.transaction import EndTxnRequest

from palier.contracts.brokers import TRANSACTION_TIMEOUT_MS
from palier.engine.writer import Writer


def end_of_transaction():
    """EndTxn(commit)."""
    return EndTxnRequest("id", 1, 0, True)


@asynccontextmanager
async def unstarted_writer(on_unknown_outcome):
    """A writer that talks to nobody."""
    writer = Writer(
        0,
        transactional_id="id",
        changelog="changelog",
        outputs=[],
        client={"bootstrap_servers": "127.0.0.1:1"},
        on_unknown_outcome=on_unknown_outcome,
    )
    yield writer
    await writer._producer.client.close()
    writer._producer._closed = True  # it was never started


@pytest.mark.parametrize(
    ("request_made", "told"), [(end_of_transaction, 1), (lambda: MetadataRequest([]), 0)], ids=["EndTxn", "another"]
)
def test_an_end_of_transaction_without_an_answer_is_reported_before_it_can_be_retried(request_made, told, monkeypatch):
    """Aiokafka would send EndTxn again on its own; the first one could still arrive and commit half of the next."""
    unknown = []

    async def connection_lost(self, node_id, request, **options):
        raise KafkaConnectionError("lost")

    async def attempt():
        monkeypatch.setattr(AIOKafkaClient, "send", connection_lost)
        async with unstarted_writer(unknown.append) as writer:
            with pytest.raises(KafkaConnectionError):
                await writer._producer.client.send(0, request_made())

    asyncio.run(attempt())
    assert len(unknown) == told
    assert all("end of a transaction was not answered (KafkaConnectionError)" in why for why in unknown)


def test_what_a_ghost_guard_watches_is_what_commit_sends():
    """Both ends of a transaction go through EndTxnRequest."""
    source = inspect.getsource(sender.EndTxnHandler)
    assert "EndTxnRequest(" in source


def test_a_call_that_was_lost_is_made_again_while_its_transaction_still_lives():
    """Aiokafka waits 40 s for an answer; by then the broker has undone the transaction and shut its producer out."""

    async def waits_ms():
        async with unstarted_writer(print) as writer:
            assert writer._producer.client._request_timeout_ms == writer._producer._sender._request_timeout_ms
            return writer._producer.client._request_timeout_ms

    assert asyncio.run(waits_ms()) <= TRANSACTION_TIMEOUT_MS * 2 / 3
