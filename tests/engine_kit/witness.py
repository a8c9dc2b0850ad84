"""Reads a FakeLog as a read_committed consumer does, while things happen, and knows what it should find."""

from __future__ import annotations

from engine_kit.chain import STATE
from engine_kit.fake_worker import CHANGELOG, OUTPUTS, SOURCE
from engine_kit.forgetful_chain import live
from palier.engine.meta import META_KEY, Envelope, decode_meta


class ViolationError(AssertionError):
    """Something was lost, doubled, swapped or torn."""


class Witness:
    """What was seen once is decided for ever, so each look goes on where the last one ended."""

    def __init__(self, log, source):
        self.log, self.source = log, source
        self.position = 0  # of the source, by the last META seen
        self._batch = self._attempt = 0
        self._states, self._outputs, self._folded = {}, {topic: [] for topic in OUTPUTS.values()}, 0
        self._seen = dict.fromkeys(OUTPUTS.values(), 0)
        self._next = dict.fromkeys(log.topics, 0)
        self._stored = {}  # key -> the state that the changelog told last
        self._in_batch = 0  # records of the changelog since the last META
        self._promised, self._kept = {}, {}  # (topic, batch number) -> outputs that META counts, that readers saw

    def look(self):
        """At all that became readable.

        Raises:
            ViolationError: it is not what one straight run would have written.
        """
        self._fold()
        for topic, expected in self._outputs.items():
            for entry in self._read(topic):
                seen = self._seen[topic]
                if expected[seen : seen + 1] != [(entry.key, entry.value)]:
                    raise ViolationError(f"{topic}: output {seen} is {entry}, expected {expected[seen : seen + 1]}")
                self._seen[topic] = seen + 1
                self._kept[topic, entry.batch] = self._kept.get((topic, entry.batch), 0) + 1
        for entry in self._read(CHANGELOG):
            if entry.key == META_KEY:
                self._take_meta(decode_meta(entry.value))
            else:
                self._in_batch += 1
                self._stored[entry.key] = entry.value

    def look_at_the_end(self):
        """Somebody healthy has finished the job: everything is there, once, and every transaction whole."""
        self.look()
        if self.position != len(self.source.keys):
            raise ViolationError(f"META stands at {self.position}, the source ends at {len(self.source.keys)}")
        for topic, expected in self._outputs.items():
            if self._seen[topic] != len(expected):
                raise ViolationError(f"{topic}: {self._seen[topic]} outputs, expected {len(expected)}")
        if self._kept != self._promised:
            raise ViolationError(f"outputs by batch {self._kept}, META tells {self._promised}")
        if self._in_batch:
            raise ViolationError(f"{self._in_batch} records of the changelog without META")
        left = {entry.key: entry.value for _, entry in self.log.partitions[CHANGELOG].committed()}
        for what, values in (("told", self._stored), ("left by compaction", left)):
            states = {
                key: STATE.unpack(value[Envelope.SIZE :]) for key, value in values.items() if value and key != META_KEY
            }
            if states != self._states:
                raise ViolationError(f"states {what} by the changelog: {states}, expected {self._states}")

    def _read(self, topic):
        partition = self.log.partitions[topic]
        start, self._next[topic] = self._next[topic], partition.stable
        return [entry for _, entry in partition.committed(start)]

    def _take_meta(self, meta):
        if meta.batch_number == self._batch and meta.attempt > self._attempt:
            self._attempt = meta.attempt  # written again for the sake of outputs that were undone, without its states
            if not self._in_batch:
                return
        if meta.batch_number != self._batch + 1:
            raise ViolationError(f"batch {meta.batch_number} follows {self._batch}")
        if meta.records[CHANGELOG] != self._in_batch:
            raise ViolationError(f"batch {meta.batch_number}: {self._in_batch} records of {meta.records[CHANGELOG]}")
        if meta.positions[SOURCE] < self.position:
            raise ViolationError(
                f"batch {meta.batch_number} goes back from {self.position} to {meta.positions[SOURCE]}"
            )
        self._batch, self._attempt = meta.place
        self.position, self._in_batch = meta.positions[SOURCE], 0
        for target, topic in OUTPUTS.items():
            if count := meta.records.get(target, 0):
                self._promised[topic, meta.batch_number] = count

    def _fold(self):
        """What came to the source since the last look."""
        for offset in range(self._folded, len(self.source.keys)):
            key = self.source.keys[offset]
            state, outputs = live(self._states.pop(key, None), offset)
            if state is not None:
                self._states[key] = state
            for target, value in outputs:
                self._outputs[OUTPUTS[target]].append((key, value))
        self._folded = len(self.source.keys)
