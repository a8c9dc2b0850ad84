"""What recovery decides without a broker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust.tables.recovery import RebalanceAgain

from palier.engine.recovery import BatchRecovery, Progress


def current(of_app, *, between):
    """Ask a recovery of generation 3."""
    recovery = SimpleNamespace(
        app=SimpleNamespace(consumer_generation_id=of_app), engine=SimpleNamespace(is_between_generations=between)
    )
    BatchRecovery._check_current(recovery, 3)


def test_a_recovery_that_a_rebalance_has_overtaken_lets_nothing_flow():
    """The partitions that come with it are neither fenced nor sought yet; its own recovery follows."""
    current(3, between=False)
    for of_app, between in ((4, False), (3, True)):
        with pytest.raises(RebalanceAgain):
            current(of_app, between=between)


def test_time_left_follows_the_rate_so_far():
    """Unknown before anything is read."""
    progress = Progress(1_000, 10.0)
    progress.look(1_000, 12.0)
    assert progress.seconds_left == 0
    progress.look(750, 14.0)
    assert progress.seconds_left == 12
    progress.look(0, 20.0)
    assert progress.seconds_left == 0
