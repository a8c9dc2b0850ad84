"""The chain with a second output, and with deletions: a key that has grown old begins anew."""

from __future__ import annotations

from engine_kit.chain import TARGET, ChainProcessor, step

SECOND_TARGET = "second"
EVERY_SECOND_TARGET = 3
OLD = 10  # records


def live(state, offset):
    """One record: (new state, None if it is deleted; outputs as pairs of target and value)."""
    state, output = step(state or (0, 0, 0), offset)
    count, checksum, _ = state
    outputs = [] if output is None else [(TARGET, output)]
    if count % EVERY_SECOND_TARGET == 0:
        outputs.append((SECOND_TARGET, b"%d %d" % (offset, checksum)))
    return (state if count < OLD else None), outputs


class ForgetfulChain(ChainProcessor):
    """A palier.engine.ports.Processor."""

    def fold(self, partition, topic, records):
        for record in records:
            if partition.torn and record.offset <= partition.torn.get(record.key, -1):
                continue
            state, outputs = live(partition.load(record.key), record.offset)
            partition.save(record.key, state, record.offset)
            for target, value in outputs:
                partition.emit(target, (record.key, value, []))
        partition.context["folded"] += len(records)
