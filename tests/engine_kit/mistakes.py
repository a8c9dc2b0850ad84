"""Workers with a mistake each: what histories are worth shows in whether they find it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import msgspec

from engine_kit.fake_network import UnansweredError
from engine_kit.fake_partition import RefusedError
from engine_kit.fake_worker import CHANGELOG, OUTPUTS, SOURCE, FakeWorker
from palier.engine import commands as c
from palier.engine import events as e
from palier.engine.meta import META_KEY, encode_meta
from palier.engine.unfinished import Fate


class EndsAgain(FakeWorker):
    """EndTxn that is not answered is sent again, as aiokafka does by itself: the first one may commit half of the next."""

    def _call(self, name, *arguments, **options):
        while True:
            with suppress(UnansweredError):
                return self.network.call(name, *arguments, **options)


class FencesTooLate(FakeWorker):
    """What it has read may be out of date by the time it fences: at its first transaction."""

    def _fence(self):
        self.epoch = None
        return e.Fenced()

    def _begin(self, batch_number, positions):
        self._fence_at_last()
        return super()._begin(batch_number, positions)

    def _end_hanging(self):
        self._fence_at_last()
        return super()._end_hanging()

    def _write_again(self, *arguments):
        self._fence_at_last()
        return super()._write_again(*arguments)

    def _fence_at_last(self):
        if self.epoch is None:
            self._take_new_producer()


class MetaBeforeOutputs(FakeWorker):
    """That META is there does not tell any more that the outputs are."""

    def _do(self, command, records):
        if self._snapshot is None or not self._snapshot.outputs:
            return super()._do(command, records)
        if isinstance(command, c.SendOutputs):
            unfinished = self._send(self._changelog(), records)
            self._behind_meta = self._position
            return unfinished or e.OutputsAcknowledged()
        if isinstance(command, c.SendChangelog):
            unfinished = self._send(self._outputs(), records)
            self._position = self._behind_meta
            return unfinished or e.ChangelogAcknowledged(self._position)
        return super()._do(command, records)


class _PositionOff(FakeWorker):
    by = 0

    def _changelog(self):
        *states, _ = super()._changelog()
        positions = {SOURCE: max(0, self._meta.positions[SOURCE] + self.by)}
        wrong = encode_meta(msgspec.structs.replace(self._meta, positions=positions))
        return [*states, (CHANGELOG, META_KEY, wrong, None)]


class PositionTooLow(_PositionOff):
    """META says to go on with a record that is folded already."""

    by = -1


class PositionTooHigh(_PositionOff):
    """META says to go on behind a record that is not folded."""

    by = 1


class TrustsItsCopy(FakeWorker):
    """A copy that was right once is taken as it is, whoever had the partition meanwhile."""

    def _recover(self, end):
        if self.copy.position is None:
            return super()._recover(end)
        return replace(super()._recover(self.copy.position), position=end)


class IgnoresRefusals(FakeWorker):
    """A transaction is committed whatever became of its records."""

    def _append(self, topic, key, value, batch):
        self._position = None
        with suppress(RefusedError):
            super()._append(topic, key, value, batch)


class StoresBeforeCommit(FakeWorker):
    """What is on disk may never have been written anywhere else."""

    def _begin(self, batch_number, positions):
        event = super()._begin(batch_number, positions)
        self.copy.store.write(self._snapshot.changelog.items() if self._snapshot else (), None)
        return event


class RenewsBlindly(FakeWorker):
    """A new producer for a worn one fences everybody, a successor too, of whom a zombie does not know."""

    def _renew(self):
        self._take_new_producer()


class IgnoresLostMarkers(FakeWorker):
    """The next transaction ends the last one too, perhaps in another way."""

    def _settle(self):
        self._crashes_seen = self.log.crashes
        return super()._settle()


class NeverCompletes(FakeWorker):
    """What is undone stays undone, though readers of other partitions may have seen the rest of it."""

    def _do(self, command, records):
        if isinstance(command, c.ReadChangelogTail):
            return e.ChangelogTailRead(None)
        return super()._do(command, records)

    def _fate_of(self, output):
        return Fate.COMMITTED


class TellsNoEnds(FakeWorker):
    """Nobody can look what became of its outputs."""

    def _changelog(self):
        *states, _ = super()._changelog()
        return [*states, (CHANGELOG, META_KEY, encode_meta(msgspec.structs.replace(self._meta, ends={})), None)]


class CompletesBlindly(FakeWorker):
    """Outputs that are committed come again."""

    def _fate_of(self, output):
        partition = self.log.partitions[OUTPUTS[output.target]]
        self._undone[output.target] = partition.records(output.end - output.count, output.end)
        return super()._fate_of(output) if self._whole is None else Fate.UNDONE


class TrustsTheDisk(FakeWorker):
    """A copy on disk may hold a transaction that was undone after the broker had told its owner that it is committed."""

    def _recover(self, end):
        self.copy._is_confirmed = True
        return super()._recover(end)


MISTAKES = (
    EndsAgain,
    FencesTooLate,
    MetaBeforeOutputs,
    PositionTooLow,
    PositionTooHigh,
    TrustsItsCopy,
    IgnoresRefusals,
    StoresBeforeCommit,
    RenewsBlindly,
    IgnoresLostMarkers,
    NeverCompletes,
    TellsNoEnds,
    CompletesBlindly,
    TrustsTheDisk,
)
