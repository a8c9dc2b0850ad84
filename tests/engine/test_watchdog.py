"""When the watchdog gives up."""

from __future__ import annotations

import pytest

from palier.engine.watchdog import Progress, Verdict


def verdict_after(seconds, progress_at, limit_s=60.0):
    """The first reason within so many seconds of looking once a second, and when."""
    verdict = Verdict(limit_s)
    verdict.look(progress_at(0), 1_000.0)
    for second in range(1, seconds + 1):
        if (reason := verdict.look(progress_at(second), 1_000.0 + second)) is not None:
            return second, reason
    return None


def test_a_blocked_loop_is_told_after_the_limit():
    """Whatever the work: a loop that does not turn answers nobody."""
    when, reason = verdict_after(100, lambda _: Progress(1_000.0, 1, work_left=False))
    assert when == 61
    assert "event loop" in reason


def test_work_without_progress_is_told_after_the_limit():
    """Records wait, the loop turns, nothing is done."""
    when, reason = verdict_after(100, lambda second: Progress(1_000.0 + second, 7, work_left=True))
    assert 60 <= when <= 62
    assert "nothing moves" in reason


@pytest.mark.parametrize(
    "progress_at",
    [
        lambda second: Progress(1_000.0 + second, second // 50, work_left=True),
        lambda second: Progress(1_000.0 + second, 0, work_left=False),
    ],
    ids=["slow but moving", "nothing to do"],
)
def test_a_worker_that_moves_or_has_nothing_to_do_lives(progress_at):
    """An idle night and a slow broker are no reason."""
    assert verdict_after(500, progress_at) is None


def test_a_frozen_process_is_given_a_turn_first():
    """After SIGSTOP and SIGCONT the watchdog may wake before the loop: fencing should speak, not the watchdog."""
    verdict = Verdict(60.0)
    verdict.look(Progress(1_000.0, 1, work_left=True), 1_000.0)
    assert verdict.look(Progress(1_000.0, 1, work_left=True), 1_100.0) is None
    assert verdict.look(Progress(1_100.5, 2, work_left=True), 1_101.0) is None
