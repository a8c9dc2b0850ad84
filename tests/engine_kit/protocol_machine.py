"""Hypothesis chooses what happens in a History."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine_kit.fake_worker import FakeWorker
from engine_kit.history import HAPPENINGS, History


class HistoryMachine(RuleBasedStateMachine):
    """Its rules are a History's events (see below)."""

    worker_class = FakeWorker
    met: ClassVar = Counter()  # over all histories of a run

    def __init__(self):
        super().__init__()
        self.history = History(self.worker_class)

    @invariant()
    def readers_see_a_prefix_of_the_truth(self):
        self.met["steps"] += 1
        self.history.witness.look()

    def teardown(self):
        self.history.finish()
        self.met["histories"] += 1
        self.met.update(self.history.met)


def _rule_of(name, happening):
    def happen(self, **arguments):
        happening.happen(self.history, **arguments)

    happen.__name__ = name
    choices = {argument: st.sampled_from(choices) for argument, choices in happening.arguments.items()}
    return precondition(lambda self: happening.is_possible(self.history))(rule(**choices)(happen))


def machine_of(worker_class=FakeWorker):
    """A state machine with a rule for each event, for workers of this kind; it counts what it meets on its own."""
    rules = {name: _rule_of(name, happening) for name, happening in HAPPENINGS.items()}
    return type("ProtocolMachine", (HistoryMachine,), {**rules, "worker_class": worker_class, "met": Counter()})
