"""The short form of `python -m chaos.coming_and_going`."""

from __future__ import annotations

import pytest

from chaos.coming_and_going import coming_and_going
from worker_kit.truth import NEVER_S

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


def test_workers_come_and_go_and_nobody_downstream_notices(make_settings, tmp_path):
    """With warm standbys on disk: every tier change once, in order; each worker that is stopped ends with 0."""
    settings = make_settings(clock="event", timer_grace=NEVER_S, standbys=1, store="rocksdb://")
    verdict, exits, _ = coming_and_going(settings, tmp_path, seconds=25, seed=2, say=print, roll_every_s=12)
    assert verdict.faults == []
    assert set(exits) == {0}
    assert verdict.changes > 50
