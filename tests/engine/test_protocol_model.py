"""The protocol under random histories: crashes at any command, zombies, rebalances, a broker that loses markers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine_kit.chain import STATE, step
from engine_kit.fake_worker import CHANGELOG, OUTPUT, FakeWorker, new_log
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine import protocol as p
from palier.engine.meta import META_KEY, Envelope, Meta
from palier.errors import ExitCode


def offline(source):
    """(outputs in order, state by key) of one straight run."""
    state, outputs = {}, []
    for offset, key in enumerate(source):
        state[key], output = step(state.get(key, (0, 0, 0)), offset)
        if output is not None:
            outputs.append((key, output))
    return outputs, state


class ProtocolMachine(RuleBasedStateMachine):
    """Up to two workers believe that they own the partition; at most one of them is right."""

    @initialize()
    def begin(self):
        self.log, self.source, self.generation = new_log(), [], 0
        self.workers: list[FakeWorker] = []
        self.standby = FakeWorker(self.log, self.source)

    # --- the world ----------------------------------------------------------------------------------------------------
    @rule(keys=st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=30))
    def produce(self, keys):
        self.source += keys

    @rule()
    def a_standby_follows(self):
        """It reads what is committed by now, which may end in the middle of what a ghost will commit."""
        self.standby.read_changelog(self.log.stable(CHANGELOG))

    @precondition(lambda self: len(self.workers) < 2)
    @rule(warm=st.booleans())
    def a_worker_gets_the_partition(self, warm):
        """The old owner, if there is one, has not noticed: a zombie. The new one may have been a standby."""
        self.generation += 1
        worker = FakeWorker(self.log, self.source)
        if warm:
            worker, self.standby = self.standby, worker
        worker.hear(e.Assigned(self.generation))
        self.workers.append(worker)

    @rule(lost=st.sets(st.sampled_from([CHANGELOG, OUTPUT]), min_size=1))
    def the_broker_will_lose_markers(self, lost):
        """As a restarted broker does: the transaction counts as ended, some partitions never hear of it."""
        self.log.markers_lost_in = lost

    @precondition(lambda self: self.workers and not self.log.open_in)
    @rule(
        data=st.data(),
        lost=st.sets(st.sampled_from([CHANGELOG, OUTPUT]), min_size=1),
        key=st.sampled_from([b"a", b"b"]),
        commands=st.integers(1, 4),
        survives=st.booleans(),
        records=st.integers(0, 2),
    )
    def a_transaction_loses_markers(self, data, lost, key, commands, survives, records):
        """The rare thing often enough: a transaction with outputs, whole or not, whose markers are lost."""
        worker = data.draw(st.sampled_from(self.workers))
        self.source += [key] * 8
        worker.run()
        worker.fold(len(self.source))
        worker.hear(e.CheckpointDue())
        self.log.markers_lost_in = lost  # at the commit, or when a successor aborts what was left
        for _ in range(commands):
            if worker.command is not None:
                worker.carry_out()
        if not survives:
            if isinstance(worker.command, c.SendOutputs | c.SendChangelog):
                worker.carry_out(only=records)
            self.workers.remove(worker)
        self._bury()

    # --- the workers --------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.workers)
    @rule(data=st.data(), count=st.integers(1, 12))
    def fold(self, data, count):
        data.draw(st.sampled_from(self.workers)).fold(count)

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), steps=st.integers(1, 8))
    def go_on(self, data, steps):
        worker = data.draw(st.sampled_from(self.workers))
        for _ in range(steps):
            if worker.command is None:
                worker.hear(e.CheckpointDue())
            if worker.command is None or worker.exit is not None:
                break
            worker.carry_out()
        self._bury()

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), records=st.integers(0, 3))
    def crash(self, data, records):
        """Between two commands, or in the middle of a send."""
        worker = data.draw(st.sampled_from(self.workers))
        if isinstance(worker.command, c.SendOutputs | c.SendChangelog):
            worker.carry_out(only=records)
        self.workers.remove(worker)

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), comes_back=st.booleans())
    def rebalance(self, data, comes_back):
        """Quiesce; perhaps the next generation gives the partition back at once."""
        worker = data.draw(st.sampled_from(self.workers))
        if worker.command is None or not worker.protocol.checkpointing:
            worker.command = None  # what recovery waited for is overtaken
            worker.hear(e.Revoked())
        else:
            worker.hear(e.Revoked())
        worker.run()
        if worker.exit is None:
            assert worker.partition.clean or worker.protocol.position is None
            if comes_back:
                self.generation += 1
                worker.hear(e.Assigned(self.generation))
            else:
                self.workers.remove(worker)
        self._bury()

    def _bury(self):
        for worker in [worker for worker in self.workers if worker.exit is not None]:
            assert worker.exit.code is ExitCode.INTERNAL, worker.exit
            self.workers.remove(worker)

    # --- what must hold -----------------------------------------------------------------------------------------------
    @invariant()
    def readers_see_a_prefix_of_the_truth(self):
        if not hasattr(self, "log"):
            return
        expected, _ = offline(self.source)
        seen = [(entry.key, entry.value) for _, entry in self.log.committed(OUTPUT)]
        assert seen == expected[: len(seen)]

    def teardown(self):
        """Whatever happened, a healthy worker finishes the job exactly."""
        if not hasattr(self, "log"):
            return
        self.log.markers_lost_in = set()
        worker = FakeWorker(self.log, self.source)
        worker.hear(e.Assigned(self.generation + 10))
        worker.run()
        worker.fold(len(self.source))
        worker.hear(e.CheckpointDue())
        worker.run()
        assert worker.exit is None, worker.exit
        outputs, state = offline(self.source)
        assert [(entry.key, entry.value) for _, entry in self.log.committed(OUTPUT)] == outputs
        last = {entry.key: entry.value for _, entry in self.log.committed(CHANGELOG) if entry.key != META_KEY}
        assert {key: STATE.unpack(value[Envelope.SIZE :]) for key, value in last.items()} == state


TestProtocol = ProtocolMachine.TestCase
TestProtocol.settings = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


def run_to_rest(worker):
    """Assign, recover, seek."""
    worker.hear(e.Assigned(1))
    worker.run()


def test_a_gap_in_positions_ends_the_process():
    """A batch that does not begin where the last one ended is never folded."""
    worker = FakeWorker(new_log(), [b"a"] * 10)
    run_to_rest(worker)
    worker.fold(3)
    answer = worker.protocol.handle(e.BatchArrived("source", 5, 6))
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.INTERNAL
    assert "expected offset 3, got 5" in answer.reason


def test_changelog_records_without_meta_are_not_trusted():
    """State of unknown completeness needs an operator: never start empty, never start on half."""
    protocol = p.PartitionProtocol(3, frozenset({"source"}), "changelog", {}, phase=p.Phase.RECOVERING)
    answer = protocol.handle(e.Recovered(Meta(), 10, 10))
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.DATA
    assert "partition 3" in answer.reason


@pytest.mark.parametrize(
    ("first", "end", "wanted"), [(5, 9, 3), (0, 2, 3)], ids=["retention took it", "the topic was made anew"]
)
def test_a_source_that_no_longer_has_the_position_is_not_guessed_at(first, end, wanted):
    """META.next outside the source topic: an operator decides."""
    protocol = p.PartitionProtocol(0, frozenset({"source"}), "changelog", {}, phase=p.Phase.POSITIONING)
    protocol.committed = Meta(batch_number=4, positions={"source": wanted})
    answer = protocol.handle(e.SourceMeasured({"source": first}, {"source": end}, {"source": None}))
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.DATA


def test_group_offsets_without_state_mean_lost_state():
    """An empty changelog is a new application only if the group never read anything."""
    protocol = p.PartitionProtocol(0, frozenset({"source"}), "changelog", {}, phase=p.Phase.POSITIONING)
    answer = protocol.handle(e.SourceMeasured({"source": 0}, {"source": 9}, {"source": 7}))
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.DATA


def test_an_unknown_outcome_of_a_commit_ends_the_process():
    """The log decides what was committed; nobody guesses."""
    protocol = p.PartitionProtocol(0, frozenset({"source"}), "changelog", {}, phase=p.Phase.RUNNING)
    answer = protocol.handle(e.Failed("the outcome of a commit is unknown"))
    assert isinstance(answer, c.Exit)
    assert protocol.handle(e.CheckpointDue()) is None
