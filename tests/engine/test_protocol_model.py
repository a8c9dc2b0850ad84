"""The protocol under random histories: crashes at any command, zombies, rebalances, ghosts, a broker that loses markers."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace

from engine_kit.fake_network import Fault
from engine_kit.fake_worker import CHANGELOG, FakeSource, FakeWorker, new_network
from engine_kit.history import KEYS
from engine_kit.mistakes import MISTAKES, FencesTooLate, NeverCompletes, RenewsBlindly
from engine_kit.protocol_machine import machine_of
from engine_kit.random_walk import choose, replay
from engine_kit.vacuity import missing
from engine_kit.witness import ViolationError
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine import protocol as p
from palier.engine.meta import Meta
from palier.engine.unfinished import Fate
from palier.errors import ExitCode

# The same histories in every run: chance is for `python -m chaos.model`.
HISTORIES = settings(
    max_examples=300, stateful_step_count=50, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
WITHOUT_SHRINKING = settings(HISTORIES, phases=[Phase.generate], report_multiple_bugs=False)


def test_nothing_is_lost_doubled_or_torn_in_any_history():
    """Readers see a prefix of the truth at every step; in the end a healthy worker finishes the job exactly."""
    machine = machine_of()
    run_state_machine_as_test(machine, settings=HISTORIES)
    assert machine.met["histories"] >= HISTORIES.max_examples


def test_histories_by_chance_meet_everything_and_find_nothing():
    """The short form of `python -m chaos.model`: longer histories, chosen without Hypothesis."""
    met = sum((finished(seed).met for seed in range(100, 200)), start=type(finished(1).met)())
    assert missing(met) == []


def finished(seed):
    """A history of 200 steps that went well."""
    history, happened, error = choose(seed, 200)
    assert error is None, (error, happened)
    return history


@pytest.mark.parametrize("mistaken", MISTAKES)
def test_a_mistake_is_found(mistaken):
    """A worker that makes one is caught within the histories that prove that ours makes none."""
    ends = (choose(seed, 50, mistaken)[2] for seed in range(1, 301))
    assert any(isinstance(error, ViolationError) for error in ends)


def test_hypothesis_finds_a_mistake_too():
    """It makes a failure small, but meets fewer rare things than chance does. A worker may also end for a wrong reason."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine_of(FencesTooLate), settings=WITHOUT_SHRINKING)


# Two workers; the second one takes the partition and commits; then the first one, frozen meanwhile, renews its producer.
A_ZOMBIE_RENEWS = [
    ("work", {"which": 0, "keys": 2021, "count": 6, "commands": 4}),
    ("a_worker_gets_the_partition", {"copy": "standby"}),
    ("go_on", {"which": 0, "commands": 9}),
    ("work", {"which": 1, "keys": 238, "count": 2, "commands": 9}),
    ("work", {"which": 1, "keys": 1558, "count": 4, "commands": 9}),
    ("a_producer_wears_out", {"which": 0}),
    ("work", {"which": 0, "keys": 1498, "count": 3, "commands": 3}),
]


def test_a_zombie_that_renews_its_producer_notices_its_successor():
    """The new producer fences the successor; going on would tell everything again that the successor has told."""
    assert replay(A_ZOMBIE_RENEWS) is None
    assert isinstance(replay(A_ZOMBIE_RENEWS, RenewsBlindly), ViolationError)


def test_a_worker_dies_while_it_mends_what_a_broker_forgot():
    """Two faults within milliseconds: a transaction that readers of some partitions saw, and that is undone in others.

    A broker has lost some of a commit's markers; whoever comes next undoes what hangs, with two calls, and dies between
    them, so that his successor's fencing writes the markers.
    """
    committed = {"which": 0, "keys": KEYS[:2] * 3, "lost": (CHANGELOG,), "commands": 4, "dies": "no", "records": 1}
    happened = [
        ("a_transaction_loses_markers", committed),
        ("crash", {"which": 0}),
        ("the_network_fails", {"which": 0, "fault": ("end_transaction", Fault.HELD_BACK), "commands": 20}),
        ("work", {"which": 0, "keys": 94, "count": 3, "commands": 6}),
    ]
    assert replay(happened) is None
    assert isinstance(replay(happened, NeverCompletes), ViolationError)


def run_to_rest(worker):
    """Assign, recover, seek."""
    worker.hear(e.Assigned(1))
    worker.run()


def test_a_gap_in_positions_ends_the_process():
    """A batch that does not begin where the last one ended is never folded."""
    worker = FakeWorker(new_network(), FakeSource([b"a"] * 10))
    run_to_rest(worker)
    worker.fold(3)
    answer = worker.protocol.handle(e.BatchArrived("source", 5, 6))
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.INTERNAL
    assert "expected offset 3, got 5" in answer.reason


LAST = Meta(batch_number=2, records={"changes": 1, "changelog": 1}, ends={"changes": 3})
ENDS = {"changelog": 5, "out": 3}


def up_to_the_outputs(last=LAST):
    """(a protocol that has fenced and recovered batch 1, and found batch 2 behind it, undone; what it wants next)."""
    protocol = p.PartitionProtocol(0, frozenset({"source"}), "changelog", {"changes": "out"})
    happened = (
        e.Assigned(1), e.Fenced(), e.LogsMeasured(ENDS, ENDS), e.Recovered(Meta(batch_number=1), 5, 2, 2),
        e.ChangelogTailRead(last),
    )  # fmt: skip
    return protocol, [protocol.handle(event) for event in happened][-1]


@pytest.mark.parametrize(
    ("fate", "wanted"),
    [
        (Fate.COMMITTED, c.WriteAgain(LAST, (), states=True)),
        (Fate.UNDONE, c.WriteAgain(LAST, ("changes",), states=True)),
        (Fate.GONE, c.MeasureSource()),
    ],
)
def test_a_whole_transaction_is_completed(fate, wanted):
    """With its outputs, unless readers have them; one of which cleaning took a part is given up, as if it had been torn."""
    protocol, command = up_to_the_outputs()
    assert command == c.ReadOutput("changes", 3, 1, 2)
    assert protocol.handle(e.OutputRead("changes", fate)) == wanted


def test_outputs_of_a_topic_that_was_made_anew_are_gone():
    """They would lie beyond its end: nobody waits for them."""
    assert up_to_the_outputs(replace(LAST, ends={"changes": 4}))[1] == c.MeasureSource()


def test_another_transaction_behind_meta_is_none_of_ours():
    """Only the next batch can have been ours to complete."""
    assert up_to_the_outputs(replace(LAST, batch_number=3))[1] == c.MeasureSource()


def test_what_is_completed_and_still_not_there_ends_the_process():
    """Nobody writes the same again and again."""
    protocol, _ = up_to_the_outputs()
    happened = (
        e.OutputRead("changes", Fate.UNDONE), e.WrittenAgain(), e.LogsMeasured(ENDS, ENDS),
        e.Recovered(Meta(batch_number=1), 5, 2, 2), e.ChangelogTailRead(LAST), e.OutputRead("changes", Fate.UNDONE),
    )  # fmt: skip
    answer = [protocol.handle(event) for event in happened][-1]
    assert isinstance(answer, c.Exit)
    assert answer.code is ExitCode.INTERNAL
    assert "batch 2 was completed, and is not there" in answer.reason


def test_changelog_records_without_meta_are_not_trusted():
    """State of unknown completeness needs an operator: never start empty, never start on half."""
    protocol = p.PartitionProtocol(3, frozenset({"source"}), "changelog", {}, phase=p.Phase.RECOVERING)
    answer = protocol.handle(e.Recovered(Meta(), 10, 10, 0))
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
