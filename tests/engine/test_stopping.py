"""How long a stop may take, and with what it ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from palier.engine import process
from palier.errors import ExitCode


class EndedError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def limited(monkeypatch):
    """What a stop ends with, as (exit code, reason); None: it was over by itself. The engine is drained as the list says."""
    monkeypatch.setattr(process, "DRAIN_LIMIT_S", 0.3)
    monkeypatch.setattr(process, "LEAVE_LIMIT_S", 0.1)
    monkeypatch.setattr(process, "LOOK_EVERY_S", 0.01)

    def exit_now(code, reason):
        raise EndedError(code, reason)

    monkeypatch.setattr(process, "exit_now", exit_now)

    def limited(*drained, over=False):
        left = list(drained)

        class Engine:
            @property
            def is_drained(self):
                return left.pop(0) if len(left) > 1 else left[0]

        stopped = SimpleNamespace(wait=threading.Event().wait if not over else lambda _limit_s: True)
        try:
            process._limit_stop(Engine(), ExitCode.DONE, stopped)
        except EndedError as ended:
            return ended.args
        return None

    return limited


def test_a_stop_that_is_over_has_no_limit(limited):
    """As nearly all are, within a second."""
    assert limited(False, over=True) is None


def test_what_is_drained_ends_well_even_if_the_group_does_not_answer(limited):
    """Nothing is left that leaving would save; the session will end there by itself."""
    code, reason = limited(False, False, True)
    assert code is ExitCode.DONE
    assert "the group did not let us go" in reason


def test_what_is_not_drained_in_time_is_read_again(limited):
    """A restart has to begin somewhere."""
    code, reason = limited(False)
    assert code is ExitCode.INTERNAL
    assert "not drained within 0 s" in reason


def test_a_rebalance_that_is_over_meanwhile_counts_anew(limited):
    """Partitions that came back may have been worked on."""
    code, _ = limited(*[True] * 5, *[False] * 5, True)
    assert code is ExitCode.DONE
    assert limited(*[True, False] * 40)[0] is ExitCode.INTERNAL
