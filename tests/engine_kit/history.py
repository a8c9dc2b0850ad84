"""What may happen to one partition and its owners: crashes at any command, zombies, rebalances, ghosts, lost markers.

A History is a world with events; who chooses among them is another matter: Hypothesis (protocol_machine.py), which also
makes a failing history small, or a plain random walk (random_walk.py), which is several times faster.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from engine_kit.chain import TARGET
from engine_kit.fake_log import STRANGER
from engine_kit.fake_network import Fault
from engine_kit.fake_worker import CHANGELOG, OUTPUTS, TOPICS, FakeSource, FakeWorker, follow, new_network
from engine_kit.witness import Witness
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine.meta import META_KEY
from palier.engine.partition_copy import PartitionCopy
from palier.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = (b"a", b"b", b"c")
SEND = c.SendOutputs | c.SendChangelog | c.WriteAgain
WORKERS = (0, 1)
COMMANDS = (1, 2, 3, 4, 6, 9, 20)
SOME_TOPICS = [
    tuple(topic for at, topic in enumerate(TOPICS) if chosen >> at & 1) for chosen in range(1, 2 ** len(TOPICS))
]
FAULTS = (
    ("init_producer", Fault.ANSWER_LOST),
    ("init_producer", Fault.HELD_BACK),
    ("add_partitions", Fault.ANSWER_LOST),
    ("add_partitions", Fault.HELD_BACK),
    ("append", Fault.ANSWER_LOST),
    ("append", Fault.HELD_BACK),
    ("append", Fault.REFUSED),
    ("end_transaction", Fault.ANSWER_LOST),
    ("end_transaction", Fault.HELD_BACK),
    ("end_transaction", Fault.REQUEST_LOST),
)


class Happening(NamedTuple):
    """An event: a method of a History, what its arguments are chosen from, and when it is possible."""

    happen: Callable[..., None]
    arguments: dict[str, tuple]
    is_possible: Callable[[History], bool]


HAPPENINGS: dict[str, Happening] = {}


def event(when=lambda _: True, **arguments):
    """Enter a method among the events."""

    def enter(method):
        HAPPENINGS[method.__name__] = Happening(method, arguments, when)
        return method

    return enter


class History:
    """Up to two workers believe that they own the partition; at most one of them is right."""

    def __init__(self, worker_class=FakeWorker, network=None):
        self.worker_class = worker_class
        self.network = new_network() if network is None else network
        self.log = self.network.log
        self.source = FakeSource()
        self.witness = Witness(self.log, self.source)
        self.workers: list[FakeWorker] = []
        self.standby = PartitionCopy(0)
        self.disk = None  # a store that a dead worker left behind
        self.generation = 0
        self.met = Counter()

    # --- the workers --------------------------------------------------------------------------------------------------
    @event(lambda self: len(self.workers) < 2, copy=("none", "standby", "disk"))
    def a_worker_gets_the_partition(self, copy):
        """The old owner, if there is one, has not noticed: a zombie."""
        if copy == "standby":
            started, self.standby = self.standby, PartitionCopy(0)
        elif copy == "disk" and self.disk is not None:
            started, self.disk = PartitionCopy(0, self.disk), None
        else:
            started = PartitionCopy(0)
        worker = self.worker_class(self.network, self.source, started)
        self.generation += 1
        worker.hear(e.Assigned(self.generation))
        self.workers.append(worker)
        self.met["workers"] += 1
        self.met["workers beside a zombie"] += len(self.workers) > 1

    @event(which=WORKERS, keys=range(3**7), count=range(1, 13), commands=COMMANDS)
    def work(self, which, keys, count, commands):
        """Touchpoints come in (up to seven: the digits of `keys`), some are folded, a checkpoint gets more or less far."""
        while keys:
            keys, digit = divmod(keys, len(KEYS))
            self.source.keys.append(KEYS[digit])
        worker = self._worker(which)
        worker.fold(count)
        self._go_on(worker, commands)

    @event(which=WORKERS, commands=COMMANDS)
    def go_on(self, which, commands):
        self._go_on(self._worker(which), commands)

    @event(
        lambda self: any(isinstance(worker.command, SEND) for worker in self.workers), records=(1, 2, 3), dies=(0, 1)
    )
    def send_a_little(self, records, dies):
        """And be overtaken by others, or by death, in the middle of it."""
        worker = next(worker for worker in self.workers if isinstance(worker.command, SEND))
        command = type(worker.command).__name__
        if not worker.carry_out(records) and dies:
            self._kill(worker, f"in the middle of {command}")
        self._bury()

    @event(lambda self: self.workers, which=WORKERS)
    def crash(self, which):
        worker = self._worker(which)
        self._kill(worker, f"before {'nothing' if worker.command is None else type(worker.command).__name__}")

    @event(which=WORKERS, comes_back=("no", "at once", "later"))
    def rebalance(self, which, comes_back):
        """Quiesce; perhaps the next generation gives the partition back at once, or the one after it."""
        worker = self._worker(which)
        worker.revoke()
        if worker.exit is None:
            assert worker.partition.clean or worker.protocol.position is None
            if comes_back == "no":
                self.disk = worker.copy.store
                self.workers.remove(worker)
            else:
                self.generation += 1 if comes_back == "at once" else 2
                worker.hear(e.Assigned(self.generation))
                self.met[f"rebalances: back {comes_back}"] += 1
        self._bury()

    # --- the broker and the network -----------------------------------------------------------------------------------
    @event(
        lambda self: not self.log.is_ongoing() and not self.log.is_ongoing(STRANGER),
        which=WORKERS,
        keys=(KEYS[:1] * 8, KEYS[:2] * 3, KEYS * 8),  # with outputs to both topics, to the second one only, and many
        lost=(*SOME_TOPICS, TOPICS, TOPICS, TOPICS),
        commands=(2, 3, 4),
        dies=("no", "yes", "and has a successor"),
        records=(1, 2, 8),
    )
    def a_transaction_loses_markers(self, which, keys, lost, commands, dies, records):
        """As a restarted broker does: the transaction counts as ended, some partitions never hear of it.

        The rare thing often enough: a transaction with outputs, whole or not.
        """
        worker = self._worker(which)
        self.source.keys += keys
        worker.run()
        worker.fold(len(self.source.keys))
        worker.hear(e.CheckpointDue())
        self.log.markers_lost_in = set(lost)  # at the commit, or when a successor aborts what was left
        for _ in range(commands):
            if worker.command is not None:
                worker.carry_out()
        if dies != "no" and worker.exit is None:
            if isinstance(worker.command, SEND):
                worker.carry_out(records)
            self._kill(worker, "with markers to be lost")
            if dies != "yes":
                self.a_worker_gets_the_partition("none")
                self.workers[-1].run()
        self._bury()

    @event(which=WORKERS, fault=FAULTS, commands=COMMANDS)
    def the_network_fails(self, which, fault, commands):
        """The next call of some kind, which may be about to come."""
        name, what = fault
        self.network.faults[name] = what
        self._go_on(self._worker(which), commands)

    @event(lambda self: self.network.held, which=range(4), after=range(4))
    def a_ghost_arrives(self, which, after):
        """A request held back, now or between the records that somebody sends next."""
        self.network.deliver(which, after)

    @event(lambda self: self.log.is_ongoing())
    def a_transaction_times_out(self):
        self.log.time_out()

    @event(late=(0, 1))
    def markers(self, late):
        """The next ones will come late, or the late ones come."""
        if late:
            self.log.markers_wait = True
        else:
            self.log.markers_arrive()

    @event(lambda self: not self.log.markers_lost_in)
    def a_stranger_writes(self):
        """Or is timed out. Not into a topic that has lost markers: nobody could tell his records from ours."""
        if self.log.is_ongoing(STRANGER):
            self.log.time_out(producer=STRANGER)
        elif not self.log.is_hanging:
            topic = OUTPUTS[TARGET]
            epoch = self.log.init_producer(producer=STRANGER)
            self.log.add_partitions(epoch, [topic], producer=STRANGER)
            self.log.append(epoch, topic, 0, b"stranger", b"", producer=STRANGER)
            self.met["transactions of a stranger"] += 1

    # --- housekeeping -------------------------------------------------------------------------------------------------
    @event()
    def a_standby_follows(self):
        """It reads what is committed by now, which may end in the middle of what a ghost will commit."""
        follow(self.standby, self.log, self.log.stable(CHANGELOG))

    @event(lambda self: self.workers, which=WORKERS)
    def a_producer_wears_out(self, which):
        self._worker(which).is_worn = True

    @event(lambda self: self.witness.position > self.source.first, share=(0.5, 0.9, 1.0))
    def logs_are_cleaned(self, share):
        """The changelog by compaction, the source by its retention, up to where the state that anybody can read goes on.

        Deletions go only when every copy that may still be used has read them: that is what their retention is for. And
        what was written last goes never: brokers do not clean a log's active segment.
        """
        partition = self.log.partitions[CHANGELOG]
        positions = [self.standby.position, *(worker.copy.position for worker in self.workers)]
        if self.disk is not None:
            positions.append(self.disk.mark and self.disk.mark.position)
        last = max((offset for offset, entry in partition.committed() if entry.key == META_KEY), default=0)
        partition.compact(min(last, int(partition.stable * share)), min(position or 0 for position in positions))
        self.source.first = self.witness.position
        self.met["logs cleaned"] += 1
        self.met["sources shortened"] += self.source.first > 0

    # --- parts of events ----------------------------------------------------------------------------------------------
    def _worker(self, which):
        """One of those there are; there is always one, supervisors see to that."""
        if not self.workers:
            self.a_worker_gets_the_partition("none")
        return self.workers[which % len(self.workers)]

    def _go_on(self, worker, commands):
        for _ in range(commands):
            if worker.command is None:
                worker.hear(e.CheckpointDue())
            if worker.command is None or not worker.carry_out():
                break
        self._bury()

    def _kill(self, worker, when):
        self.met["crashes"] += 1
        self.met[f"crashes {when}"] += 1
        self.disk = worker.copy.store
        self.workers.remove(worker)

    def _bury(self):
        for worker in [worker for worker in self.workers if worker.exit is not None]:
            if self.log.is_newest(worker.epoch):
                assert worker.exit.code is ExitCode.INTERNAL, worker.exit
            elif worker.exit.code is not ExitCode.INTERNAL:  # the logs go on without it: it may find them damaged
                self.met["zombies misled"] += 1
            self.met["exits"] += 1
            self.disk = worker.copy.store
            self.workers.remove(worker)

    # --- the end ------------------------------------------------------------------------------------------------------
    def finish(self):
        """Whatever happened, a healthy worker finishes the job exactly.

        Raises:
            ViolationError: it does not.
        """
        self.network.heal()
        self.log.markers_lost_in, self.log.markers_wait = set(), False
        if self.log.is_ongoing(STRANGER):
            self.log.time_out(producer=STRANGER)
        worker = self.worker_class(self.network, self.source)
        worker.hear(e.Assigned(self.generation + 10))
        worker.run()
        worker.fold(len(self.source.keys))
        worker.hear(e.CheckpointDue())
        worker.run()
        assert worker.exit is None, worker.exit
        self.witness.look_at_the_end()
        self.met.update(self.log.met)
