"""The timer index against a plain dict, and the clock rule."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palier.engine.clock import PartitionClock
from palier.engine.timers import TimerIndex

KEYS = [b"a", b"b", b"c", b"d"]
MOMENTS = st.one_of(st.integers(0, 5_000), st.integers(0, 4 * 3_600_000))  # of six seconds, and of five hours
schedules = st.tuples(st.just("schedule"), st.sampled_from(KEYS), MOMENTS)
cancels = st.tuples(st.just("cancel"), st.sampled_from(KEYS), st.none())
takes = st.tuples(st.just("take"), MOMENTS, st.integers(1, 5))
clears = st.tuples(st.just("clear"), st.none(), st.none())


@given(st.lists(st.one_of(schedules, schedules, cancels, takes, clears), max_size=60))
def test_every_key_is_looked_at_once_when_it_was_asked_for(history):
    """Against the obvious dict: earliest wish wins, a key taken or cancelled is forgotten, none comes a moment early."""
    index, wishes = TimerIndex(), {}
    for action, first, second in history:
        if action == "schedule":
            index.schedule(first, second)
            wishes[first] = min(second, wishes.get(first, second))
        elif action == "cancel":
            index.cancel(first)
            wishes.pop(first, None)
        elif action == "clear":
            index.clear()
            wishes.clear()
        else:
            taken = index.take(first, second)
            due = sorted((moment, key) for key, moment in wishes.items() if moment <= first)
            assert len(taken) == min(second, len(due)) == len(set(taken))
            assert [wishes.pop(key) for key in taken] == [moment for moment, _ in due[:second]], "earliest first"
        assert len(index) == len(wishes)
    assert set(index.take(10**9, 10**9)) == set(wishes)


def test_a_crowd_is_taken_in_portions():
    """A second with many keys survives being taken little by little."""
    index = TimerIndex()
    keys = [b"%d" % number for number in range(100)]
    for key in keys:
        index.schedule(key, 5_000)
    taken = [index.take(5_000, 3) for _ in range(40)]
    assert max(map(len, taken)) == 3
    assert sorted(chain.from_iterable(taken)) == sorted(keys)


def test_a_key_put_off_within_its_second_keeps_nobody_waiting():
    """Looked at too early, put off by milliseconds, it must not come again before those that are due now."""
    index = TimerIndex()
    index.schedule(b"early", 7_000)
    index.schedule(b"due", 7_400)
    assert index.take(7_500, 1) == [b"early"]
    index.schedule(b"early", 7_900)
    assert index.take(7_500, 5) == [b"due"]
    assert index.take(7_899, 5) == []
    assert index.take(7_900, 5) == [b"early"]


READ_MS, NOW_S = 1_000_000, 5_000.0


@pytest.mark.parametrize(
    ("event_only", "high", "asked_s", "expected"),
    [
        (False, 10, NOW_S - 1, int(NOW_S - 1) * 1000),
        (False, 11, NOW_S - 1, READ_MS),
        (False, 10, NOW_S - 600, int(NOW_S - 600) * 1000),
        (True, 10, NOW_S - 1, READ_MS),
    ],
    ids=["caught up", "records left unread", "nothing known since", "PALIER_CLOCK=event"],
)
def test_the_wall_clock_counts_only_while_caught_up(event_only, high, asked_s, expected):
    """And stands at when the last fetch was asked for: an outage never demotes contacts whose activity lies unread."""
    clock = PartitionClock(event_only)
    clock.fetched("touchpoints", high, high, asked_s)
    assert clock.now_ms({"touchpoints": 10}, READ_MS, NOW_S) == expected


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


def test_an_answer_from_before_a_freeze_is_dated_so():
    """It lies in the socket meanwhile, and tells of a topic as it was."""
    clock = PartitionClock(event_only=False)
    clock.fetched("touchpoints", 10, 10, NOW_S)
    assert clock.now_ms({"touchpoints": 10}, READ_MS, NOW_S + 7_200) == NOW_S * 1000
    clock.fetched("touchpoints", 10, 10, NOW_S + 7_200)
    assert clock.now_ms({"touchpoints": 10}, READ_MS, NOW_S + 7_200.1) == (NOW_S + 7_200) * 1000


@pytest.mark.parametrize("jump_s", [3_600.0, 400 * 86_400.0])
def test_a_wall_clock_that_is_put_forward_and_back_is_believed_again(jump_s):
    """As soon as a fetch is answered that was asked for afterwards."""
    clock = PartitionClock(event_only=False)
    for began_s in (NOW_S, NOW_S + jump_s, NOW_S + 100):
        assert clock.now_ms({"touchpoints": 10}, READ_MS, began_s) < began_s * 1000
        clock.fetched("touchpoints", 10, 10, began_s)
        assert clock.now_ms({"touchpoints": 10}, READ_MS, began_s + 0.1) == began_s * 1000


def test_an_answer_from_the_future_proves_nothing():
    """The clock was put back after it was asked for: nobody knows how old it is."""
    clock = PartitionClock(event_only=False)
    clock.fetched("touchpoints", 10, 10, NOW_S + 3_600)
    assert clock.now_ms({"touchpoints": 10}, READ_MS, NOW_S) == READ_MS


def test_of_several_topics_the_oldest_answer_counts():
    """What lies in the other one may be from any moment since."""
    clock = PartitionClock(event_only=False)
    clock.fetched("touchpoints", 10, 10, NOW_S)
    clock.fetched("imports", 3, 3, NOW_S - 30)
    assert clock.now_ms({"touchpoints": 10, "imports": 3}, READ_MS, NOW_S + 1) == (NOW_S - 30) * 1000
