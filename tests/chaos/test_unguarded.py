"""The fault that the engine is guarded against is real: without the guard, the same ghost does harm."""

from __future__ import annotations

import pytest

from chaos.proxy import KafkaProxy, kafka_behind
from chaos.unguarded import haunted_copy

pytestmark = pytest.mark.kafka


def test_a_ghost_commits_half_of_the_next_transaction_of_an_unguarded_client(tmp_path):
    """Let go between two writes, it commits the first; the second fails, the program begins anew, and the first is doubled."""
    proxy = KafkaProxy()
    with proxy, kafka_behind(proxy, tmp_path / "kafka") as kafka:
        harmed = haunted_copy(proxy, kafka, "after the first write")
        harmless = haunted_copy(proxy, kafka, "before the next end")
    assert (harmed.answer, harmed.doubled, harmed.lost) == (0, 1, 0)
    assert len(harmed.errors) == 1
    assert (harmless.doubled, harmless.lost, harmless.errors) == (0, 0, ())
