"""Short forms of the campaigns: `python -m chaos run FAULT --rounds N` runs as many as you like."""

from __future__ import annotations

import pytest

from chaos.campaign import campaign
from chaos.faults import FAULTS
from chaos.world import Place

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SHORT = {
    "kill": 10,
    "kill-completing": 1,
    "kill-end-sent": 2,
    "kill-timers": 2,
    "kill-revoked": 1,
    "zombie": 2,
    "going": 4,
    "ghost-commit": 6,
    "hijack": 3,
    "releases": 2,
    "store-disk-full": 1,
}


@pytest.fixture
def shared(kafka):
    """Where campaigns are that need no broker of their own."""
    return Place(kafka.brokers, kafka.brokers, shortest_session_s=6 if kafka.kind == "given" else 2)


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_doubled_or_changed(name, shared):
    """Downstream sees every tier change of the naive model once, in order, whatever was done to the workers."""
    entry = campaign(FAULTS[name], shared, seed=1, rounds=SHORT[name], say=print)
    assert entry.faults == []
    assert len(entry.rounds) == SHORT[name]
    assert entry.changes > 10
