"""When a partition's timers are looked at, how many at a time, and what they leave for others. Without Kafka."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from palier.engine import engine
from palier.engine.commands import Begin
from palier.engine.config import EngineConfig
from palier.engine.engine import REST_BEHIND, Engine
from palier.engine.events import CheckpointDue
from palier.engine.losses import Losses
from palier.engine.partition_copy import PartitionCopy
from palier.engine.ports import Snapshot
from palier.engine.protocol import Phase
from palier.engine.runner import MAX_EXPIRED, TIMERS_PER_TICK, Runner
from palier.errors import DataError

GRACE_MS = 60_000
DUE_MS = 1_000_000_123
SETTLED = {"touchpoints": 7}


class Silences:
    """A processor that notes who was demoted as of when. `later`: key -> when it is due once more, or still."""

    encode = decode = staticmethod(lambda state: state)
    due = staticmethod(lambda _state: None)
    snapshot = staticmethod(lambda _partition: Snapshot({}, None))

    def __init__(self):
        self.read_ms = 0
        self.later = {}
        self.looked_at = []

    def clock_ms(self, _partition):
        return self.read_ms

    def expire(self, partition, key, until_ms, offset):
        self.looked_at.append((key, until_ms))
        if key not in self.later:
            partition.save(key, b"demoted", offset)
        return self.later.get(key)


class Copies:
    """Nothing is stored yet."""

    def copy(self, number):
        return PartitionCopy(number)


CONFIG = EngineConfig(
    application="test",
    brokers="",
    sources=("touchpoints",),
    outputs={},
    table="contacts",
    partitions=1,
    data_dir=Path(),
    timer_grace_s=GRACE_MS / 1000,
    event_clock=True,
)


@pytest.fixture
def running():
    """A partition that has read seven touchpoints and committed them."""
    one = Runner(0, CONFIG, Copies(), Silences(), None, Losses())
    one.protocol.phase = Phase.RUNNING
    one.protocol.next, one.protocol._settled = dict(SETTLED), dict(SETTLED)
    return one


def tick(one, read_ms):
    """One tick with touchpoints read up to `read_ms`; whether there are more."""
    one._processor.read_ms = read_ms
    return one.tick(read_ms / 1000)


def keys_looked_at(one):
    """In order."""
    return [key for key, _ in one._processor.looked_at]


def test_the_grace_is_kept_to_the_millisecond(running):
    """Taken when due moment + grace <= clock, as of clock - grace."""
    running.partition.timers.schedule(b"anna", DUE_MS)
    assert not tick(running, DUE_MS + GRACE_MS - 1)
    assert keys_looked_at(running) == []
    assert not tick(running, DUE_MS + GRACE_MS)
    assert running._processor.looked_at == [(b"anna", DUE_MS)]


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.RUNNING])
def test_none_unless_the_partition_runs(running, phase):
    """Not while it is fenced, recovered, sought or let go."""
    running.partition.timers.schedule(b"anna", DUE_MS)
    running.protocol.phase = phase
    assert not tick(running, DUE_MS + 10 * GRACE_MS)
    assert keys_looked_at(running) == []
    running.protocol.phase = Phase.RUNNING
    tick(running, DUE_MS + 10 * GRACE_MS)
    assert keys_looked_at(running) == [b"anna"]


def test_at_most_so_many_in_a_tick(running):
    """A crowd is taken in portions, earliest first, nobody twice; each portion tells whether to come again soon."""
    crowd = [b"%06d" % number for number in range(2 * TIMERS_PER_TICK + 5)]
    for number, key in enumerate(crowd):
        running.partition.timers.schedule(key, DUE_MS + number)
    for portion, more in enumerate([True, True, False]):
        assert tick(running, DUE_MS + GRACE_MS + len(crowd)) is more
        assert keys_looked_at(running) == crowd[: (portion + 1) * TIMERS_PER_TICK]
    assert not tick(running, DUE_MS + GRACE_MS + len(crowd))
    assert keys_looked_at(running) == crowd


def test_who_has_been_active_is_put_off(running):
    """Looked at when first due, found active since, and not looked at again before she is due now."""
    running.partition.timers.schedule(b"anna", DUE_MS)
    running._processor.later[b"anna"] = DUE_MS + 5_000
    for past_ms in (0, 1, 4_999):
        tick(running, DUE_MS + GRACE_MS + past_ms)
    assert keys_looked_at(running) == [b"anna"]
    assert running.protocol.handle(CheckpointDue()) is None, "nothing has changed"
    tick(running, DUE_MS + GRACE_MS + 5_000)
    assert keys_looked_at(running) == [b"anna", b"anna"]


def test_a_demotion_is_committed_without_any_touchpoint(running):
    """The next checkpoint takes it along, though the source has not moved."""
    assert running.protocol.handle(CheckpointDue()) is None
    running.partition.timers.schedule(b"anna", DUE_MS)
    tick(running, DUE_MS + GRACE_MS)
    assert running.protocol.handle(CheckpointDue()) == Begin(1, SETTLED)
    assert running.partition.offsets == {b"anna": SETTLED["touchpoints"] - 1}


def begin_transaction(one):
    """The part of it that matters here: what was touched goes into it."""

    class Writer:
        is_worn = contact_lost = False

        async def begin(self, _topics):
            pass

    one._writer = Writer()
    asyncio.run(one._begin(1, SETTLED))


def crowd_of(one, size):
    """So many contacts who are due."""
    keys = [b"%06d" % number for number in range(size)]
    for key in keys:
        one.partition.timers.schedule(key, DUE_MS)
    return keys


def test_a_transaction_takes_only_so_many(running):
    """However slow the broker is, a million demotions neither pile up in memory nor make one huge transaction."""
    crowd = crowd_of(running, 2 * MAX_EXPIRED)
    for _ in range(2 * len(crowd) // TIMERS_PER_TICK):
        more = tick(running, DUE_MS + GRACE_MS)
    assert not more
    assert keys_looked_at(running) == crowd[:MAX_EXPIRED]
    begin_transaction(running)
    for _ in range(2 * len(crowd) // TIMERS_PER_TICK):
        tick(running, DUE_MS + GRACE_MS)
    assert keys_looked_at(running) == crowd


def test_who_is_only_put_off_does_not_count(running):
    """Nothing of it is committed, so no transaction would ever come that lets the timers go on."""
    crowd = crowd_of(running, 3 * MAX_EXPIRED)
    running._processor.later = dict.fromkeys(crowd, DUE_MS + 10 * GRACE_MS)
    for _ in range(len(crowd) // TIMERS_PER_TICK):
        tick(running, DUE_MS + GRACE_MS)
    assert keys_looked_at(running) == crowd


# --- the loop around it ---------------------------------------------------------------------------------------------------
class Crowded:
    """A partition whose ticks take 5 ms and never come to an end."""

    number, lag = 0, 1

    def __init__(self):
        self.worked_s = 0.0

    def tick(self, _now_s):
        started = time.monotonic()
        time.sleep(0.005)
        self.worked_s += time.monotonic() - started
        return True


class Broken:
    """A partition whose state cannot be read."""

    number, lag = 3, 0

    def __init__(self, error):
        self._error = error

    def tick(self, _now_s):
        raise self._error


class Nobody:
    """An observer that does not care."""

    def alive(self):
        pass


def keeping_time(*runners):
    """An engine with these partitions."""
    made = Engine(CONFIG, Copies(), Silences(), Nobody(), Losses())
    made._runners = dict(enumerate(runners))
    return made


def test_a_crowd_leaves_most_of_the_time_to_touchpoints():
    """While touchpoints wait, timers get no more than one part in 1 + REST_BEHIND, over all partitions together."""

    async def for_a_while(made):
        task = asyncio.create_task(made.keep_time())
        started = time.monotonic()
        await asyncio.sleep(0.4)
        task.cancel()
        return time.monotonic() - started

    partitions = [Crowded(), Crowded(), Crowded()]
    passed_s = asyncio.run(for_a_while(keeping_time(*partitions)))
    worked_s = sum(one.worked_s for one in partitions)
    unrested_s = 3 * 0.02  # the last round may still lack its rest
    assert 0 < worked_s <= passed_s / (1 + REST_BEHIND) + unrested_s


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("offset 7: damaged"), (65, "offset 7: damaged")),
        (KeyError("x"), (70, "timers of partition 3: KeyError('x')")),
    ],
)
def test_a_timer_that_fails_ends_the_process(monkeypatch, error, line):
    """With its exit code and a line; timers that died unnoticed would demote nobody any more."""
    told = []

    def exit_now(code, reason):
        told.append((int(code), reason))
        raise SystemExit

    monkeypatch.setattr(engine, "exit_now", exit_now)
    with pytest.raises(SystemExit):
        asyncio.run(keeping_time(Broken(error)).keep_time())
    assert told == [line]
