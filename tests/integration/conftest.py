"""Fixtures of tests on a real broker."""

from __future__ import annotations

import uuid

import pytest

from engine_kit.driver import create_topics, delete_topics

PARTITIONS = 4


@pytest.fixture
def chain(kafka, request):
    """(brokers, name) of fresh topics for the chain, with as many partitions as the test's module says, else four."""
    name = f"chain-{uuid.uuid4().hex[:8]}"
    create_topics(kafka.brokers, name, getattr(request.module, "PARTITIONS", PARTITIONS))
    yield kafka.brokers, name
    delete_topics(kafka.brokers, name)
