"""Calls of a fake log with their answers, written down to be repeated on a real broker."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import wraps

from engine_kit.fake_log import OURS, STRANGER, FakeLog
from engine_kit.fake_network import FakeNetwork
from engine_kit.fake_partition import CACHED_BATCHES, RefusedError
from engine_kit.fake_worker import TOPICS
from engine_kit.random_walk import choose

# What no broker does on demand, or not at once.
NOT_ON_DEMAND = frozenset({"a_transaction_loses_markers", "markers", "logs_are_cleaned"})
TIME_OUT = "a_transaction_times_out"
LONGEST = 80  # calls


@dataclass
class Call:
    """`answer`: an epoch, an offset or nothing; `error`: Kafka's number. `ends`: topic -> (last stable offset, high)."""

    name: str
    producer: str
    epoch: int | None
    arguments: dict
    answer: int | None
    error: int
    ends: dict[str, tuple[int, int]]


@dataclass
class Trace:
    """`log` is the fake as the last call left it."""

    name: str
    log: FakeLog
    calls: list[Call] = field(default_factory=list)


def _recorded(method):
    """Write a call down, whatever comes of it."""

    @wraps(method)
    def call(self, *positional, producer=OURS, **named):
        if len(self.calls) >= LONGEST:
            raise TraceFullError
        answer, error = None, None
        try:
            answer = method(self, *positional, producer=producer, **named)
        except RefusedError as refused:
            error = refused
        names = method.__code__.co_varnames[1 : 1 + len(positional)]
        arguments = {**dict(zip(names, positional, strict=True)), **named}
        offset = answer[0] if isinstance(answer, tuple) else answer
        ends = {topic: (self.stable(topic), self.high(topic)) for topic in self.topics}
        epoch = arguments.pop("epoch", None)
        self.calls.append(
            Call(method.__name__, producer, epoch, arguments, offset, 0 if error is None else error.code, ends)
        )
        if error is not None:
            raise error
        return answer

    return call


class TraceFullError(Exception):
    """That is enough."""


class RecordingLog(FakeLog):
    """A fake log that remembers its calls."""

    def __init__(self, topics):
        super().__init__(topics)
        self.calls: list[Call] = []

    init_producer = _recorded(FakeLog.init_producer)
    add_partitions = _recorded(FakeLog.add_partitions)
    append = _recorded(FakeLog.append)
    end_transaction = _recorded(FakeLog.end_transaction)
    time_out = _recorded(FakeLog.time_out)


def trace_of_history(seed, *, time_outs):
    """What workers, ghosts and strangers ask of the broker in a history by chance."""
    log = RecordingLog(TOPICS)
    left_out = NOT_ON_DEMAND if time_outs else NOT_ON_DEMAND | {TIME_OUT}
    *_, error = choose(seed, 60, network=FakeNetwork(log), without=left_out)
    if error is not None and not isinstance(error, TraceFullError):
        raise error
    return Trace(f"history {seed}", log, log.calls)


def trace_of_calls(seed):
    """Calls that no sensible client makes: old epochs, requests sent twice or out of order, ends of nothing."""
    chance, log = random.Random(seed), RecordingLog(TOPICS)
    clients = [_Client(log, chance, OURS), _Client(log, chance, STRANGER)]
    while len(log.calls) < LONGEST:
        try:
            chance.choices(clients, [3, 1])[0].call()
        except RefusedError:
            continue
    return Trace(f"calls {seed}", log, log.calls)


class _Client:
    """Somebody who remembers every epoch that was ever his."""

    def __init__(self, log, chance, producer):
        self._log, self._chance, self._producer = log, chance, producer
        self._epochs, self._next = [], {}

    def call(self):
        """Any call that may be made."""
        chance, producer = self._chance, self._producer
        if not self._epochs or chance.random() < 0.08:
            self._epochs.append(self._log.init_producer(producer=producer))
            return
        epoch = chance.choice(self._epochs) if chance.random() < 0.2 else self._epochs[-1]
        kind = chance.choices(["add", "append", "end"], [5, 10, 2])[0]
        if kind == "add":
            topics = chance.sample(TOPICS, chance.randint(1, len(TOPICS)))
            self._log.add_partitions(epoch, topics, producer=producer)
        elif kind == "end":
            self._log.end_transaction(epoch, commit=chance.random() < 0.6, producer=producer)
        else:
            self._append(epoch, chance.choice(TOPICS))

    def _append(self, epoch, topic):
        following = self._next.get((epoch, topic), 0)
        sequence, how = following, self._chance.random()
        if following and how < 0.2:
            sequence -= self._chance.randint(1, min(following, CACHED_BATCHES))  # once more
        elif following and how < 0.25:
            sequence += 1  # one is missing
        key = b"%d" % self._chance.randint(0, 5)
        self._log.append(epoch, topic, sequence, key, b"%d" % len(self._log.calls), producer=self._producer)
        self._next[epoch, topic] = max(following, sequence + 1)
