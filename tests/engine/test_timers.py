"""The timer index against a plain dict, and the clock rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palier.engine.clock import PartitionClock
from palier.engine.timers import SECOND_MS, TimerIndex

KEYS = [b"a", b"b", b"c", b"d"]
schedules = st.tuples(st.just("schedule"), st.sampled_from(KEYS), st.integers(0, 50))
cancels = st.tuples(st.just("cancel"), st.sampled_from(KEYS), st.none())
takes = st.tuples(st.just("take"), st.integers(0, 60), st.integers(1, 5))


@given(st.lists(st.one_of(schedules, cancels, takes), max_size=60))
def test_every_key_is_looked_at_once_and_never_later_than_asked(history):
    """Against the obvious dict: earliest wish wins, a key taken or cancelled is forgotten."""
    index, wishes = TimerIndex(), {}
    for action, first, second in history:
        if action == "schedule":
            index.schedule(first, second * SECOND_MS + 7)
            wishes[first] = min(second, wishes.get(first, second))
        elif action == "cancel":
            index.cancel(first)
            wishes.pop(first, None)
        else:
            taken = list(index.take(first * SECOND_MS, second))
            due = sorted(key for key, moment in wishes.items() if moment <= first)
            assert len(taken) == min(second, len(due)) == len(set(taken))
            assert set(taken) <= set(due)
            assert all(wishes[key] <= wishes[left] for key in taken for left in due if left not in taken), (
                "earliest first"
            )
            for key in taken:
                del wishes[key]
        assert len(index) == len(wishes)
    assert set(index.take(10**9, 10**9)) == set(wishes)


def test_a_crowd_is_taken_in_portions():
    """A second with many keys survives being taken little by little."""
    index = TimerIndex()
    keys = [b"%d" % number for number in range(100)]
    for key in keys:
        index.schedule(key, 5_000)
    taken = [key for _ in range(40) for key in index.take(5_000, 3)]
    assert sorted(taken) == sorted(keys)
    assert index.earliest_ms is None


READ_MS, NOW_S = 1_000_000, 5_000.0


@pytest.mark.parametrize(
    ("event_only", "high", "answered_s", "folded_to", "expected"),
    [
        (False, 10, NOW_S - 1, 10, int(NOW_S * 1000)),
        (False, 11, NOW_S - 1, 10, READ_MS),
        (False, 10, NOW_S - 6, 10, READ_MS),
        (True, 10, NOW_S - 1, 10, READ_MS),
    ],
    ids=["caught up", "records left unread", "the last answer is too old", "PALIER_CLOCK=event"],
)
def test_the_wall_clock_counts_only_while_caught_up(event_only, high, answered_s, folded_to, expected):
    """An outage never demotes contacts whose activity lies unread."""
    clock = PartitionClock(event_only)
    clock.fetched("touchpoints", high, high, answered_s)
    assert clock.now_ms({"touchpoints": folded_to}, READ_MS, NOW_S) == expected


def test_unknown_is_behind():
    """Before the first fetch of an assignment nothing is known."""
    assert PartitionClock(event_only=False).now_ms({"touchpoints": 0}, READ_MS, NOW_S) == READ_MS


def test_an_open_transaction_of_upstream_is_timed():
    """Counted from when the last stable offset last moved; gone once it reaches the end."""
    clock = PartitionClock(event_only=False)
    seen = [
        clock.fetched("touchpoints", *answer) for answer in [(5, 5, 10.0), (5, 7, 11.0), (5, 9, 14.0), (6, 9, 15.0)]
    ]
    assert seen == [0.0, 1.0, 4.0, 0.0]
    assert not clock.caught_up({"touchpoints": 6}, 15.0), "hidden records are no silence"
    assert clock.fetched("touchpoints", 9, 9, 20.0) == 0.0
