"""The short form of `python -m chaos.kill_rounds`."""

from __future__ import annotations

import pytest

from chaos.kill_rounds import kill_rounds
from worker_kit.truth import NEVER_S

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def test_kill_nine_loses_doubles_and_changes_nothing(make_settings, tmp_path):
    """Through kills at random moments a reader sees every tier change of the replay once, in order and unchanged."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, checkpoint_interval=0.02)
    verdict = kill_rounds(settings, tmp_path, rounds=6, seed=3, workers=1, say=print)
    assert verdict.faults == []
    assert verdict.aborted > 0, "no transaction was interrupted: the kills proved nothing"
    assert verdict.changes > 300
