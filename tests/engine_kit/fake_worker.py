"""A worker without Kafka: the real protocol, partition and changelog codec over a FakeLog, one command at a time."""

from __future__ import annotations

from types import SimpleNamespace

from engine_kit.chain import TARGET, ChainProcessor
from engine_kit.fake_log import FakeLog, FencedError
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine import protocol as p
from palier.engine.meta import META_KEY, Meta, decode_meta, encode_meta
from palier.engine.partition import Partition
from palier.engine.partition_copy import PartitionCopy

CHANGELOG, OUTPUT, SOURCE = "changelog", "out", "source"


def new_log():
    """A log with the chain's topics."""
    return FakeLog((CHANGELOG, OUTPUT))


class FakeWorker:
    """`command` is what the protocol wants next; `carry_out` does it and asks again. Dropping the object is a crash."""

    def __init__(self, log, source):
        self.log, self.source = log, source
        self.protocol = p.PartitionProtocol(0, frozenset({SOURCE}), CHANGELOG, {TARGET: OUTPUT})
        self.copy = PartitionCopy(0)
        self.partition = Partition(self.copy, ChainProcessor())
        self.command = None
        self.exit = None
        self.epoch = None
        self.crashes_seen = log.crashes

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
        keys = self.source[start : start + count]
        if keys and isinstance(self.protocol.handle(e.BatchArrived(SOURCE, start, start + len(keys))), c.Fold):
            records = [SimpleNamespace(key=key, offset=start + at) for at, key in enumerate(keys)]
            self.partition.context["folded"] += 0
            ChainProcessor().fold(self.partition, SOURCE, records)

    def carry_out(self, only=None):
        """Do what the protocol wants. `only`: crash after so many records of a send. True when it is done."""
        command, self.command = self.command, None
        try:
            event = self._do(command, only)
        except FencedError:
            event = e.Failed("fenced")
        if event is e.Failed:
            return False
        if event is not None:
            self.hear(event)
        return True

    def run(self):
        """Until the protocol has no more wishes."""
        while self.command is not None and self.exit is None:
            self.carry_out()

    def _markers_are_missing(self):
        """As the engine does: after a crash of the broker, begin nothing before the log is whole."""
        if self.crashes_seen == self.log.crashes:
            return False
        self.crashes_seen = self.log.crashes
        return any(self.log.stable(topic) < self.log.high(topic) for topic in self.log.topics)

    def read_changelog(self, end):
        """What was committed since our copy was last brought up to date: on recovery, and as a standby now and then."""
        start = self.copy.read_from(0, end)
        self.copy.recover(
            [
                SimpleNamespace(key=entry.key, value=entry.value, offset=offset, timestamp=0)
                for offset, entry in self.log.committed(CHANGELOG, end)
                if offset >= start
            ],
            end,
        )

    def _do(self, command, only):
        log, epoch = self.log, self.epoch
        match command:
            case c.Fence():
                self.epoch = log.init_producer()
                self.partition = Partition(self.copy, ChainProcessor())
                return e.Fenced()
            case c.MeasureLogs():
                return e.LogsMeasured(
                    {topic: log.stable(topic) for topic in log.topics}, {topic: log.high(topic) for topic in log.topics}
                )
            case c.ReadChangelogTail(start, end):
                last = log.last_record(CHANGELOG, start, end)
                is_meta = last is not None and last.key == META_KEY
                return e.ChangelogTailRead(decode_meta(last.value) if is_meta else None)
            case c.ReadFate(topic, start, _, batch_number):
                batches = [entry.headers[0] for offset, entry in log.committed(topic) if offset >= start]
                return e.FateRead(batches[-1:] == [batch_number])
            case c.ReadOutputTail(topic, start, end):
                last = log.last_record(topic, start, end)
                return e.OutputTailRead(None if last is None else last.headers[0])
            case c.EndHanging(commit):
                log.add_partitions(epoch, log.topics)
                log.end_transaction(epoch, commit=commit)
                return e.HangingEnded()
            case c.Recover(end):
                self.read_changelog(end)
                self.copy.recovered()
                ChainProcessor().open(self.partition, self.copy.meta.summary)
                return e.Recovered(self.copy.meta, end, self.copy.records_read)
            case c.MeasureSource():
                return e.SourceMeasured({SOURCE: 0}, {SOURCE: len(self.source)}, {SOURCE: None})
            case c.Seek():
                return e.Sought()
            case c.Begin() if self._markers_are_missing():
                return e.Failed("the broker lost markers")
            case c.Begin(batch_number, positions):
                self.snapshot = self.partition.snapshot(batch_number)
                outputs = self.snapshot.outputs.get(TARGET, [])
                counts = {TARGET: len(outputs), CHANGELOG: len(self.snapshot.changelog)}
                self.meta = Meta(
                    batch_number=batch_number,
                    positions=dict(positions),
                    records=counts,
                    summary=self.snapshot.summary,
                    deletions=sum(state is None for state in self.snapshot.changelog.values()),
                )
                log.add_partitions(epoch, [CHANGELOG, OUTPUT] if outputs else [CHANGELOG])
                return e.Begun(self.meta, len(outputs))
            case c.SendOutputs():
                for key, value, _ in self.snapshot.outputs[TARGET][:only]:
                    log.append(epoch, OUTPUT, key, value, (self.meta.batch_number,))
                return e.Failed if only is not None else e.OutputsAcknowledged()
            case c.SendChangelog():
                records = [*self.snapshot.changelog.items(), (META_KEY, encode_meta(self.meta))]
                for key, value in records[:only]:
                    log.append(epoch, CHANGELOG, key, value)
                return e.Failed if only is not None else e.ChangelogAcknowledged(log.high(CHANGELOG))
            case c.Commit():
                log.end_transaction(epoch, commit=True)
                self.partition.commit(self.meta, log.high(CHANGELOG))
                return e.Committed()
            case c.Release():
                return None
        raise AssertionError(command)
