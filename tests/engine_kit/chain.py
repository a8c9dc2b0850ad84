"""The chain: per key a count and a running checksum of source offsets, with an output at every seventh record.

Order-sensitive and not idempotent, so a record lost, doubled or swapped anywhere changes everything that follows.
"""

from __future__ import annotations

import struct
from zlib import crc32

from palier.engine.ports import Snapshot

STATE = struct.Struct("<qIq")  # count, checksum, sequence
OUTPUT = struct.Struct("<qqIq")  # sequence, count, checksum, source offset
EVERY = 7
TARGET = "out"


def step(state, offset):
    """One record: (new state, output or None)."""
    count, checksum, sequence = state
    count += 1
    checksum = crc32(offset.to_bytes(8, "little"), checksum)
    if count % EVERY:
        return (count, checksum, sequence), None
    sequence += 1
    return (count, checksum, sequence), OUTPUT.pack(sequence, count, checksum, offset)


class ChainProcessor:
    """A palier.engine.ports.Processor."""

    def open(self, partition, summary):
        partition.context = {"folded": summary.get("folded", 0)}

    def encode(self, state):
        return STATE.pack(*state)

    def decode(self, data):
        return STATE.unpack(data)

    def due(self, state):
        return None

    def expire(self, partition, key, until_ms, offset):
        raise AssertionError("the chain has no timers")

    def clock_ms(self, partition):
        return 0

    def snapshot(self, partition):
        return Snapshot(dict(partition.context), None)

    def committed(self, partition, effects): ...

    def fold(self, partition, topic, records):
        for record in records:
            if partition.torn and record.offset <= partition.torn.get(record.key, -1):
                continue
            state, output = step(partition.load(record.key) or (0, 0, 0), record.offset)
            partition.save(record.key, state, record.offset)
            if output is not None:
                partition.emit(TARGET, (record.key, output, []))
        partition.context["folded"] += len(records)


class SilentObserver:
    """A palier.engine.ports.Observer that ignores everything."""

    def state_changed(self, state): ...
    def partitions_assigned(self, active, standby, partitions): ...
    def partitions_recovering(self, remaining, seconds_left): ...
    def standby_fetched(self, partition, lag): ...
    def data_lost(self, records): ...
    def partitions_recovered(self, partitions, records, seconds): ...
    def checkpoint_committed(self, checkpoint): ...
    def batch_fetched(self, partition, lag, newest_ms, stuck_s): ...
    def alive(self): ...
