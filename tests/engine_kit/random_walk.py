"""Chance chooses what happens in a History: a seed tells it all."""

from __future__ import annotations

import random

from engine_kit.fake_worker import FakeWorker
from engine_kit.history import HAPPENINGS, History

LEFT_OUT = 0.4  # of the kinds of events, in each history: one without crashes finds other things than one with many


def choose(seed, steps, worker_class=FakeWorker, *, network=None, without=frozenset()):
    """A whole history: (the history, what happened as (name, arguments), the error that ended it or None)."""
    chance = random.Random(seed)
    names = [name for name in HAPPENINGS if chance.random() > LEFT_OUT] + ["work"] * chance.randint(1, 6)
    names = [name for name in names if name not in without]
    history, happened = History(worker_class, network), []
    try:
        while len(happened) < steps:
            name = chance.choice(names)
            happening = HAPPENINGS[name]
            if not happening.is_possible(history):
                continue
            arguments = {argument: chance.choice(choices) for argument, choices in happening.arguments.items()}
            happened.append((name, arguments))
            happening.happen(history, **arguments)
            history.witness.look()
        history.finish()
    except Exception as error:  # noqa: BLE001 - whatever it is, the events that led there are worth knowing
        return history, happened, error
    return history, happened, None


def replay(happened, worker_class=FakeWorker):
    """The error that these events end with, None if all is well. What is not possible any more is passed over."""
    history = History(worker_class)
    try:
        for name, arguments in happened:
            if HAPPENINGS[name].is_possible(history):
                HAPPENINGS[name].happen(history, **arguments)
                history.witness.look()
        history.finish()
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return None


def make_small(happened, worker_class=FakeWorker):
    """As few of the events as still end with an error of the same kind."""
    kind, length = type(replay(happened, worker_class)), len(happened) // 2
    while length:
        at = 0
        while at < len(happened):
            fewer = happened[:at] + happened[at + length :]
            if type(replay(fewer, worker_class)) is kind:
                happened = fewer
            else:
                at += length
        length //= 2
    return happened
