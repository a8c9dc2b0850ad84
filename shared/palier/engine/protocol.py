"""The exactly-once protocol of one partition, as a state machine without I/O.

Something happens (an event), the machine answers with at most one command, somebody carries it out and reports the next
event. The engine does so with Faust and aiokafka; the tests do it with a small fake log and crash at any command.

    assigned -> fence -> measure the logs -> [undo what hangs -> measure again] -> recover
             -> [complete the last transaction -> recover again] -> seek -> running
    running: fold batches; checkpoint = begin, outputs, changelog with META, commit
    revoked -> last checkpoint -> released (and retained, if the next assignment gives the partition back at once)

What makes it exact: nobody else can commit after we fenced; META, which says where to go on, is committed with the state
it belongs to; outputs are written before the changelog and META is last. So a transaction is whole if and only if its META
is in the log, and then it is final, whatever becomes of its markers: should any part of it be undone (its owner died before
the end, or a broker forgot the end and somebody's fencing wrote another), the next owner writes that part again, byte for
byte, before anything else. Dying on the way changes nothing of what the next one finds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from palier.engine.commands import (
    Begin,
    Command,
    Commit,
    EndHanging,
    Exit,
    Fence,
    Fold,
    MeasureLogs,
    MeasureSource,
    ReadChangelogTail,
    ReadOutput,
    Recover,
    Release,
    Seek,
    SendChangelog,
    SendOutputs,
    WriteAgain,
)
from palier.engine.events import (
    Assigned,
    BatchArrived,
    Begun,
    ChangelogAcknowledged,
    ChangelogTailRead,
    CheckpointDue,
    Committed,
    Event,
    Failed,
    Fenced,
    HangingEnded,
    LogsMeasured,
    OutputRead,
    OutputsAcknowledged,
    Recovered,
    Revoked,
    Sought,
    SourceMeasured,
    TimersTaken,
    WrittenAgain,
)
from palier.engine.losses import Losses
from palier.engine.meta import Meta
from palier.engine.unfinished import Fate
from palier.errors import DataError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping


class Phase(StrEnum):
    """Where a partition is between assignment and release."""

    RELEASED = "released"
    FENCING = "fencing"
    MEASURING = "measuring"
    RECOVERING = "recovering"
    COMPLETING = "completing"
    POSITIONING = "positioning"
    RUNNING = "running"
    QUIESCING = "quiescing"
    ENDED = "ended"


SETTLE_ATTEMPTS = 100  # markers follow EndTxn's answer; with the pause below: 10 s
SETTLE_PAUSE_S = 0.1


@dataclass(slots=True)
class PartitionProtocol:
    """One partition's life. `handle` is the only way in; it never blocks and never fails."""

    partition: int
    sources: frozenset[str]
    changelog: str
    outputs: Mapping[str, str]  # target, as META counts it -> topic
    losses: Losses = field(default_factory=Losses)
    phase: Phase = Phase.RELEASED
    generation: int = -1
    committed: Meta = field(default_factory=Meta)
    position: int | None = None  # changelog offset that our state stands at; None: unknown, read it again
    next: dict[str, int] = field(default_factory=dict)  # source topic -> next offset to fold
    _settled: dict[str, int] = field(default_factory=dict)  # what the last commit covers, or where we began
    _changed: bool = False  # by timers, since the last checkpoint began
    _in_flight: Meta | None = None
    _in_flight_position: int | None = None
    _attempts: int = 0
    _measured: LogsMeasured | None = None
    _last: Meta = field(default_factory=Meta)  # of the transaction that is to be complete before we go on
    _fates: dict[str, Fate] = field(default_factory=dict)  # target -> what became of that transaction's records there
    _written_again: bool = False

    def handle(self, event: Event) -> Command | None:
        """The next command, or None when there is nothing to do now."""
        if self.phase is Phase.ENDED or self._is_late(event):
            return None
        match event:
            case BatchArrived():
                return self._on_batch(event)
            case TimersTaken():
                self._changed = True
                return None
            case CheckpointDue():
                return self._maybe_begin()
            case Begun(meta, outputs):
                self._in_flight = meta
                return SendOutputs() if outputs else SendChangelog()
            case OutputsAcknowledged():
                return SendChangelog()
            case ChangelogAcknowledged(position):
                self._in_flight_position = position
                return Commit()
            case Committed():
                return self._on_committed()
            case Assigned(generation):
                return self._on_assigned(generation)
            case Fenced():
                self.phase, self._attempts = Phase.MEASURING, 0
                return MeasureLogs()
            case LogsMeasured():
                return self._on_measured(event)
            case HangingEnded():
                return MeasureLogs(pause_s=SETTLE_PAUSE_S)
            case Recovered():
                return self._on_recovered(event)
            case ChangelogTailRead(meta):
                return self._on_changelog_tail(meta)
            case OutputRead(target, fate):
                self._fates[target] = fate
                return self._look_at_outputs()
            case WrittenAgain():
                self.phase, self._attempts, self._written_again = Phase.MEASURING, 0, True
                return MeasureLogs(pause_s=SETTLE_PAUSE_S)
            case SourceMeasured():
                return self._on_source_measured(event)
            case Sought():
                self.phase = Phase.RUNNING
                return None
            case Revoked():
                return self._on_revoked()
            case Failed(what, code):
                return self._exit(code, what)

    def _is_late(self, event: Event) -> bool:
        """The answer to a command that a rebalance has overtaken."""
        match event:
            case Recovered():
                return self.phase is not Phase.RECOVERING
            case ChangelogTailRead() | OutputRead() | WrittenAgain():
                return self.phase is not Phase.COMPLETING
            case LogsMeasured() | HangingEnded():
                return self.phase is not Phase.MEASURING
            case SourceMeasured() | Sought():
                return self.phase is not Phase.POSITIONING
            case _:
                return False

    @property
    def running(self) -> bool:
        """Batches are taken."""
        return self.phase is Phase.RUNNING

    @property
    def checkpointing(self) -> bool:
        """A transaction is open."""
        return self._in_flight is not None

    def stands_at(self, logs: LogsMeasured) -> bool:
        """A producer was renewed while nothing was open: is the end of the logs still our own last transaction?

        The new producer fences everybody, a successor too, of whom a zombie does not know. So nothing may hang, and behind
        our META there may be its marker; whatever a successor commits is META and marker at least.
        """
        return self.position is not None and logs.stable == logs.high and logs.high[self.changelog] <= self.position + 1

    # --- assignment: fence, before anything is read -------------------------------------------------------------------
    def _on_assigned(self, generation: int) -> Command:
        # Kept from the generation just before: had anybody been in between, his fencing ends us at the next commit.
        kept = self.phase is Phase.RELEASED and generation == self.generation + 1 and self.position is not None
        self.generation = generation
        if kept:
            return self._measure_source()
        self.phase, self.position, self._in_flight, self._changed = Phase.FENCING, None, None, False
        self._written_again = False
        return Fence()

    def _on_measured(self, event: LogsMeasured) -> Command:
        """Nobody else writes these partitions, so after fencing the last stable offset must equal the high watermark.

        If not, a restarted broker has "completed" a transaction without writing its markers (KAFKA-20734): our next
        commit would commit it too. So it is undone before anything is read, and completed afterwards if it was whole.
        """
        self._measured = event
        hanging = {topic: event.stable[topic] for topic, high in event.high.items() if event.stable[topic] < high}
        if not hanging:
            self.phase = Phase.RECOVERING
            return Recover(event.high[self.changelog])
        self._attempts += 1
        if self._attempts == 1:
            return EndHanging()
        if self._attempts > SETTLE_ATTEMPTS:
            topics = ", ".join(f"{topic} from offset {start}" for topic, start in sorted(hanging.items()))
            return self._exit(
                ExitCode.INTERNAL,
                f"a transaction that is not ours is open in partition {self.partition} of {topics}: its producer or its "
                "time-out may end it before the next start; else use kafka-transactions.sh find-hanging and abort",
            )
        return MeasureLogs(pause_s=SETTLE_PAUSE_S)

    def _on_recovered(self, event: Recovered) -> Command:
        if event.records and not event.meta.batch_number:
            changelog = f"{self.changelog}, partition {self.partition}"
            lost = self._lost(
                changelog, f"{event.records} records but no META, so they cannot be trusted", event.records
            )
            if lost is not None:
                return lost
        self.committed, self.position = event.meta, event.position
        self.phase, self._last, self._fates = Phase.COMPLETING, event.meta, {}
        if event.position > event.behind_meta + 1:  # more than the marker of the last transaction
            return ReadChangelogTail(event.behind_meta, event.position)
        return self._look_at_outputs()

    # --- the last transaction: all of it, or nothing ------------------------------------------------------------------
    def _on_changelog_tail(self, meta: Meta | None) -> Command:
        """The transaction after the last committed one, or the latter written again, if it is there and whole."""
        number = self.committed.batch_number
        if meta is not None and meta.place > self.committed.place and meta.batch_number in (number, number + 1):
            self._last = meta
        return self._look_at_outputs()

    def _look_at_outputs(self) -> Command:
        """Each that the transaction wrote to, one after the other; then write again what is undone."""
        assert self._measured is not None
        last, fates = self._last, self._fates
        for target, topic in self.outputs.items():
            count, end = last.records.get(target, 0), last.ends.get(target)
            if count and end is not None and target not in fates:
                if end <= self._measured.high[topic]:
                    return ReadOutput(target, end, count, last.batch_number)
                fates[target] = Fate.GONE  # the topic was made anew
        states = last.batch_number != self.committed.batch_number
        undone = tuple(target for target, fate in fates.items() if fate is Fate.UNDONE)
        # Cleaning may have taken some of what was undone. Then it cannot be completed; at worst, outputs of which
        # readers have seen some come again, with the same ids.
        if (states and Fate.GONE in fates.values()) or not (undone or states):
            return self._measure_source()
        if self._written_again:
            what = f"partition {self.partition}: batch {last.batch_number} was completed, and is not there"
            return self._exit(ExitCode.INTERNAL, what)
        return WriteAgain(last, undone, states)

    def _measure_source(self) -> Command:
        self.phase = Phase.POSITIONING
        return MeasureSource()

    def _on_source_measured(self, event: SourceMeasured) -> Command:
        self.next = {}
        for topic in sorted(self.sources):
            wanted = self._position_in(topic, event.first[topic], event.next[topic], event.group.get(topic))
            if isinstance(wanted, Exit):
                return wanted
            self.next[topic] = wanted
        self._settled = dict(self.next)
        return Seek(dict(self.next))

    def _position_in(self, topic: str, first: int, end: int, group: int | None) -> int | Exit:
        """Where to go on in a source topic that has [first, end); `group`: its offset, which counts only without META."""
        source, lost = f"{topic}, partition {self.partition}", None
        wanted = self.committed.positions.get(topic)
        if wanted is None and group is not None and not self.committed.batch_number:
            why = f"empty, but the group has already read {topic} up to offset {group}: state was lost"
            lost = self._lost(f"{self.changelog}, partition {self.partition}", why, max(1, group - first))
            wanted = group  # not the beginning: what was told must not be told again
        if lost is None and wanted is not None and not first <= wanted <= end:
            gone, how = (first - wanted, "was shortened") if wanted < first else (1, "was made anew")
            lost = self._lost(source, f"the state goes on at {wanted}, the topic has {first} to {end}: it {how}", gone)
            wanted = first
        return lost or (first if wanted is None else wanted)

    def _lost(self, where: str, why: str, records: int) -> Exit | None:
        """Damage: None if an operator has accepted it."""
        try:
            self.losses.take(where, why, records)
        except DataError as error:
            return self._exit(ExitCode.DATA, str(error))
        return None

    # --- running ------------------------------------------------------------------------------------------------------
    def _on_batch(self, event: BatchArrived) -> Command | None:
        if self.phase is not Phase.RUNNING:
            return None  # fetched before a rebalance; it is read again
        expected = self.next[event.topic]
        if event.start != expected:
            return self._exit(
                ExitCode.INTERNAL,
                f"{event.topic}, partition {self.partition}: expected offset {expected}, got {event.start}",
            )
        self.next[event.topic] = event.end
        return Fold()

    def _maybe_begin(self) -> Command | None:
        if self.checkpointing or self.phase not in (Phase.RUNNING, Phase.QUIESCING):
            return None
        if self._changed or self.next != self._settled:
            self._changed = False
            begin = Begin(self.committed.batch_number + 1, dict(self.next))
            self._in_flight = Meta(batch_number=begin.batch_number, positions=dict(begin.positions))
            return begin
        if self.phase is Phase.QUIESCING:
            self.phase = Phase.RELEASED
            return Release()
        return None

    def _on_committed(self) -> Command | None:
        assert self._in_flight is not None
        self.committed, self.position = self._in_flight, self._in_flight_position
        self._settled = dict(self.committed.positions)
        self._in_flight = self._in_flight_position = None
        return self._maybe_begin() if self.phase is Phase.QUIESCING else None

    # --- the end ------------------------------------------------------------------------------------------------------
    def _on_revoked(self) -> Command | None:
        if self.phase is Phase.RUNNING:
            self.phase = Phase.QUIESCING
            return self._maybe_begin()
        if self.phase in (Phase.RELEASED, Phase.QUIESCING):
            return None
        # Nothing of ours is open. What is recovered is whole and stays; what was half read is not worth keeping.
        if self.phase is not Phase.POSITIONING:
            self.position = None
        self.phase = Phase.RELEASED
        return Release()

    def _exit(self, code: ExitCode, reason: str) -> Exit:
        self.phase = Phase.ENDED
        return Exit(code, reason)
