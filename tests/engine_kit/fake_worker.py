"""A worker without Kafka: the real protocol, partition and copy over a fake log, one command at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from msgspec.structs import replace

from engine_kit.chain import TARGET
from engine_kit.fake_log import FakeLog
from engine_kit.fake_network import FakeNetwork, UnansweredError
from engine_kit.fake_partition import RefusedError
from engine_kit.forgetful_chain import SECOND_TARGET, ForgetfulChain
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine import protocol as p
from palier.engine.meta import META_KEY, Meta, encode_meta
from palier.engine.partition import Partition
from palier.engine.partition_copy import PartitionCopy
from palier.engine.unfinished import Fate, belong_to, last_whole
from palier.errors import PalierError

CHANGELOG, SOURCE = "changelog", "source"
OUTPUTS = {TARGET: "out", SECOND_TARGET: "second-out"}
TARGETS = {topic: target for target, topic in OUTPUTS.items()}
TOPICS = (CHANGELOG, *OUTPUTS.values())
UNFINISHED = object()


@dataclass
class FakeSource:
    """One partition of the source: keys by offset, of which those below `first` are gone."""

    keys: list[bytes] = field(default_factory=list)
    first: int = 0


def new_network():
    """A way to a broker with the chain's topics, all empty."""
    return FakeNetwork(FakeLog(TOPICS))


def follow(copy, log, end):
    """Bring a copy up to date, as recovery does, and a standby now and then."""
    start = copy.read_from(0, end)
    copy.recover(
        [
            SimpleNamespace(key=entry.key, value=entry.value, offset=offset, timestamp=0)
            for offset, entry in log.partitions[CHANGELOG].committed(start, end)
        ],
        end,
    )


class FakeWorker:
    """`command` is what the protocol wants next; `carry_out` does it and asks again. Dropping the object is a crash."""

    def __init__(self, network, source, copy=None):
        self.network, self.log, self.source = network, network.log, source
        self.protocol = p.PartitionProtocol(0, frozenset({SOURCE}), CHANGELOG, OUTPUTS)
        self.copy = PartitionCopy(0) if copy is None else copy
        self.partition = Partition(self.copy, ForgetfulChain())
        self.command = None
        self.exit = None
        self.is_worn = False  # its producer is to be renewed before the next transaction
        self.epoch = None
        self._crashes_seen = self.log.crashes
        self._snapshot = self._meta = None
        self._to_send = []  # of the command under way: (topic, key, value, batch number)
        self._sequences = {}
        self._whole, self._undone = None, {}  # of the last transaction: what is to be written again
        self._is_ending, self._again = False, None
        self._most = None  # records that a step of it may send
        self._ends = {}  # target -> offset behind what was sent last
        self._position = None  # in the changelog, behind what was sent last

    # --- what happens to it -------------------------------------------------------------------------------------------
    def hear(self, event):
        """Hand an event to the protocol."""
        command = self.protocol.handle(event)
        if isinstance(command, c.Exit):
            self.exit, self.command = command, None
        elif command is not None:
            self.command = command

    def fold(self, count):
        """A batch of up to `count` source records, folded if the protocol says so."""
        start = self.protocol.next.get(SOURCE, 0)
        keys = self.source.keys[start : start + count]
        if not keys or not self.protocol.running:
            return
        if start < self.source.first:
            self.hear(e.Failed("the source has lost the position"))
        elif isinstance(self.protocol.handle(e.BatchArrived(SOURCE, start, start + len(keys))), c.Fold):
            records = [SimpleNamespace(key=key, offset=start + at) for at, key in enumerate(keys)]
            ForgetfulChain().fold(self.partition, SOURCE, records)

    def revoke(self):
        """A rebalance takes the partition: finish what is under way; what recovery waited for is overtaken."""
        if not self.protocol.checkpointing:
            self.command = None
        self.hear(e.Revoked())
        self.run()

    # --- what it does -------------------------------------------------------------------------------------------------
    def carry_out(self, records=None):
        """Do what the protocol wants. `records`: only so many of a send, the others the next time. True: it is done."""
        try:
            event = self._do(self.command, records)
        except RefusedError as error:
            event = e.Failed(f"refused: {error!r}")
        except UnansweredError:
            event = e.Failed("the end of a transaction was not answered")
        except PalierError as error:
            event = e.Failed(str(error), error.exit_code)
        if event is UNFINISHED:
            return False
        self.command = None
        if event is not None:
            self.hear(event)
        return True

    def run(self):
        """Until the protocol has no more wishes, or has to wait."""
        while self.command is not None and self.exit is None:
            if not self.carry_out() and not self._is_ending:
                return

    def _do(self, command, records):
        match command:
            case c.Fence():
                return self._fence()
            case c.MeasureLogs(pause_s):
                if pause_s:
                    self.log.markers_arrive()
                return self._measure()
            case c.EndHanging():
                return self._end_hanging()
            case c.ReadChangelogTail(start, end):
                self._whole = last_whole(self.log.partitions[CHANGELOG].records(start, end))
                return e.ChangelogTailRead(None if self._whole is None else self._whole.meta)
            case c.ReadOutput(target):
                return e.OutputRead(target, self._fate_of(command))
            case c.WriteAgain(meta, targets, states):
                return self._write_again(meta, targets, self._whole.states if states else [], records)
            case c.Recover(end):
                return self._recover(end)
            case c.MeasureSource():
                group = len(self.source.keys) if self.copy.meta.batch_number else None  # META wins: this one is wrong
                return e.SourceMeasured({SOURCE: self.source.first}, {SOURCE: len(self.source.keys)}, {SOURCE: group})
            case c.Seek():
                return e.Sought()
            case c.Begin(batch_number, positions):
                return self._begin(batch_number, dict(positions))
            case c.SendOutputs():
                return self._send(self._outputs(), records) or e.OutputsAcknowledged()
            case c.SendChangelog():
                return self._send(self._changelog(), records) or e.ChangelogAcknowledged(self._position)
            case c.Commit():
                return self._commit()
            case c.Release():
                return None
        raise AssertionError(command)

    def _call(self, name, *arguments, **options):
        """What is not answered is sent again, as aiokafka does; but never the end of a transaction (see Writer)."""
        while True:
            try:
                return self.network.call(name, *arguments, **options)
            except UnansweredError:
                if name == "end_transaction":
                    raise

    # --- before it runs -----------------------------------------------------------------------------------------------
    def _fence(self):
        self._take_new_producer()
        self.partition = Partition(self.copy, ForgetfulChain())
        return e.Fenced()

    def _take_new_producer(self):
        self._is_ending, self._again, self._to_send = False, None, []
        self.epoch = self._call("init_producer")
        self._sequences = dict.fromkeys(TOPICS, 0)
        self.is_worn = False

    def _measure(self):
        log = self.log
        return e.LogsMeasured(
            {topic: log.stable(topic) for topic in TOPICS}, {topic: log.high(topic) for topic in TOPICS}
        )

    def _recover(self, end):
        if self.log.stable(CHANGELOG) < end:
            return UNFINISHED  # a read_committed consumer waits
        follow(self.copy, self.log, end)
        if not self.copy.recovered():
            self.log.met["copies ahead of the log"] += 1
            follow(self.copy, self.log, end)
            assert self.copy.recovered()
        self.log.met["recoveries with a torn transaction"] += bool(self.copy.torn)
        self.partition = Partition(self.copy, ForgetfulChain())
        ForgetfulChain().open(self.partition, self.copy.meta.summary)
        return e.Recovered(self.copy.meta, end, self.copy.records_read, self.copy.behind_meta)

    def _end_hanging(self):
        """In two steps, so that one may be its last."""
        if not self._is_ending:
            self._call("add_partitions", self.epoch, TOPICS)
            self._is_ending = True
            return UNFINISHED
        self._is_ending = False
        self.log.met["hanging transactions undone"] += 1
        self._call("end_transaction", self.epoch, commit=False)
        return e.HangingEnded()

    # --- the last transaction -----------------------------------------------------------------------------------------
    def _fate_of(self, output):
        partition, end = self.log.partitions[OUTPUTS[output.target]], output.end
        if partition.records(end - 1, end, committed=True):
            return Fate.COMMITTED
        records = partition.records(end - output.count, end)
        if not belong_to(records, output.batch_number, output.count):
            self.log.met["undone records that cleaning took"] += 1
            return Fate.GONE
        self._undone[output.target] = records
        return Fate.UNDONE

    def _write_again(self, meta, targets, states, records):
        """`records`: only so many of each send now."""
        if self._again is None:
            self._again = self._writing_again(meta, targets, states)
            self.log.met["transactions written again"] += 1
            self.log.met[f"with {len(targets)} outputs, {'and' if states else 'without'} states"] += 1
        self._most = records
        for _ in self._again:
            return UNFINISHED
        self._again = None
        return e.WrittenAgain()

    def _writing_again(self, meta, targets, states):
        """Pauses where it may be its last."""
        self._ends = {}
        self._call("add_partitions", self.epoch, [*(OUTPUTS[target] for target in targets), CHANGELOG])
        outputs = [
            (OUTPUTS[target], record.key, record.value, meta.batch_number)
            for target in targets
            for record in self._undone[target]
        ]
        while self._send(outputs, self._most):
            yield
        again = replace(meta, ends=meta.ends | self._ends, attempt=meta.attempt + 1)
        changelog = [(CHANGELOG, record.key, record.value, None) for record in states]
        while self._send([*changelog, (CHANGELOG, META_KEY, encode_meta(again), None)], self._most):
            yield
        self._call("end_transaction", self.epoch, commit=True)

    # --- a transaction ------------------------------------------------------------------------------------------------
    def _settle(self):
        """As Runner does: renew a worn producer; after a crash of the broker, begin nothing before the log is whole."""
        trouble = self._renew() if self.is_worn and self.protocol.position is not None else None
        if trouble is not None or self._crashes_seen == self.log.crashes:
            return trouble
        self.log.markers_arrive()  # it waits for them
        if self.log.is_hanging:
            return e.Failed("the broker lost markers")
        self._crashes_seen = self.log.crashes
        return None

    def _renew(self):
        self._take_new_producer()
        self._crashes_seen = self.log.crashes  # a new producer has lost contact with nobody
        self.log.met["producers renewed"] += 1
        if self.protocol.stands_at(self._measure()):
            return None
        self.log.met["zombies that found a successor when they renewed their producer"] += 1
        return e.Failed("a successor has been here")

    def _begin(self, batch_number, positions):
        trouble = self._settle()
        if trouble is not None:
            return trouble
        snapshot, self._ends = self.partition.snapshot(batch_number), {}
        self._snapshot = snapshot
        counts = {target: len(records) for target, records in snapshot.outputs.items()}
        self._meta = Meta(
            batch_number=batch_number,
            positions=positions,
            records={**counts, CHANGELOG: len(snapshot.changelog)},
            summary=snapshot.summary,
            deletions=sum(state is None for state in snapshot.changelog.values()),
        )
        self._call("add_partitions", self.epoch, [*(OUTPUTS[target] for target in counts), CHANGELOG])
        return e.Begun(self._meta, sum(counts.values()))

    def _outputs(self):
        batch = self._meta.batch_number
        return [
            (OUTPUTS[target], key, value, batch)
            for target, records in self._snapshot.outputs.items()
            for key, value, _ in records
        ]

    def _changelog(self):
        self._meta = replace(self._meta, ends=self._ends)
        states = [(CHANGELOG, key, value, None) for key, value in self._snapshot.changelog.items()]
        return [*states, (CHANGELOG, META_KEY, encode_meta(self._meta), None)]

    def _send(self, wanted, records):
        """UNFINISHED unless all is sent."""
        if not self._to_send:
            self._to_send = wanted
        while self._to_send and records != 0:
            self._append(*self._to_send[0])
            self._to_send.pop(0)
            records = None if records is None else records - 1
        return UNFINISHED if self._to_send else None

    def _append(self, topic, key, value, batch):
        sequence = self._sequences[topic]
        offset, is_new = self._call("append", self.epoch, topic, sequence, key, value, batch)
        self._sequences[topic] = sequence + 1
        # Of a repeated request, brokers may not tell the offset. It is the log's last one, as long as we are its owner.
        self._position = offset + 1 if is_new else None
        if topic != CHANGELOG:
            self._ends[TARGETS[topic]] = offset + 1 if is_new else self.log.high(topic)

    def _commit(self):
        self._call("end_transaction", self.epoch, commit=True)
        self.partition.commit(self._meta, self._position)
        self._snapshot = self._meta = None
        return e.Committed()
