"""The same faults for what somebody would write with Faust alone, judged by what holds for everybody: tier changes.

A world of its own for each, with the same log, the same seed and the same kills. META, transactions and dead letters are
the product's own affair and judged elsewhere (`chaos run`).
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from chaos.ledger import Entry
from chaos.world import NotHealedError, World
from worker_kit.judge import Verdict, count_changes
from worker_kit.reading import ends, read_all
from worker_kit.touchpoints import touchpoints_topic
from worker_kit.truth import replayed

TESTS = Path(__file__).parents[1]
RATE = 200  # touchpoints a second: none of them should be busy
ROUND_AT_MOST_S = 20.0
SESSION_S = 6.0  # Kafka's own least
DRAIN_LIMIT_S = 120.0
LAST_WORDS_S = 3.0  # for what is on its way when everything is read
STOP_LIMIT_S = 15
OURS = "Palier"
CONTENDERS = {OURS: None, "Faust, at_least_once": "at_least_once", "Faust, exactly_once": "exactly_once"}


def contender(fault, guarantee):
    """The fault, done to workers of Faust alone with a processing guarantee; None: to the product's."""
    made = copy(fault)
    made.rate, made.round_at_most_s = RATE, ROUND_AT_MOST_S
    made.settings = fault.settings | {"session_timeout": SESSION_S}
    if guarantee is not None:
        made.command = lambda folder: [sys.executable, "-m", "chaos.idiomatic_faust", str(folder), guarantee]
        made.environment = lambda _world: {"PYTHONPATH": str(TESTS)}
    return made


def trial(name, fault, shared, seed, rounds, say):
    """The entry of one contender. Whatever it did not manage in time is said in `faults`, and counts as it lies there."""
    began, started = datetime.now(UTC), time.monotonic()
    entry = Entry(f"{fault.name} beside: {name}", seed, began=began.isoformat(timespec="seconds"))
    fault = contender(fault, CONTENDERS[name])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = stack.enter_context(fault.place(shared, folder))
        world = stack.enter_context(World(fault, place, seed, rounds, folder))
        _in_time(entry, world.until_healed)
        for number in range(1, rounds + 1):
            done = _in_time(entry, lambda: fault.round(world))
            entry.rounds.append(done or "killed, not healed in time")
            say(f"  {number:>4}  {entry.rounds[-1]}")
        world.traffic.finish()
        entry.longest_silence_s = world.committed.longest_silence_s
        _in_time(entry, lambda: _drain(world))
        for worker in list(world.workers):
            world.stop_worker(worker, STOP_LIMIT_S)
        _in_time(entry, lambda: world.committed.finish(world.direct))
        entry.take(verdict_of(world))
        entry.take_ends(world.ends, world.fault.expected_ends | {0, -signal.SIGTERM})
        entry.happened = dict(world.happened)
    entry.seconds = round(time.monotonic() - started, 1)
    return entry


def _in_time(entry, wait):
    """What it returns; None if it gives up, which is noted."""
    try:
        return wait()
    except (NotHealedError, AssertionError) as error:
        entry.faults.append(str(error).splitlines()[0][:200])
        return None


def _drain(world):
    """Until the group has read everything, and a moment longer for what was sent last."""
    topic = touchpoints_topic(world.direct)
    wanted = ends(world.direct, topic)
    asker = Consumer({"bootstrap.servers": world.direct.brokers, "group.id": world.settings.application})
    asked = [TopicPartition(topic, number) for number in range(world.settings.partitions)]

    def unread():
        return sum(max(0, end - max(0, at.offset)) for at, end in zip(asker.committed(asked, 10), wanted, strict=True))

    try:
        world.until(lambda: not unread(), "everything read", DRAIN_LIMIT_S)
    except NotHealedError:
        raise NotHealedError(f"not drained within {DRAIN_LIMIT_S:.0f} s: {unread()} touchpoints unread") from None
    finally:
        asker.close()
    world.go_on(LAST_WORDS_S)


def verdict_of(world):
    """The tier changes that a read_committed reader saw, against those of a replay."""
    topic = touchpoints_topic(world.direct)
    values = [message.value() or b"" for messages in read_all(world.direct, topic)[topic] for message in messages]
    chains, refusals = replayed(values, world.folder)
    seen = [message for messages in world.committed.records for message in messages]
    verdict = Verdict(touchpoints=len(values), refused=len(refusals), changes=sum(map(len, chains.values())))
    count_changes(verdict, chains, seen)
    return verdict


def table(entries):
    """Markdown. `entries`: by contender."""
    lines = [
        "| worker | kills | touchpoints | tier changes due | lost | doubled | conflicting | exits | longest silence | late |",
        "|---|---:|---:|---:|---:|---:|---:|---|---:|---|",
    ]
    for name, one in entries.items():
        late = [fault for fault in one.faults if not fault.startswith("tier changes: ")]
        exits = ", ".join(f"{count} x {code}" for code, count in sorted(one.ends.items())) or "none"
        cells = (
            name, len(one.rounds), one.touchpoints, one.changes, one.lost, one.doubled, one.conflicting, exits,
            f"{one.longest_silence_s:.1f} s", "; ".join(late) or "nothing",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)
